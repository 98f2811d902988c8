"""Sentinels say whether a batch may count, and if not, which precondition failed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.judge.judge import Judge, judge, judge_trial
from harness.judge.pairing import BatchPath, pair
from harness.judge.sentinels import (
    AGREED_PAGE_PASSES,
    BLOCK_IS_CLEAR,
    FILTER_IS_ON,
    LIST_PROGRAM_WORKS,
    ORIGIN_ANSWERS,
    SENTINELS_PRESENT,
    SERVICE_REACHABLE,
    SentinelCheck,
    SentinelSummary,
    check_sentinels,
    missing_sentinels_check,
)
from harness.model.corpus import Item
from harness.model.facts import SealedFacts, WebFacts
from harness.model.observation import CONTROL, Failure
from harness.model.probe import EARLIER, ProbeDeclaration
from test_suites.kit.campaigns.trials import batch_of, dns, failed, observation, web

COURSE = BatchPath(1, "proxy", "ks2", "web")
ENTRY = Item(id="0" * 64, value="0" * 64, labels=("ILL.CSAM",), kind="sealed")
BLOCKED = web(canary="absent", status=403, title="Blocked")
PORTAL = web(canary="absent", title="Welcome to the hotel")


def _bracket(
    allowed: WebFacts | Failure, blocked: WebFacts | Failure, control: WebFacts | Failure
) -> SentinelCheck:
    trials = pair(batch_of(1, allowed, blocked, control=control)).sentinels[COURSE]
    return check_sentinels(COURSE, [(trial, judge_trial(trial)) for trial in trials])


@pytest.mark.parametrize(
    ("allowed", "blocked", "control", "failed_precondition"),
    [
        (web(), BLOCKED, web(), ""),
        (web(), failed("generic_timeout_error", "connect"), web(), ""),
        (web(), BLOCKED, failed("connection_refused", "connect"), ORIGIN_ANSWERS),
        (web(), BLOCKED, PORTAL, ORIGIN_ANSWERS),
        (web(), BLOCKED, failed("instrument_overload", "instrument"), ORIGIN_ANSWERS),
        (failed("connection_refused", "proxy_connect"),) * 2 + (web(), SERVICE_REACHABLE),
        (failed("generic_timeout_error", "connect"),) * 2 + (web(), SERVICE_REACHABLE),
        (failed("connection_refused", "connect"),) * 2 + (web(), SERVICE_REACHABLE),
        (PORTAL, PORTAL, web(), AGREED_PAGE_PASSES),
        (BLOCKED, BLOCKED, web(), AGREED_PAGE_PASSES),
        (web(title="A page, with advertisements"), BLOCKED, web(), ""),
        (web(), web(), web(), FILTER_IS_ON),
        (web(), web(canary="absent", status=502, title=""), web(), BLOCK_IS_CLEAR),
    ],
)
def test_the_precondition_that_failed_is_named(
    allowed: WebFacts | Failure,
    blocked: WebFacts | Failure,
    control: WebFacts | Failure,
    failed_precondition: str,
) -> None:
    bracket = _bracket(allowed, blocked, control)

    assert failed_precondition == bracket.failed
    assert bool(bracket.detail) is bool(failed_precondition)


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_batch_needs_sentinels_on_both_sides(side: str) -> None:
    seen = [one for one in batch_of(1, web(), BLOCKED) if not one.key.item.endswith(side)]
    trials = pair(seen).sentinels[COURSE]

    bracket = check_sentinels(COURSE, [(trial, judge_trial(trial)) for trial in trials])

    assert bracket.failed == SENTINELS_PRESENT
    assert side in bracket.detail


def test_a_resolver_has_brackets_as_well() -> None:
    true = dns("192.0.2.7")
    trials = pair(batch_of(1, true, dns(rcode="NXDOMAIN"), control=true)).sentinels[COURSE]

    assert check_sentinels(COURSE, [(trial, judge_trial(trial)) for trial in trials]).failed == ""


def test_failures_of_one_kind_are_told_once_with_their_batches() -> None:
    fared = SentinelSummary()
    for number in (9, *range(1, 9)):
        off = number > 2
        fared.count(
            SentinelCheck(
                batch_path=BatchPath(number, "proxy", "ks2", "web"),
                failed=FILTER_IS_ON if off else "",
                detail=f"the filter seems off at {number}" if off else "",
            )
        )

    broken, kept = fared.preconditions

    assert (broken.name, broken.held) == (FILTER_IS_ON, False)
    assert broken.detail == "the filter seems off at 3 (batches 3, 4, 5, 6, 7, …)"
    assert (kept.held, kept.detail) == (True, "2 batches held between sentinels")
    assert (broken.batches, kept.batches) == (7, 2)


def test_preconditions_stand_in_the_order_of_their_first_batches() -> None:
    fared = SentinelSummary()
    for number, line, name in ((3, "a", FILTER_IS_ON), (2, "b", ORIGIN_ANSWERS), (1, "c", "")):
        course = BatchPath(number, line, "ks2", "web")
        fared.count(SentinelCheck(batch_path=course, failed=name, detail=name))

    assert ["b", "a", "c"] == [one.line for one in fared.preconditions]


def test_items_that_nobody_bracketed_are_told_of() -> None:
    fared = SentinelSummary()
    fared.count(missing_sentinels_check(COURSE))
    (only,) = fared.preconditions

    assert (only.name, only.line, only.profile, only.held) == (
        SENTINELS_PRESENT,
        "proxy",
        "ks2",
        False,
    )


def test_of_what_is_only_noted_nothing_was_agreed() -> None:
    course = BatchPath(1, "proxy", "ks2", "dns_https")
    trials = pair(batch_of(1, web(), web())).sentinels[COURSE]
    bracket = check_sentinels(course, [(trial, judge_trial(trial)) for trial in trials])
    fared = SentinelSummary()
    fared.count(bracket)

    assert bracket.failed == ""
    assert fared.preconditions == ()


@pytest.mark.parametrize(("agreed", "failed_"), [("tcp_reset", ""), ("block_page", BLOCK_IS_CLEAR)])
def test_a_sentinel_is_blocked_by_the_mechanism_that_was_agreed(agreed: str, failed_: str) -> None:
    seen = [
        replace(one, item=replace(one.item, labels=("CTRL", f"by:{agreed}")))
        if one.role == "must_block"
        else one
        for one in batch_of(1, web(), failed("connection_reset"))
    ]
    trials = pair(seen).sentinels[COURSE]
    bracket = check_sentinels(COURSE, [(one, judge_trial(one)) for one in trials])

    assert bracket.failed == failed_


CONTENT = SealedFacts(arrived="content", status=200)
NOTICE = SealedFacts(arrived="notice", status=200, mechanism="block_page", notice="ab" * 32)
ASKING = ProbeDeclaration(needs="connection", facts="sealed")


@pytest.mark.parametrize(("line", "control"), [(True, False), (False, True)])
def test_a_list_program_that_cannot_be_relied_on_voids_the_batch_by_its_own_name(
    line: bool, control: bool
) -> None:
    wrong = failed("instrument_list_program", "instrument", "it did not answer")
    seen = batch_of(1, wrong if line else CONTENT, NOTICE, control=wrong if control else CONTENT)
    trials = pair(seen).sentinels[COURSE]

    bracket = check_sentinels(COURSE, [(one, judge_trial(one)) for one in trials])

    assert (bracket.failed, bracket.detail.rpartition("; ")[2]) == (
        LIST_PROGRAM_WORKS,
        "it did not answer",
    )


def test_a_notice_with_an_ordinary_status_is_known_by_what_a_check_entry_met() -> None:
    item = replace(observation(NOTICE), item=ENTRY)
    control = observation(CONTENT, CONTROL)

    for blocked, state in (
        (NOTICE, "blocked"),
        (replace(NOTICE, notice="cd" * 32), "insufficient"),
    ):
        bracket = batch_of(1, CONTENT, blocked, control=CONTENT)
        (verdict,) = judge([*bracket, item, control], samples_required=False).verdicts
        assert verdict.state == state


def test_a_program_that_ignores_the_line_does_not_show_that_the_line_filters_nothing() -> None:
    """Beside a probe that is filtered, must-block check entries that pass still void the batch."""
    passed = [
        replace(one, key=replace(one.key, probe="sealed_list"))
        for one in batch_of(2, CONTENT, CONTENT, control=CONTENT)
    ]
    filtered = batch_of(1, web(), BLOCKED)

    for declared, held in (
        (ASKING, False),
        (ProbeDeclaration(needs="fetch", facts="sealed"), True),
    ):
        judging = Judge([*filtered, *passed], probes={**EARLIER, "sealed_list": declared})
        check = judging.checks(pair(passed))[BatchPath(2, "proxy", "ks2", "sealed_list")]
        assert check.is_excused is held
        assert check.failed == ("" if held else FILTER_IS_ON)
