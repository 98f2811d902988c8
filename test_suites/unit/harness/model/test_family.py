"""What is claimed together is corrected together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.metric import failure_claims, holm

LEVELS = st.sampled_from([0.01, 0.05])
ROWS = st.dictionaries(st.integers(), st.tuples(st.floats(0, 1), LEVELS), max_size=20)


def test_rows_are_corrected_for_their_number() -> None:
    found = failure_claims({"a": (0.01, 0.05), "b": (0.03, 0.05), "c": (0.5, 0.05)})

    assert [each.p_value for each in found.values()] == pytest.approx([0.03, 0.06, 0.5])
    assert [each.is_proven for each in found.values()] == [True, False, False]
    assert found["b"].description == "Holm's correction over 3 outcomes: adjusted p 0.06"


def test_a_row_alone_is_held_against_its_own_level() -> None:
    assert failure_claims({1: (0.05, 0.05)})[1].is_proven
    assert not failure_claims({1: (0.02, 0.01)})[1].is_proven
    assert failure_claims({}) == {}


def test_the_strictest_row_keeps_its_own_level() -> None:
    found = failure_claims({"loose": (0.02, 0.05), "strict": (0.006, 0.01)})

    assert found["loose"].is_proven
    assert found["strict"].is_proven  # the other is accused already: no correction is left
    assert not failure_claims({"loose": (0.5, 0.05), "strict": (0.006, 0.01)})["strict"].is_proven


@given(ROWS)
def test_no_row_is_accused_that_would_not_be_alone(rows: dict[int, tuple[float, float]]) -> None:
    for name, found in failure_claims(rows).items():
        p_value, alpha = rows[name]
        assert found.p_value >= min(1, p_value) * (1 - 1e-9) or found.p_value >= alpha
        if found.is_proven:
            assert p_value <= alpha * (1 + 1e-9)


@given(st.dictionaries(st.integers(), st.floats(0, 1), min_size=1, max_size=20))
def test_the_smallest_is_corrected_by_all(p_values: dict[int, float]) -> None:
    adjusted = holm(p_values)

    assert min(adjusted.values()) == min(1, len(p_values) * min(p_values.values()))
