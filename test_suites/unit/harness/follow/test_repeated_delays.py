"""A fix that makes harmless pages slow is no fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from harness.follow.repeated_rows import allowed_change, with_repeated_delays
from harness.model.action_plan import Retest, RetestResult
from harness.model.event import RetestConcluded
from harness.model.metric import DelayChange
from harness.model.scheme import Requirement, Scheme
from harness.schemes.load import load_scheme

SLOWER = DelayChange(median=0.18, lower=0.12, upper=0.3, pairs=59)
FINE = DelayChange(median=0.002, lower=-0.003, upper=0.009, pairs=59)
TOLD = "harmless pages wait "
DIVIDED = "; the control line was 4.0 times slower, times are divided by that"


@pytest.fixture
def retest(made: Callable[..., RetestConcluded]) -> Retest:
    """A re-test whose missed items and fresh sample conform, and one thing is worse."""
    concluded = made(RetestConcluded, statement="0 of 2 missed items still fail").retest
    return msgspec.structs.replace(concluded, worse=("OVB-01 fails",))


@pytest.mark.parametrize("outcome", list(RetestResult))
def test_more_delay_is_a_failure_whatever_else_was_found(
    retest: Retest, outcome: RetestResult
) -> None:
    before = msgspec.structs.replace(retest, outcome=outcome)
    after = with_repeated_delays(before, SLOWER, 0.05)

    said = (
        "harmless pages wait 180 ms longer than before (median; at least 120 ms, 59 pages); at "
        "most 50 ms are allowed"
    )
    assert after.outcome is RetestResult.DOES_NOT_CONFORM
    assert after.worse == ("OVB-01 fails", said)
    assert after.statement == f"0 of 2 missed items still fail; {said}"


@pytest.mark.parametrize("outcome", list(RetestResult))
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (FINE, "2 ms longer than before (median of 59; at most 9 ms longer)"),
        (
            DelayChange(median=-0.02, lower=-0.03, upper=-0.01, pairs=7, slower=4.04),
            f"20 ms less than before (median of 7; at most 0 ms longer{DIVIDED})",
        ),
        (
            DelayChange(median=-0.0001, lower=-0.03, upper=0.0, pairs=7, slower=1.04),
            "0 ms longer than before (median of 7; at most 0 ms longer)",
        ),
        (
            DelayChange(median=0.18, lower=0.05, upper=0.3, pairs=59),
            "180 ms longer than before (median of 59; at most 300 ms longer)",
        ),
    ],
)
def test_what_is_not_shown_to_be_slower_is_told(
    retest: Retest, outcome: RetestResult, change: DelayChange, said: str
) -> None:
    before = msgspec.structs.replace(retest, outcome=outcome)
    after = with_repeated_delays(before, change, 0.05)

    assert (after.outcome, after.worse) == (outcome, ("OVB-01 fails",))
    assert after.statement == f"0 of 2 missed items still fail; {TOLD}{said}"


@pytest.mark.parametrize(
    ("change", "few"),
    [
        (DelayChange(), "no pages were"),
        (DelayChange(median=4.0, pairs=1), "1 page was"),
        (DelayChange(median=4.0, pairs=4, unmeasured=2), "4 pages were"),
    ],
)
def test_too_few_pages_are_told_and_decide_nothing(
    retest: Retest, change: DelayChange, few: str
) -> None:
    after = with_repeated_delays(retest, change, 0.05)

    assert (after.outcome, after.worse) == (retest.outcome, retest.worse)
    assert after.statement.endswith(
        f"; how long harmless pages wait could not be compared ({few} timed both times)"
    )


def with_rows(*rows: dict[str, Any]) -> Scheme:
    """A scheme of requirements on the added delay."""
    limit = {"provenance": "proposed", "source": "test"}
    usual = {"title": "t", "area": "perf", "severity": "Maj", "rule": "quantile"}
    given = tuple(
        Requirement.model_validate(
            usual
            | {"id": f"PRF-{number:02d}", "threshold": limit | {"at_most": row["at_most"]}}
            | {"measure": {name: row[name] for name in row if name != "at_most"}}
        )
        for number, row in enumerate(rows, 1)
    )
    return load_scheme("becta-2008").model_copy(update={"requirements": given})


OVERHEAD = {"metric": "first_byte_overhead"}


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        ([], 0.05),
        ([OVERHEAD | {"quantile": 0.95, "at_most": 0.15}], 0.15),
        ([{"metric": "first_byte_overhead_share", "at_most": 0.1}], 0.05),
        ([OVERHEAD | {"at_most": 0.08}, OVERHEAD | {"quantile": 0.5, "at_most": 0.03}], 0.03),
        ([OVERHEAD | {"at_most": 0.08}], 0.08),
    ],
)
def test_the_margin_is_the_limit_of_the_scheme_on_added_delay(
    rows: list[dict[str, Any]], limit: float
) -> None:
    assert allowed_change(with_rows(*rows)) == limit
