"""Whatever surrounds a page that arrived, it arrived; and nothing is shown by what never works."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.judge import judge_trial
from harness.judge.rules.order import RULES
from harness.model.observation import Failure
from harness.model.verdict import State, Trial
from test_suites.calibration.rule_cases_techniques import NOTICE, technique, tried
from test_suites.kit.campaigns.trials import PROSE, failed, trial

STRATUM = "MALW.BYPASS/way:framing:header-case:http"


def state_of(made: Trial) -> State:
    return judge_trial(made, NO_FINGERPRINTS, RULES).state


@pytest.mark.parametrize(
    ("failure", "facts"),
    [
        (None, {"status": 403, "text": NOTICE}),
        (None, {"status": 451}),
        (None, {"status": 404}),
        (failed("connection_reset"), {}),
        (failed("generic_timeout_error"), {"status": 200}),
    ],
)
def test_a_page_that_arrived_is_no_block_whatever_is_around_it(
    failure: Failure | None, facts: dict[str, Any]
) -> None:
    assert state_of(tried(failure, **facts)) is State.ALLOWED


@pytest.mark.parametrize(
    "service", [technique(canary="absent", status=403, text=NOTICE), failed("connection_reset")]
)
def test_a_technique_that_does_not_work_on_the_control_line_shows_no_block(service: Any) -> None:
    beside = technique(canary="absent", status=400)

    assert state_of(trial(service, beside, stratum=STRATUM)) is not State.BLOCKED


@pytest.mark.parametrize(("beside", "state"), [(False, State.INSUFFICIENT), (True, State.BLOCKED)])
def test_a_page_without_marks_is_no_block_unless_it_is_that_of_the_allowed_host(
    beside: bool, state: State
) -> None:
    came = technique(text=PROSE, canary="absent", beside=beside)

    assert state_of(trial(came, technique(text=PROSE), stratum=STRATUM)) is state
