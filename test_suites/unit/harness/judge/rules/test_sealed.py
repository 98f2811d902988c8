"""Where nothing came of a sealed entry, the rules for failures of pages decide."""

from __future__ import annotations

import pytest

from harness.judge.judge import judge_trial
from harness.model.block_flaw import BlockFlaw
from harness.model.facts import SealedFacts
from harness.model.observation import Failure
from harness.model.verdict import Mechanism, State, Verdict
from test_suites.kit.campaigns.trials import failed, trial

CONTENT = SealedFacts(arrived="content", status=200)
NOTHING = SealedFacts(arrived="nothing")


def verdict(failure: Failure) -> Verdict:
    return judge_trial(trial(NOTHING, CONTENT, failure=failure))


@pytest.mark.parametrize(
    ("failure", "rule", "mechanism"),
    [
        (failed("connection_reset", "connect"), "reset", Mechanism.TCP_RESET),
        (failed("dns_nxdomain_error", "resolve"), "resolve-nxdomain", Mechanism.DNS_NXDOMAIN),
        (failed("generic_timeout_error", "connect"), "silence", Mechanism.SILENT_DROP),
    ],
)
def test_a_failure_that_is_a_block_of_a_page_is_one_of_an_entry(
    failure: Failure, rule: str, mechanism: Mechanism
) -> None:
    found = verdict(failure)

    assert (found.state, found.rule, found.mechanism) == (State.BLOCKED, rule, mechanism)


@pytest.mark.parametrize(
    ("failure", "rule"),
    [
        (failed("http_invalid_response", "response"), "failure-unclear"),
        (failed("connection_refused", "proxy_connect"), "proxy-unreachable"),
        (failed("network_down", "connect"), "local-trouble"),
        (failed("dns_servfail_error", "resolve"), "resolve-trouble"),
    ],
)
def test_any_other_failure_is_none(failure: Failure, rule: str) -> None:
    found = verdict(failure)

    assert (found.state, found.rule) == (State.INSUFFICIENT, rule)


@pytest.mark.parametrize(
    ("mechanism", "status", "flaws"),
    [
        ("block_page", 403, BlockFlaw.WITHHELD),
        ("proxy_refusal", 403, BlockFlaw.NO_PAGE),
    ],
)
def test_the_page_of_a_block_is_withheld(mechanism: str, status: int, flaws: BlockFlaw) -> None:
    notice = SealedFacts(arrived="notice", mechanism=mechanism, status=status)

    assert judge_trial(trial(notice, CONTENT)).flaws == flaws
