"""From which figures on the tester is overloaded, and what then follows."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.machine_facts import MachineFacts
from harness.model.metric_spec import SPECS
from harness.model.tester_load import TIMED, TesterLoad, load_of


def loads(last: dict[str, Any], quiet: dict[str, Any] | None = None) -> TesterLoad:
    """Four batches with a quiet control, and a last one."""
    usual: dict[str, Any] = {"beside": "items", "seconds": 1.0, "control": 0.01} | (quiet or {})
    facts = [MachineFacts(**usual) for _ in range(4)]
    return load_of(dict(enumerate([*facts, MachineFacts(**usual | last)], 1)))


@pytest.mark.parametrize(
    ("facts", "is_pressed", "is_too_slow"),
    [
        ({"waited": 0.25}, False, False),
        ({"waited": 0.26}, True, False),
        ({"waited": 0.1, "late": 0.9}, False, False),
        ({"late": 0.11}, True, False),
        ({"late": 0.1}, False, False),
        ({"waited": 0.0, "stalls": {"memory full": 0.11}}, True, False),
        ({"waited": 0.0, "stalls": {"cpu some": 1.0, "io full": 1.0}}, False, False),
        ({"waited": 0.0, "lag": 9.0, "lag_high": 9.0}, False, False),
        ({"waited": 0.0, "lag_own": 0.6}, False, False),
        ({"waited": 0.0, "lag_own": 0.6, "control": 0.07}, False, True),
        ({"waited": 0.0, "lag_own": 0.5, "control": 5.0}, False, False),
        ({"waited": 0.0, "lag_own": 0.6, "control": None}, False, False),
        ({"waited": 0.5, "lag_own": 0.6, "control": 5.0}, True, False),
        ({"waited": 0.0, "lag_own": 0.6, "control": 5.0, "beside": "speed"}, False, False),
        ({}, False, False),
    ],
)
def test_the_limits(facts: dict[str, Any], is_pressed: bool, is_too_slow: bool) -> None:
    last = loads(facts).batches[-1]

    assert (last.is_pressed, last.is_too_slow) == (is_pressed, is_too_slow)
    assert last.is_overloaded == (is_pressed or is_too_slow)
    assert loads(facts).overloaded == (frozenset({5}) if last.is_overloaded else frozenset())
    if is_pressed or is_too_slow:
        assert "limit" in last.words


def test_the_summary_names_the_worst_batch_and_the_mean() -> None:
    summary = loads({"waited": 0.6, "seconds": 4.0}, {"waited": 0.1}).summary

    assert summary is not None
    assert summary.words == (
        "The tester's machine waited 60 % of its time for a processor (limit 25 %) in its worst batch "
        "(5); 35 % over all; overloaded in 1 of 5 batches"
    )
    assert TesterLoad().summary is None


def test_every_metric_about_time_is_known_and_all_of_performance_are() -> None:
    timed = {name for name, spec in SPECS.items() if spec.function.startswith(("speed_", "load_"))}

    assert timed <= TIMED.keys() <= SPECS.keys()
