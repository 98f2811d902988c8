"""A block page is one and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.filter_fingerprints import (
    NO_FINGERPRINTS,
    FilterFingerprints,
    declared_fingerprints,
    learn_fingerprints,
)
from harness.judge.judge import judge_trial
from harness.judge.trial_features import TrialFeatures
from harness.model.facts import WebFacts
from harness.model.service_declaration import BlockPage
from harness.model.verdict import State
from test_suites.kit.campaigns.trials import observation, trial, web

NOTICE = "Access to this website has been blocked by your school. Ask your teacher if you need it."
SAYS: dict[str, Any] = {"canary": "absent", "title": "Access denied", "text": NOTICE}
CONTROL = web(text="The garden centre opens at nine.", text_length=1350)
OTHER: dict[str, Any] = {"canary": "absent", "title": "Le jardin", "text": "el nidraj " * 25}
BLOCK_HOST = "http://stop.filter.example/x"


def _case(page: WebFacts, fingerprints: FilterFingerprints = NO_FINGERPRINTS) -> TrialFeatures:
    return TrialFeatures(trial(page, CONTROL), fingerprints)


def test_a_notice_is_recognised_where_nothing_stands_beside_it() -> None:
    assert _case(web(**SAYS, text_length=len(NOTICE))).looks_blocked
    assert not _case(web(**SAYS, embedded=1)).looks_blocked
    assert not _case(web(**SAYS, text_length=1300)).looks_blocked


def test_a_declared_sentence_over_a_picture_or_a_long_text_is_not_the_block_page() -> None:
    fingerprints = declared_fingerprints(BlockPage(text="blocked by your school"))

    assert _case(web(**SAYS), fingerprints).is_learned_page
    assert not _case(web(**SAYS, embedded=1), fingerprints).is_learned_page
    assert not _case(web(**SAYS, text_length=1300), fingerprints).is_learned_page


def test_a_learned_page_may_have_as_many_pictures_as_it_had() -> None:
    fingerprints = learn_fingerprints([observation(web(**SAYS, embedded=2))])

    assert _case(web(**SAYS, embedded=2), fingerprints).is_learned_page
    assert not _case(web(**SAYS, embedded=3), fingerprints).is_learned_page


def test_a_frame_of_the_block_host_counts_only_on_a_page_that_says_nothing() -> None:
    fingerprints = FilterFingerprints(hosts=frozenset({"stop.filter.example"}))
    bare = web(canary="absent", title="", embedded=1, frames=(BLOCK_HOST,))
    beside = web(**OTHER, embedded=1, frames=(BLOCK_HOST,))

    assert _case(bare, fingerprints).is_learned_page
    assert not _case(beside, fingerprints).is_learned_page


def test_all_frames_must_lead_to_the_block_host() -> None:
    fingerprints = FilterFingerprints(hosts=frozenset({"stop.filter.example"}))
    both = web(canary="absent", title="", embedded=2, frames=(BLOCK_HOST, "http://a.example/"))

    assert not _case(both, fingerprints).is_learned_page


@pytest.mark.parametrize("outer", [{"title": "", "embedded": 2}, {**SAYS, "embedded": 0}])
def test_every_inner_page_that_came_must_be_a_block_page(outer: dict[str, Any]) -> None:
    block, other = web(BLOCK_HOST, **SAYS), web("http://gamb.test/inner", **OTHER)
    outer = {"canary": "absent", **outer}

    assert _case(web(**outer, inner=(block, block))).looks_blocked
    assert not _case(web(**outer, inner=(block, other))).looks_blocked
    fingerprints = learn_fingerprints([observation(block)])
    assert _case(web(**outer, inner=(block, block)), fingerprints).is_learned_page
    assert not _case(web(**outer, inner=(block, other)), fingerprints).is_learned_page


def test_a_learned_page_with_a_frame_that_did_not_come_is_not_all_there() -> None:
    missing = web("http://gamb.test/inner", status=None, canary="absent")
    fingerprints = learn_fingerprints([observation(web(**SAYS, embedded=1))])

    assert _case(web(**SAYS, embedded=1), fingerprints).is_learned_page
    assert not _case(web(**SAYS, embedded=1, inner=(missing,)), fingerprints).is_learned_page


def test_an_inner_page_that_says_nothing_is_no_hindrance() -> None:
    empty = web("http://count.example/", canary="absent", title="", text="")

    assert _case(web(**SAYS, inner=(empty,))).looks_blocked


def test_a_page_at_the_block_host_is_its_page_only_if_it_is_known_or_says_nothing() -> None:
    fingerprints = FilterFingerprints(hosts=frozenset({"stop.filter.example"}))

    assert _case(web(BLOCK_HOST, canary="absent", title=""), fingerprints).is_learned_page
    there = web(BLOCK_HOST, **OTHER, text_length=250)
    assert not _case(there, fingerprints).is_learned_page
    assert judge_trial(trial(there, CONTROL), fingerprints).state is State.INSUFFICIENT
