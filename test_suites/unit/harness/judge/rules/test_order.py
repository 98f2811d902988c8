"""The order of the rules, and what holds for all of them."""

from __future__ import annotations

import re

import pytest

from harness.errors import UsageError
from harness.judge.composite_measurements import ALONE_RULES, PROVEN_RULES
from harness.judge.rules.dns import DNS_RULES
from harness.judge.rules.order import (
    JUDGED_FACTS,
    MEASURED_FACTS,
    REACH_RULES,
    READ_FACTS,
    RULES,
    RULES_VERSION,
    rules_for,
)
from harness.judge.rules.web_pages import PAGE_RULES
from harness.model.code_digest import digest_of_code
from harness.model.facts import KINDS
from harness.model.verdict import Mechanism, State

PLACES = {rule.id: place for place, rule in enumerate(RULES)}


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("control-missing", "instrument-service"),
        ("instrument-service", "control-failed"),
        ("instrument-control", "control-failed"),
        ("control-failed", "token-arrived"),
        ("proxy-unreachable", "refused"),
        ("resolver-unreachable", "dns-silent"),
        ("dns-same", "dns-null-address"),
        ("dns-null-address", "dns-varies"),
        ("dns-learned-sinkhole", "dns-varies"),
        ("token-in-another-page", "token-arrived"),
        ("token-arrived", "reset"),
        ("tunnel-refused-learned", "tunnel-trouble"),
        ("tunnel-trouble", "tunnel-refused"),
        ("resolve-silent", "silence"),
        ("page-learned", "token-missing-server-error"),
        ("arrived-inside", "reset"),
        ("words-arrived", "broken-off"),
        ("too-long-to-read", "silence"),
        ("broken-off", "reset"),
        ("coding-unknown", "page-learned"),
        ("page-learned", "frame-not-followed"),
        ("frame-not-followed", "page-recognised"),
        ("page-recognised", "page-not-recognised"),
        ("page-not-recognised", "page-same"),
        ("page-same", "parked"),
        ("page-recognised", "page-same"),
    ],
)
def test_the_first_that_matches_wins_so_the_order_is_kept(first: str, later: str) -> None:
    assert PLACES[first] < PLACES[later]


def test_the_last_rule_matches_whatever_is_left_and_favours_nothing() -> None:
    assert RULES[-1].state is State.INSUFFICIENT
    assert ALONE_RULES[-1].state is State.INSUFFICIENT


def test_ids_are_words_and_every_rule_says_why() -> None:
    for rule in (*RULES, *ALONE_RULES, *PROVEN_RULES):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
        assert len(rule.says) > 10


NOT_SHOWN = {
    "token-in-block-page": Mechanism.INSIDE_BLOCK_PAGE,
    "token-not-shown": Mechanism.HIDDEN,
}
"""Rules by which content came that the page does not show."""


def test_a_block_names_its_mechanism_and_an_allowance_has_none() -> None:
    for rule in (*RULES, *ALONE_RULES, *PROVEN_RULES):
        if rule.state is State.BLOCKED:
            assert rule.mechanism is not Mechanism.NONE, rule.id
        elif rule.state in (State.ALLOWED, State.DOWN):
            assert rule.mechanism is NOT_SHOWN.get(rule.id, Mechanism.NONE), rule.id


def test_the_version_is_the_digest_of_all_that_judging_reaches() -> None:
    assert f"1+{digest_of_code('harness.judge')[:12]}" == RULES_VERSION


def test_each_kind_of_facts_has_a_group_of_rules_that_ends_in_doubt() -> None:
    assert set(KINDS) == JUDGED_FACTS | READ_FACTS | MEASURED_FACTS
    for tag in JUDGED_FACTS:
        rules = rules_for(tag)
        assert set(rules) <= set(RULES)
        assert rules[-1].state is State.INSUFFICIENT


def test_facts_of_a_kind_without_rules_are_judged_by_no_others() -> None:
    with pytest.raises(UsageError, match="no rules of judgement for facts of kind 'mail'"):
        rules_for("mail")


def test_names_and_pages_are_judged_by_their_own_rules() -> None:
    names, pages = set(rules_for("dns")), set(rules_for("web"))

    assert set(DNS_RULES) <= names
    assert set(PAGE_RULES) <= pages
    assert not names & {*PAGE_RULES, *REACH_RULES}
    assert not pages & {*DNS_RULES, *REACH_RULES}
    assert RULES == rules_for("")
