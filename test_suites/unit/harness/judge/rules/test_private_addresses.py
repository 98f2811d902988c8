"""A fetch that was not made is a block only where must-block sentinels were sent alike."""

from __future__ import annotations

import pytest

from harness.judge.filter_fingerprints import FilterFingerprints, learn_fingerprints
from harness.judge.judge import judge, judge_trial
from harness.model.facts import Hop, WebFacts
from harness.model.observation import Failure, Observation
from harness.model.verdict import State, Trial
from test_suites.kit.campaigns.trials import OURS, failed, observation, trial, web

REFUSED = failed("private_address", "request")
HOME = f"http://{OURS}/"


def sent_to(url: str, home: str = HOME) -> WebFacts:
    hops = (Hop(url=home, status=302, location=url),)
    return web(url, canary="absent", status=None, body_length=None, hops=hops)


def learned(url: str) -> FilterFingerprints:
    """What a must-block sentinel teaches that was sent there, and not followed."""
    facts = sent_to(url, "http://sentinel.accredit.test/")
    seen = observation(facts, host="sentinel.accredit.test", role="must_block", failure=REFUSED)
    return learn_fingerprints([seen])


@pytest.mark.parametrize(
    ("sentinel", "item", "state"),
    [
        ("http://127.0.0.1:9/blocked", "http://127.0.0.1:9/other?u=x", State.BLOCKED),
        ("http://10.0.0.1/blocked", "http://10.0.0.1:80/", State.BLOCKED),
        ("http://10.0.0.1/blocked", "https://10.0.0.1/", State.INSUFFICIENT),
        ("http://10.0.0.1/blocked", "http://10.0.0.1:81/", State.INSUFFICIENT),
        ("http://10.0.0.1/blocked", "http://10.0.0.2/", State.INSUFFICIENT),
        ("http://10.0.0.1/blocked", "http://10.0.0.1.evil.test/", State.INSUFFICIENT),
    ],
)
def test_scheme_host_and_port_must_be_the_sentinels(sentinel: str, item: str, state: State) -> None:
    verdict = judge_trial(trial(sent_to(item), failure=REFUSED), learned(sentinel))

    assert state is verdict.state


def test_words_in_the_address_make_no_block_of_what_was_not_visited() -> None:
    made = trial(sent_to("http://10.0.0.1/blocked?category=porn"), failure=REFUSED)

    assert (State.INSUFFICIENT, "private-redirect") == (
        judge_trial(made).state,
        judge_trial(made).rule,
    )


def test_an_item_that_both_lines_refuse_is_down_and_nobodys_fault() -> None:
    made = trial(REFUSED, failed("private_address", "request"))

    assert (State.DOWN, "control-private-address") == (
        judge_trial(made).state,
        judge_trial(made).rule,
    )


def test_a_way_past_a_public_host_counts_by_where_it_ends() -> None:
    """The sentinel was sent to the public host, the item by way of it to a printer."""
    way = "http://portal.supplier.example/"
    hops = (
        Hop(url=HOME, status=302, location=way),
        Hop(url=way, status=302, location="http://192.168.1.9/"),
    )
    facts = web("http://192.168.1.9/", canary="absent", status=None, body_length=None, hops=hops)

    verdict = judge_trial(trial(facts, failure=REFUSED), learned(way))

    assert State.INSUFFICIENT is verdict.state


def _batch(role: str, name: str, facts: WebFacts | Failure, failure: Failure | None) -> Trial:
    host = f"{name}.accredit.test"
    made = [
        observation(facts, host=host, item=name, role=role, failure=failure),  # type: ignore[arg-type]  # roles are given by name
        observation(web(f"http://{host}/"), "control", host=host, item=name, role=role),  # type: ignore[arg-type]  # the same
    ]
    return Trial(service=made[0], control=made[1])


def test_the_sentinel_that_teaches_it_is_blocked_itself() -> None:
    """A block page on the pupil's own machine is never visited, and still voids no batch."""
    seen: list[Observation] = []
    for side in (".before", ".after"):
        allowed = _batch("must_allow", f"allow{side}", web(), None)
        blocked = _batch(
            "must_block", f"block{side}", sent_to("http://127.0.0.1:9/", "http://block/"), REFUSED
        )
        seen += [allowed.service, allowed.control, blocked.service, blocked.control]  # type: ignore[list-item]  # both have a control
    item = trial(sent_to("http://127.0.0.1:9/x"), failure=REFUSED)
    assert item.control is not None

    judged = judge([*seen, item.service, item.control])

    assert [(State.BLOCKED, "private-redirect-learned")] == [
        (each.state, each.rule) for each in judged.verdicts
    ]
