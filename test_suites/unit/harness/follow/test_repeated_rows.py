"""A fix that makes something else worse is no fix."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.follow.repeated_rows import RepeatedRows, with_repeated_rows
from harness.model.action_plan import Retest, RetestResult
from harness.model.event import RetestConcluded
from harness.model.outcome import Conformity, Outcome

Make = Callable[..., Outcome]
GOOD, BAD, OPEN = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT


@pytest.fixture
def retest(made: Callable[..., RetestConcluded]) -> Retest:
    """A re-test whose missed items and fresh sample conform."""
    return made(RetestConcluded, statement="0 of 2 missed items still fail").retest


def rows(make: Make, conformity: Conformity, worse: int = 0, better: int = 0) -> RepeatedRows:
    """One requirement, measured again."""
    names = tuple(f"edu-{number}" for number in range(worse))
    found = make(conformity, requirement="OVB-01")
    return RepeatedRows(
        expected=("OVB-01",), outcomes=(found,), pairs=60, worse=names, better=better
    )


def test_what_conforms_again_is_told(retest: Retest, make_outcome: Make) -> None:
    after = with_repeated_rows(retest, rows(make_outcome, GOOD, worse=1), 0.05)

    assert (after.outcome, after.unchanged, after.worse) == (
        RetestResult.CONFORMS,
        ("OVB-01",),
        (),
    )
    assert after.statement == (
        "0 of 2 missed items still fail; OVB-01 conforms as before (1 of 60 harmless items are "
        "newly blocked)"
    )


@pytest.mark.parametrize("outcome", list(RetestResult))
def test_a_requirement_that_conforms_no_more_is_a_failure(
    retest: Retest, make_outcome: Make, outcome: RetestResult
) -> None:
    after = with_repeated_rows(
        msgspec.structs.replace(retest, outcome=outcome), rows(make_outcome, BAD), 0.05
    )

    assert after.outcome is RetestResult.DOES_NOT_CONFORM
    assert "OVB-01 conformed before and does not conform now: 60 of 60" in after.worse[0]
    assert after.worse[0] in after.statement


@pytest.mark.parametrize(
    ("worse", "better", "is_failure"),
    [(4, 0, False), (5, 0, True), (6, 1, False), (7, 1, True), (0, 9, False)],
)
def test_more_blocks_of_harmless_items_than_chance_explains_are_a_failure(
    retest: Retest, make_outcome: Make, worse: int, better: int, *, is_failure: bool
) -> None:
    after = with_repeated_rows(retest, rows(make_outcome, GOOD, worse, better), 0.05)

    assert (after.outcome is RetestResult.DOES_NOT_CONFORM) == is_failure
    assert bool(after.worse) == is_failure
    if is_failure:
        assert f"{worse} of 60 harmless items are blocked that were not (edu-0" in after.worse[0]


@pytest.mark.parametrize("is_missing", [False, True])
def test_what_cannot_be_decided_again_verifies_nothing(
    retest: Retest, make_outcome: Make, *, is_missing: bool
) -> None:
    again = rows(make_outcome, OPEN)
    if is_missing:
        again = RepeatedRows(expected=again.expected)
    after = with_repeated_rows(retest, again, 0.05)

    assert (after.outcome, after.unchanged) == (RetestResult.INSUFFICIENT, ())
    assert "OVB-01 could not be decided again" in after.statement


def test_where_nothing_was_measured_before_that_is_told(retest: Retest) -> None:
    after = with_repeated_rows(retest, RepeatedRows(), 0.05)

    assert after.outcome is RetestResult.CONFORMS
    assert "no over-blocking was measured with the finding" in after.statement


@given(worse=st.integers(0, 30), better=st.integers(0, 30))
def test_it_is_the_exact_test_of_mcnemar(worse: int, better: int) -> None:
    found = RepeatedRows(worse=tuple(map(str, range(worse))), better=better)
    changed = worse + better
    p = sum(comb(changed, k) for k in range(worse, changed + 1)) / 2**changed

    assert found.is_worse(0.05) == (changed > 0 and p <= 0.05)
    assert not RepeatedRows(better=better).is_worse(0.05)
