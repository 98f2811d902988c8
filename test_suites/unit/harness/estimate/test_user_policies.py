"""Whose policy answered: what counts as a mix-up, and what shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.estimate.estimate import estimate
from harness.estimate.user_policies import NO_DIFFERENCE, NOT_ALONE, NOT_CONCURRENT, NOT_TRIED
from harness.model.outcome import Measurement
from harness.model.scheme import Scheme
from harness.model.user import Users, UserTrial
from harness.model.verdict import State, Verdict
from test_suites.memory_fold import MemoryFold

A, B, Q = State.ALLOWED, State.BLOCKED, State.INSUFFICIENT
BOTH = {"pupils": "ks2", "staff": "staff"}
Measured = Callable[..., Measurement]
Make = Callable[..., Verdict]


@pytest.fixture
def measured(scheme: Callable[..., Scheme], verdict: Make) -> Measured:
    """Measure cross-talk from trials of users of one line."""

    def take(*trials: UserTrial) -> Measurement:
        fold = MemoryFold([verdict("d1", profile=profile) for profile in BOTH])
        wanted = scheme(metric="identity_cross_talk")
        return estimate(fold, wanted, BOTH, users=Users(trials=trials)).measurements[0]

    return take


def trial(profile: str, state: State, **more: Any) -> UserTrial:
    """A trial of an item that is blocked for pupils and allowed for staff."""
    values: dict[str, Any] = {"item": "d", "value": "d.test", "category": "DRUG"} | more
    return UserTrial(
        line="proxy", profile=profile, probe="web", state=state.value, mechanism="", rule="r",
        **values,
    )  # fmt: skip


def alone(pupils: State = B, staff: State = A) -> tuple[UserTrial, ...]:
    found = {"pupils": pupils, "staff": staff}
    return tuple(trial(profile, state, is_alone=True) for profile, state in found.items())


def both(pupils: State, staff: State, **more: Any) -> tuple[UserTrial, ...]:
    found = {"pupils": pupils, "staff": staff}
    values = {"is_concurrent": True} | more
    return tuple(trial(profile, state, **values) for profile, state in found.items())


def numbers(found: Measurement) -> tuple[int, int, int]:
    return found.metric.k, found.metric.n, found.metric.indeterminate


def test_each_answer_by_another_users_policy_counts(measured: Measured) -> None:
    found = measured(*alone(), *both(B, A), *both(A, A), *both(A, B), *both(Q, A))

    assert (3, 7, 1) == numbers(found)
    assert {"pupils", "staff"} == {one.saw[0].split()[1].rstrip(",") for one in found.witnesses}


def test_what_its_user_did_not_get_alone_shows_nothing(measured: Measured) -> None:
    odd = trial("staff", B, item="odd", is_alone=True)
    other = trial("pupils", B, item="odd", is_alone=True)
    third = both(B, B, item="odd")

    found = measured(*alone(), *both(B, A), odd, other, *third)

    assert {NOT_ALONE: 1} == found.metric.left_out
    assert (0, 2, 0) == numbers(found)


@pytest.mark.parametrize(
    ("trials", "barred"),
    [
        ((), NOT_TRIED),
        ((*alone(B, B), *both(B, B)), NO_DIFFERENCE),
        ((*alone(A, B), *both(A, B)), NO_DIFFERENCE),  # exchanged
        (both(B, A), NO_DIFFERENCE),
        ((*alone(), *both(B, Q)), "not compared with another user of the same address: staff"),
    ],
)
def test_without_users_who_are_seen_to_differ_nothing_is_shown(
    measured: Measured, trials: tuple[UserTrial, ...], barred: str
) -> None:
    assert barred == measured(*trials).barred


def test_a_right_answer_counts_only_beside_another_users_request(measured: Measured) -> None:
    found = measured(*alone(), *both(B, A), *both(B, B, is_concurrent=False))

    assert {NOT_CONCURRENT: 1} == found.metric.left_out
    assert (1, 3, 0) == numbers(found)
