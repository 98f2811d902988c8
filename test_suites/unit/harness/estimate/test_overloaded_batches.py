"""What follows from batches of an overloaded tester, by who could bring the overload about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.assess.outcomes import assess
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import rate
from harness.estimate.overloaded_batches import without_overload
from harness.estimate.rates import MeasuredMetric
from harness.model.machine_facts import MachineFacts
from harness.model.outcome import Conformity, Measurement
from harness.model.scheme import Decision
from harness.model.service_records import ServiceRecords
from harness.model.tester_load import load_of
from harness.schemes.load import find_row
from test_suites.unit.harness.estimate.selected_outcome import spread

CONFORMS, FAILS, OPEN = (
    Conformity.CONFORMS,
    Conformity.DOES_NOT_CONFORM,
    Conformity.INSUFFICIENT,
)
QUIET: dict[str, Any] = {"beside": "speed", "seconds": 1.0, "waited": 0.05, "control": 0.01}
PRESSED, SLOW = {"waited": 0.7}, {"lag_own": 0.6, "control": 0.5}
UNSEEN = {"lag_own": 0.6, "control": 0.01}


@pytest.mark.parametrize(
    ("metric", "last", "failed", "n", "expected"),
    [
        ("failed_transactions", {}, 0, 5000, CONFORMS),
        ("failed_transactions", PRESSED, 0, 5000, CONFORMS),
        ("failed_transactions", PRESSED, 50, 5000, FAILS),
        ("failed_transactions", PRESSED, 0, 2000, OPEN),
        ("failed_transactions", PRESSED, 50, 2000, OPEN),
        ("failed_transactions", SLOW, 0, 5000, OPEN),
        ("failed_transactions", SLOW, 50, 5000, FAILS),
        ("failed_transactions", UNSEEN, 50, 2000, FAILS),
        ("failed_transactions", PRESSED | {"beside": "items"}, 50, 2000, FAILS),
        ("over_block_rate", PRESSED, 50, 2000, FAILS),
    ],
    ids=[
        "quiet", "enough is left", "and it fails", "too little is left", "too little to fail",
        "of our own making", "and it fails all the same", "the control was not late",
        "beside something else", "not about time",
    ],
)  # fmt: skip
def test_what_is_left_decides_if_it_is_enough(
    select: Callable[..., Selection],
    metric: str,
    last: dict[str, Any],
    failed: int,
    n: int,
    expected: Conformity,
) -> None:
    row = find_row("PRF-04")
    assert row is not None
    facts = [MachineFacts(**QUIET | change) for change in ({}, {}, {}, {}, last)]
    load = load_of(dict(enumerate(facts, 1)))
    selection = replace(select([]), requirement=row, records=ServiceRecords(load=load))
    left = MeasuredMetric(metric=rate(selection, metric, spread(failed, n), is_least=False))

    measured = without_overload(left, selection)

    (found,) = assess(
        [
            Measurement(
                requirement=row, profile="ks2", line="proxy", metric=measured.metric,
                barred=measured.barred, conditions=measured.conditions,
            )
        ],
        Decision(),
    )  # fmt: skip
    assert found.conformity is expected
    if expected is OPEN:
        assert "limit" in found.reasons[0]
