"""Profiles side by side: a policy of one's own must be shown, and only as it was declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.estimate.estimate import estimate
from harness.model.metric import Metric
from harness.model.scheme import Scheme
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold

Make = Callable[..., Verdict]
A, B, Q, D = State.ALLOWED, State.BLOCKED, State.INSUFFICIENT, State.DOWN
BOTH = {"pupils": "ks2", "staff": "staff"}


@pytest.fixture
def measured(scheme: Callable[..., Scheme]) -> Callable[..., Metric]:
    """Take a metric for the first profile: ``taken("superset_violations", verdicts)``."""

    def take(name: str, verdicts: list[Verdict], phases: dict[str, str] = BOTH) -> Metric:
        return estimate(MemoryFold(verdicts), scheme(metric=name), phases).measurements[0].metric

    return take


def drugs(verdict: Make, count: int = 5, **states: State) -> list[Verdict]:
    """Some items of the one category on which the policies differ, by profile."""
    return [
        verdict(f"d{n}", profile=profile, state=state)
        for profile, state in states.items()
        for n in range(count)
    ]


def numbers(metric: Metric) -> tuple[int, int, int]:
    return metric.k, metric.n, metric.indeterminate


def test_the_stricter_profile_must_block_what_the_weaker_one_blocks(
    verdict: Make, measured: Any
) -> None:
    states = {"same": (B, B), "looser": (B, A), "hole": (A, B), "odd": (Q, B), "dead": (D, B)}
    verdicts = [
        verdict(name, profile=profile, state=state)
        for name, both in states.items()
        for profile, state in zip(BOTH, both, strict=True)
    ]
    verdicts.append(verdict("alone", profile="staff"))

    metric = measured("superset_violations", verdicts)

    assert numbers(metric) == (1, 3, 2)
    assert metric.witnesses == ("hole",)


def test_profiles_of_one_phase_are_no_stricter_than_each_other(
    verdict: Make, measured: Any
) -> None:
    verdicts = drugs(verdict, pupils=A, staff=B)

    assert measured("superset_violations", verdicts, {"pupils": "ks2", "staff": "ks2"}).n == 0
    assert (
        measured("superset_violations", drugs(verdict, pupils=A), {"pupils": "ks2"}).value is None
    )


@pytest.mark.parametrize(
    ("pupils", "staff", "count", "expected"),
    [
        (B, A, 5, (0, 2, 0)),  # as declared
        (B, B, 5, (2, 2, 0)),  # one policy for all
        (B, A, 4, (0, 0, 2)),  # too few to show a difference
        (B, B, 4, (0, 0, 2)),  # or the lack of one
        (A, B, 5, (0, 0, 2)),  # a difference the wrong way round shows nothing
        (Q, A, 5, (0, 0, 2)),
    ],
)
def test_pupils_and_staff_need_policies_of_their_own(
    pupils: State,
    staff: State,
    count: int,
    expected: tuple[int, int, int],
    verdict: Make,
    measured: Any,
) -> None:
    verdicts = drugs(verdict, count, pupils=pupils, staff=staff)

    assert numbers(measured("profiles_missing", verdicts)) == expected


def test_a_band_that_nobody_tried_is_undecided(verdict: Make, measured: Any) -> None:
    verdicts = drugs(verdict, pupils=B, staff=A)

    assert numbers(measured("age_bands_missing", verdicts)) == (0, 0, 4)
    assert numbers(measured("profiles_missing", verdicts[:5], {"pupils": "ks2"})) == (0, 0, 2)


def test_one_policy_for_two_bands_is_missing_a_band(verdict: Make, measured: Any) -> None:
    metric = measured("age_bands_missing", drugs(verdict, pupils=B, staff=B))

    assert numbers(metric) == (2, 2, 2)
    assert (metric.value, metric.upper) == (2, 4)
