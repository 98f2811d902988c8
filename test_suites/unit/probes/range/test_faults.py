"""Faults touch what they name, from the request on that they name, and no more."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from probes.range.faults import Fault, FaultKind, Faults

HOST = "a.accredit.test"


def test_an_unknown_kind_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"no fault 'explode'; known: .*overblock"):
        Fault(kind="explode")  # type: ignore[arg-type]


def test_a_fault_touches_its_hosts_profiles_and_service_only() -> None:
    fault = Fault(
        kind=FaultKind.MISS,
        hosts=frozenset({"A.accredit.test."}),
        profiles=frozenset({"ks2"}),
        service="proxy",
    )

    assert fault.touches(HOST, "ks2", "proxy")
    assert not fault.touches("b.accredit.test", "ks2", "proxy")
    assert not fault.touches(HOST, "staff", "proxy")
    assert not fault.touches(HOST, "ks2", "resolver")


def test_the_latest_added_comes_first_and_can_be_taken_away() -> None:
    faults = Faults(Fault(kind=FaultKind.MISS))
    late = faults.add(Fault(kind=FaultKind.RESET))

    assert [fault.kind for fault in faults.on(HOST)] == [FaultKind.RESET, FaultKind.MISS]
    faults.remove(late)
    assert [fault.kind for fault in faults] == [FaultKind.MISS]
    faults.clear()
    assert not faults.on(HOST)


def test_a_fault_begins_after_so_many_requests_and_ends_in_time() -> None:
    faults = Faults()
    faults.count()
    faults.add(Fault(kind=FaultKind.OFF, after=2, lasting=3))

    seen = []
    for _ in range(7):
        faults.count()
        seen.append(bool(faults.on(HOST)))
    assert seen == [False, False, True, True, True, False, False]


def test_a_fault_without_conditions_acts_at_once() -> None:
    assert Faults(Fault(kind=FaultKind.DEAD)).on(HOST)
