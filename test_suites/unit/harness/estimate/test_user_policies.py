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
from test_suites.kit.campaigns.memory_fold import MemoryFold

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

    assert {NOT_ALONE: 2} == found.metric.left_out
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

    assert found.metric.left_out == {}
    assert "1 right ones at no other user's time do not count" in found.metric.method
    assert (1, 3, 0) == numbers(found)


def test_requests_beside_no_other_users_request_show_nothing(measured: Measured) -> None:
    found = measured(*alone(), *both(B, A, is_concurrent=False))

    assert found.barred == NOT_CONCURRENT
    assert found.metric.n == 0


@pytest.fixture
def leaks(scheme: Callable[..., Scheme]) -> Measured:
    """Measure leaks at the places of users with the default policy."""

    def take(
        verdicts: list[Verdict], places: Any, phases: dict[str, str] = BOTH, **more: Any
    ) -> Measurement:
        users = Users(places=places, not_offered=more.pop("not_offered", ("own_device",)))
        found = estimate(
            MemoryFold(verdicts), scheme(metric="default_policy_leaks"), phases, users=users
        )
        (measured,) = [one for one in found.measurements if (one.line, one.profile) in places]
        return measured

    return take


EVERYBODY = ("unidentified", "guest", "off_site")
GUEST = {("guests", "pupils"): EVERYBODY}


def drugs(verdict: Make, line: str, state: State, count: int = 5, **more: Any) -> list[Verdict]:
    return [
        verdict(f"d{n}", line=line, profile="pupils", state=state, **more) for n in range(count)
    ]


def test_what_is_open_to_guests_and_blocked_for_the_youngest_is_a_leak(
    verdict: Make, leaks: Measured
) -> None:
    known, staff = drugs(verdict, "proxy", B), [verdict("d1", profile="staff", line="guests")]

    found = leaks([*known, *drugs(verdict, "guests", A, 2), *staff], GUEST)

    assert (2, 2, 0) == numbers(found)
    assert "" == found.barred
    assert {"d0", "d1"} == {one.item for one in found.witnesses}


@pytest.mark.parametrize(
    ("known", "count"), [(A, 5), (B, 4), (Q, 5)], ids=["open", "few", "undecided"]
)
def test_a_category_that_is_not_enforced_for_the_known_is_undecided(
    verdict: Make, leaks: Measured, known: State, count: int
) -> None:
    found = leaks([*drugs(verdict, "proxy", known, count), *drugs(verdict, "guests", B)], GUEST)

    assert (0, 0, 5) == numbers(found)


def test_a_category_that_guests_did_not_try_is_undecided(verdict: Make, leaks: Measured) -> None:
    other = [verdict("n1", line="guests", profile="pupils", category="ALW", state=A)]

    assert (0, 0, 1) == numbers(leaks([*drugs(verdict, "proxy", B), *other], GUEST))


def test_devices_off_site_are_compared_with_their_own_profile(
    verdict: Make, leaks: Measured
) -> None:
    own = [verdict(f"d{n}", profile="staff", state=A) for n in range(5)]
    home = [verdict("d1", line="home", profile="staff", state=A)]
    seen = [*drugs(verdict, "proxy", B), *own, *home]

    off_site = leaks(seen, {("home", "staff"): ("off_site",)})
    guest = leaks(seen, {("home", "staff"): ("off_site", "guest")})

    assert (0, 0, 0) == numbers(off_site)
    assert (1, 1, 0) == numbers(guest)


def test_kinds_of_users_that_were_not_declared_bar_conformity(
    verdict: Make, leaks: Measured
) -> None:
    seen = [*drugs(verdict, "proxy", B), *drugs(verdict, "guests", B)]
    one = leaks(seen, {("guests", "pupils"): ("guest",)}, not_offered=("own_device", "off_site"))
    nobody = leaks(
        drugs(verdict, "guests", B), {("guests", "pupils"): EVERYBODY}, {"pupils": "ks2"}
    )

    assert one.barred.startswith("not tried: users who are not identified;")
    assert "no known users" in nobody.barred


def test_guests_are_no_pupils_of_their_own(verdict: Make, scheme: Callable[..., Scheme]) -> None:
    phases = {"guest": "ks2", "staff": "staff"}
    seen = [
        verdict(f"d{n}", profile=profile, state=state)
        for profile, state in (("guest", B), ("staff", A))
        for n in range(5)
    ]
    wanted = scheme(metric="profiles_missing")
    users = Users(places={("proxy", "guest"): ("guest",)})

    with_guest = estimate(MemoryFold(seen), wanted, phases, users=users).measurements[0].metric
    as_pupil = estimate(MemoryFold(seen), wanted, phases).measurements[0].metric

    assert ((0, 0), (0, 2)) == ((with_guest.k, with_guest.n), (as_pupil.k, as_pupil.n))
