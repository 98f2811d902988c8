"""A network gets what the rules allow, another one is not affected, and time gives it back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.range import visitor_limits
from probes.range.visitor_limits import Admission, VisitorLimits, VisitorRules, network_of

HERE, THERE = "192.0.2.1", "198.51.100.1"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def limits(**rules: float) -> tuple[VisitorLimits, Clock]:
    clock = Clock()
    return VisitorLimits(rules=VisitorRules.model_validate(rules), now=clock), clock


def test_a_burst_is_served_then_refused_then_dropped_and_others_are_served() -> None:
    visitors, _ = limits(per_second=1.0, burst=2)

    admitted = [visitors.admit(HERE) for _ in range(6)]

    assert [Admission.SERVED] * 2 + [Admission.REFUSED] * 2 + [Admission.DROPPED] * 2 == admitted
    assert visitors.admit(THERE) is Admission.SERVED


def test_time_gives_requests_back_but_never_more_than_the_burst() -> None:
    visitors, clock = limits(per_second=2.0, burst=3)
    for _ in range(6):
        visitors.admit(HERE)

    clock.seconds = 0.5
    assert [Admission.SERVED, Admission.REFUSED] == [visitors.admit(HERE) for _ in range(2)]
    clock.seconds = 1000
    served = [visitors.admit(HERE) for _ in range(10)].count(Admission.SERVED)
    assert 3 == served


@given(st.lists(st.floats(0, 0.2), min_size=20, max_size=200))
def test_a_flood_gets_no_more_than_twice_its_rate_in_answers(pauses: list[float]) -> None:
    visitors, clock = limits(per_second=10.0, burst=5)
    answered = 0
    for pause in pauses:
        clock.seconds += pause
        answered += visitors.admit(HERE) is not Admission.DROPPED

    assert answered <= 2 * (5 + 10.0 * clock.seconds) + 1e-6


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.9", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "192.0.2.1", False),
    ],
)
def test_addresses_are_counted_by_network(one: str, other: str, is_same: bool) -> None:
    assert is_same == (network_of(one) == network_of(other))


def test_connections_are_limited_for_each_network_and_in_all() -> None:
    visitors, _ = limits(connections=2, connections_in_all=3)

    assert [True, True, False] == [visitors.open(HERE) for _ in range(3)]
    assert [True, False] == [visitors.open(THERE) for _ in range(2)]
    visitors.close(HERE)
    assert visitors.open(THERE)
    assert 3 == visitors.open_connections
    assert not visitors.open(HERE)


def test_the_network_that_was_silent_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_limits, "MAX_NETWORKS", 2)
    visitors, _ = limits(per_second=1.0, burst=1)
    for address in (HERE, THERE, HERE, "203.0.113.1"):
        visitors.admit(address)

    assert 2 == len(visitors._buckets)
    assert visitors.admit(HERE) is not Admission.SERVED
    assert visitors.admit(THERE) is Admission.SERVED
