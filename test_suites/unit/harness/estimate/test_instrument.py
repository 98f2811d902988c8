"""TQ-13 is met only by whole records, and never by something that is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.assess.outcomes import assess
from harness.estimate.item_selection import Selection
from harness.estimate.line_metrics import instrument_record
from harness.model.instrument_record import InstrumentRecord
from harness.model.outcome import Conformity, Measurement, Outcome
from harness.model.scheme import Decision
from harness.schemes.load import find_row
from test_suites.kit.campaigns.instrument import UNSYNCHRONISED, WHOLE, record

Select = Callable[..., Selection]


@pytest.fixture
def outcome(select: Select) -> Callable[..., Outcome]:
    """What becomes of TQ-13 with some records."""
    row = find_row("TQ-13")
    assert row is not None

    def outcome_(*records: InstrumentRecord) -> Outcome:
        measured = instrument_record(replace(select([]), instrument=records))
        measurement = Measurement(
            requirement=row, profile="ks2", line="proxy", metric=measured.metric
        )
        (found,) = assess([measurement], Decision())
        return found

    return outcome_


def test_whole_records_meet_it(outcome: Callable[..., Outcome]) -> None:
    found = outcome(WHOLE, record(kernel="Linux 6.19"))

    assert found.conformity is Conformity.CONFORMS
    assert (found.metric.k, found.metric.n, found.metric.value) == (2, 2, 1)


def test_without_a_record_it_is_insufficient(outcome: Callable[..., Outcome]) -> None:
    found = outcome()

    assert found.conformity is Conformity.INSUFFICIENT
    assert (found.metric.n, found.metric.value) == (0, None)


@pytest.mark.parametrize(
    "records", [(record(clock=UNSYNCHRONISED),), (WHOLE, record(clock=UNSYNCHRONISED))]
)
def test_one_clock_that_is_not_synchronised_is_enough_to_doubt(
    outcome: Callable[..., Outcome], records: tuple[InstrumentRecord, ...]
) -> None:
    found = outcome(*records)

    assert found.conformity is Conformity.INSUFFICIENT
    assert "1 left out: the clock's offset: the clock is not synchronised" in found.reasons


def test_every_missing_fact_makes_it_insufficient(outcome: Callable[..., Outcome]) -> None:
    for lacking in ({"kernel": ""}, {"hellos": ()}, {"resolvers": ()}, {"tls_library": ""}):
        assert outcome(record(**lacking)).conformity is Conformity.INSUFFICIENT
