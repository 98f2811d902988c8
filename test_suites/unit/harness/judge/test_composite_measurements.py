"""The layers of one measurement explain each other; a page alone shows little."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.judge.composite_measurements import (
    ALONE_RULES,
    LED_ASTRAY,
    PROVEN_RULES,
    ForeignJudge,
    judge_foreign,
    judge_journal,
    judge_maker,
    judge_measurement,
    judge_of,
    judge_without_control,
)
from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.judge import Judge, judge_trial
from harness.judge.sentinels import SENTINELS_PRESENT
from harness.model.observation import CONTROL
from harness.model.service_declaration import BlockPage
from harness.model.verdict import Mechanism, State
from test_suites.kit.campaigns.journal_headers import CAMPAIGN, header
from test_suites.kit.campaigns.trials import (
    THEIRS,
    batch_of,
    certificate,
    dns,
    failed,
    foreign,
    observation,
    trial,
    web,
)

TLS = certificate("leaf", "CN=R3,O=Let's Encrypt", trusted=True)
NAME_OK = trial(dns("93.184.216.34"), dns("93.184.216.34"), host=THEIRS)
NAME_GONE = trial(dns(rcode="NXDOMAIN"), dns("93.184.216.34"), host=THEIRS)
NAME_DIFFERS = trial(dns("151.101.1.69"), dns("93.184.216.34"), host=THEIRS)
PAGE_OK = trial(foreign(), foreign(), host=THEIRS)
PAGE_SECURE = trial(foreign(f"https://{THEIRS}/", certificate=TLS), foreign(), host=THEIRS)
PAGE_RESET = trial(failed("connection_reset"), foreign(), host=THEIRS)


def test_a_name_that_was_denied_stays_denied_whatever_was_fetched() -> None:
    assert judge_measurement([NAME_GONE, PAGE_SECURE]).mechanism is Mechanism.DNS_NXDOMAIN


def test_a_page_that_came_clears_a_strange_address() -> None:
    assert judge_measurement([NAME_DIFFERS, PAGE_SECURE]).state is State.ALLOWED


@pytest.mark.parametrize(
    ("peer", "state"),
    [("198.18.0.9", State.ALLOWED), ("", State.ALLOWED), ("93.184.216.34", State.BLOCKED)],
)
def test_a_page_clears_an_inner_address_only_if_it_came_by_it(peer: str, state: State) -> None:
    inner = trial(dns("198.18.0.9"), dns("93.184.216.34"), host=THEIRS)
    page = trial(foreign(peer=peer), foreign(), host=THEIRS)

    assert state is judge_measurement([inner, page]).state


def test_a_strange_address_explains_a_page_that_did_not_come() -> None:
    verdict = judge_measurement([NAME_DIFFERS, PAGE_RESET])

    assert (verdict.rule, verdict.mechanism) == (LED_ASTRAY, Mechanism.DNS_SINKHOLE)
    assert verdict.witnesses == (
        "the resolver gave addresses that the control does not know, and the page did not come",
        "the connection was reset before an answer",
        "service: connection_reset at response",
    )


def test_with_the_right_address_the_failure_speaks_for_itself() -> None:
    assert judge_measurement([NAME_OK, PAGE_RESET]).mechanism is Mechanism.TCP_RESET


def test_a_name_alone_is_judged_alone() -> None:
    assert judge_measurement([NAME_OK]).state is State.ALLOWED
    assert judge_measurement([PAGE_OK]).state is State.ALLOWED


def test_a_measurement_without_a_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="without a trial"):
        judge_measurement([])


def test_a_page_alone_is_never_allowed() -> None:
    assert judge_without_control(trial(foreign(), alone=True)).state is State.INSUFFICIENT
    notice = foreign(text="This website has been blocked by your school. Category: Games")
    assert judge_without_control(trial(notice, alone=True, host=THEIRS)).rule == "alone-block-page"


def test_a_foreign_journal_has_one_verdict_a_measurement_and_says_what_it_lacks() -> None:
    seen = [
        observation(facts, line, item=item, host=THEIRS, probe=probe)
        for item, page in (("a", failed("connection_reset")), ("b", foreign()))
        for line in ("service", CONTROL)
        for probe, facts in (
            ("dns", dns("93.184.216.34")),
            ("web", foreign() if line == CONTROL else page),
        )
    ]
    judgement = judge_foreign(seen)
    (missing,) = judgement.preconditions

    assert [State.BLOCKED, State.ALLOWED] == [each.state for each in judgement.verdicts]
    assert (missing.held, missing.line, missing.detail) == (
        False,
        "service",
        "no sentinels: verdicts rest on the control alone",
    )


def test_an_empty_foreign_journal_lacks_sentinels_too() -> None:
    [missing] = judge_foreign([]).preconditions

    assert (missing.name, missing.held) == (SENTINELS_PRESENT, False)
    assert (missing.line, missing.profile) == ("*", "*")


def test_a_foreign_journal_is_judged_by_the_declared_block_page_too() -> None:
    page = foreign(title="Hilltop", text="Good morning, children. " * 100, body_length=20_000)
    seen = [
        observation(page, "service", host=THEIRS),
        observation(foreign(), CONTROL, host=THEIRS),
    ]

    assert State.BLOCKED is judge_foreign(seen, BlockPage(title="Hilltop")).verdicts[0].state
    assert State.BLOCKED is not judge_foreign(seen).verdicts[0].state


@pytest.mark.parametrize("foreign_source", ["", "ooni"])
def test_each_journal_is_judged_by_the_block_page_that_its_header_declares(
    foreign_source: str,
) -> None:
    page = foreign(title="Hilltop", text="Good morning, children. " * 100, body_length=20_000)
    seen = [
        *batch_of(1, web(), page),
        observation(page, host=THEIRS),
        observation(foreign(), CONTROL, host=THEIRS),
    ]
    declared = BlockPage(title="Hilltop")
    service = CAMPAIGN.service.model_copy(update={"block_page": declared})
    campaign = CAMPAIGN.model_copy(update={"service": service})
    kept: Any = SimpleNamespace(
        header=header(campaign, foreign=foreign_source),
        sentinels=lambda: [one for one in seen if one.role != "item"],
    )
    judging = judge_maker(kept)()
    whole = judge_journal(kept.header, seen)

    assert isinstance(judging, ForeignJudge if foreign_source else Judge)
    assert [State.BLOCKED] == [
        one.state for one in judging.verdicts(seen) if one.key.item == "gamb-001"
    ]
    assert [State.BLOCKED] == [one.state for one in whole.verdicts if one.key.item == "gamb-001"]


def test_a_failed_question_explains_no_failed_connection() -> None:
    unasked = trial(failed("dns_servfail_error", "resolve"), dns("93.184.216.34"), host=THEIRS)

    assert judge_measurement([unasked, PAGE_RESET]).rule != LED_ASTRAY
    empty = trial(dns(rcode="SERVFAIL"), dns("93.184.216.34"), host=THEIRS)
    assert judge_measurement([empty, PAGE_RESET]).mechanism is Mechanism.TCP_RESET


def test_the_header_of_a_journal_says_how_it_is_judged() -> None:
    seen = [observation(foreign(), line, host=THEIRS) for line in ("service", CONTROL)]

    (foreign_one,) = judge_journal(header(foreign="ooni"), seen).verdicts
    (own,) = judge_journal(header(), seen).verdicts

    assert (foreign_one.state, own.state) == (State.ALLOWED, State.INSUFFICIENT)


def test_the_header_says_who_judges() -> None:
    assert isinstance(judge_of(header(foreign="ooni"), []), ForeignJudge)
    assert isinstance(judge_of(header(), []), Judge)


GOOD = certificate("leaf", "CN=R3,O=Let's Encrypt", trusted=True)


def test_without_a_control_nothing_is_allowed_by_its_looks() -> None:
    assert State.ALLOWED not in {rule.state for rule in ALONE_RULES}


def test_a_verified_origin_that_refuses_is_not_allowed() -> None:
    page = foreign(f"https://{THEIRS}/", certificate=GOOD, status=403, title="", text="")

    verdict = judge_trial(
        trial(page, alone=True, host=THEIRS), NO_FINGERPRINTS, (*PROVEN_RULES, *ALONE_RULES)
    )

    assert verdict.state is State.INSUFFICIENT
