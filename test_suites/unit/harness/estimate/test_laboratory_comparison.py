"""Two laboratories agree only if they were seen to, and disagree only beyond chance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.laboratory_comparison import (
    LaboratoryComparison,
    LaboratoryContrast,
    Rate,
    compare_laboratories,
    kappa_of,
    rate_difference,
)
from harness.model.scheme import Policy, Scheme
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
A, B, Q = State.ALLOWED, State.BLOCKED, State.INSUFFICIENT
PHASES = {"ks2": "ks2"}


@pytest.fixture
def policy(scheme: Callable[..., Scheme]) -> Policy:
    """Drugs are to be blocked, ALW is to be allowed."""
    return scheme().policy


@pytest.fixture
def compared(verdict: Make, policy: Policy) -> Callable[..., LaboratoryComparison]:
    """Compare two laboratories: ``drugs`` and ``clean`` are pairs of states, one an item."""

    def compare(
        drugs: Sequence[tuple[State, State]], clean: Sequence[tuple[State, State]] = ()
    ) -> LaboratoryComparison:
        made: list[list[Verdict]] = [[], []]
        for code, pairs in (("DRUG", drugs), ("ALW", clean)):
            for number, pair in enumerate(pairs):
                for lab, state in enumerate(pair):
                    made[lab].append(verdict(f"{code}-{number}", code, state))
        return compare_laboratories(made[0], made[1], policy, PHASES)

    return compare


Compare = Callable[..., LaboratoryComparison]


def row(found: LaboratoryComparison, group: str = "overall") -> LaboratoryContrast:
    return next(each for each in found.contrasts if each.group == group)


def test_enough_items_without_a_difference_agree(compared: Compare) -> None:
    found = compared([(B, B)] * 59, [(A, A)] * 59)

    assert found.result == "agree"
    assert row(found).kappa == 1
    assert row(found, "must be blocked").kappa is None, "every item has the same verdict"
    assert {each.reasons for each in found.contrasts} == {()}


def test_too_few_items_are_insufficient_and_never_agree(compared: Compare) -> None:
    found = compared([(B, B)] * 58)

    assert found.result == "insufficient"
    assert "58 common items were decided" in row(found).reasons[0]


def test_a_difference_in_one_direction_is_disagreement(compared: Compare) -> None:
    found = compared([(B, A)] * 12 + [(B, B)] * 88)

    assert found.result == "disagree"
    overall = row(found, "must be blocked")
    assert (len(overall.differing), overall.pairs) == (12, 100)
    assert overall.differing[0] == "DRUG-0"
    assert overall.difference is not None
    assert overall.difference.en < -1


def test_many_differences_that_cancel_out_are_disagreement_too(compared: Compare) -> None:
    found = compared([(B, A), (A, B)] * 10 + [(B, B)] * 80)

    blocked = row(found, "must be blocked")
    assert blocked.difference is not None
    assert blocked.difference.value == 0
    assert found.result == "disagree"
    assert "of the items differ" in blocked.reasons[0]


def test_some_differences_that_chance_explains_are_neither(compared: Compare) -> None:
    found = compared([(B, A), (A, B), (B, A)] + [(B, B)] * 60)

    assert found.result == "insufficient"


def test_a_low_kappa_is_no_agreement(compared: Compare) -> None:
    found = compared([(B, B)] * 200 + [(B, A), (A, B)], [(A, A)] * 5)

    assert row(found).kappa is not None
    assert found.result == "insufficient"
    assert "kappa is" in "; ".join(row(found).reasons)


def test_items_left_undecided_are_no_agreement(compared: Compare) -> None:
    found = compared([(B, B)] * 100 + [(B, Q), (Q, B), (Q, Q)])

    assert found.result == "insufficient"
    assert row(found).undecided == 3
    assert "3 of 103 common items are undecided" in "; ".join(row(found).reasons)


def test_a_contradicting_outcome_is_disagreement(compared: Compare) -> None:
    found = compared([(B, B)] * 100)

    assert found.result == "agree"
    assert LaboratoryComparison(contrasts=found.contrasts, contradictions=("x",)).result == (
        "disagree"
    )


def test_own_samples_without_common_items_show_a_difference_of_rates(
    verdict: Make, policy: Policy
) -> None:
    first = [verdict(f"a{n}") for n in range(100)]
    second = [verdict(f"b{n}", state=B if n < 70 else A) for n in range(100)]

    found = compare_laboratories(first, second, policy, PHASES)
    alike = compare_laboratories(first, [verdict(f"c{n}") for n in range(100)], policy, PHASES)

    assert (found.result, alike.result) == ("disagree", "insufficient")
    assert row(alike).pairs == 0


def test_nothing_in_common_is_insufficient(policy: Policy) -> None:
    assert compare_laboratories([], [], policy, PHASES).result == "insufficient"


@given(st.integers(0, 60), st.integers(0, 60))
def test_en_is_above_one_just_where_the_interval_excludes_zero(first: int, second: int) -> None:
    found = rate_difference(Rate(k=first, n=60), Rate(k=second, n=60), 0.05)

    assert found is not None
    assert found.lower <= found.value <= found.upper
    assert (abs(found.en) > 1) == (found.lower > 0 or found.upper < 0)
    mirrored = rate_difference(Rate(k=second, n=60), Rate(k=first, n=60), 0.05)
    assert mirrored is not None
    assert math.isclose(mirrored.en, -found.en, abs_tol=1e-9)


def test_the_interval_covers_the_difference_in_at_least_95_of_100_samples() -> None:
    draw, covered = random.Random("laboratories"), 0
    for _ in range(400):
        k = [sum(draw.random() < p for _ in range(80)) for p in (0.95, 0.85)]
        found = rate_difference(Rate(k=k[0], n=80), Rate(k=k[1], n=80), 0.05)
        assert found is not None
        covered += found.lower <= -0.1 <= found.upper
    assert covered >= 380


def test_kappa_of_a_known_table() -> None:
    """Cohen's formula by hand: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no give 0.4."""
    pairs = [(True, True)] * 20 + [(True, False)] * 5
    pairs += [(False, True)] * 10 + [(False, False)] * 15

    assert kappa_of(pairs) == pytest.approx(0.4)
    assert kappa_of([]) is None
