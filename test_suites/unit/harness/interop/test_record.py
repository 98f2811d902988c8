"""A record holds trials that our rules can judge."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.interop.record import LONG_AGO, Side, trial
from harness.model.observation import CONTROL
from test_suites.kit.campaigns.trials import failed, foreign


def test_a_trial_has_both_sides_under_one_name() -> None:
    made = trial("one", "http://a.example/x", "web", Side(facts=foreign()), Side(facts=foreign()))

    assert made.control is not None
    assert made.service.key.on(CONTROL) == made.control.key
    assert made.service.item.host == "a.example"


def test_a_trial_may_have_no_control() -> None:
    side = Side(failure=failed("eof_error"))

    assert trial("one", "http://a.example/", "web", side, None).control is None


def test_a_trial_was_made_when_its_record_says_or_long_ago() -> None:
    side, noon = Side(facts=foreign()), datetime(2026, 7, 1, 12, tzinfo=UTC)

    assert (
        noon == trial("one", "http://a.example/", "web", side, None, started=noon).service.started
    )
    assert LONG_AGO == trial("one", "http://a.example/", "web", side, None).service.started
