"""A clock is known only where the kernel vouches for it."""

from __future__ import annotations

import ctypes
import sys

import pytest

from probes.clients.instrument import STA_NANO, STA_UNSYNC, TIME_ERROR, clock_state, kernel_clock


def test_offset_and_bound_are_in_seconds() -> None:
    micro = clock_state(0, 1, -1500, 20_000)
    nano = clock_state(0, 1 | STA_NANO, -1500, 20_000)

    assert micro.offset == pytest.approx(-0.0015)
    assert micro.bound == pytest.approx(0.0215)
    assert nano.offset == pytest.approx(-1.5e-6)
    assert nano.bound == pytest.approx(0.0200015)
    assert micro.is_known
    assert clock_state(0, 1, 0, 1).is_known


@pytest.mark.parametrize(
    ("state", "status", "maxerror", "why"),
    [
        (0, STA_UNSYNC, 16_000_000, "not synchronised"),
        (TIME_ERROR, 0, 100, "not synchronised"),
        (0, 1, 0, "told no largest error"),
        (0, 1, -1, "told no largest error"),
    ],
)
def test_what_nobody_vouches_for_is_not_known(
    state: int, status: int, maxerror: int, why: str
) -> None:
    found = clock_state(state, status, 0, maxerror)

    assert (found.offset, found.bound, found.is_known) == (None, None, False)
    assert why in found.problem


def test_this_machine_answers_one_way_or_the_other() -> None:
    found = kernel_clock()

    assert found.is_known != bool(found.problem)


def test_elsewhere_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert kernel_clock().problem == "only Linux is asked for it"


def test_a_kernel_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def adjtimex(_: object) -> int:
            ctypes.set_errno(1)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Library)

    found = kernel_clock()

    assert not found.is_known
    assert found.problem == "adjtimex failed: Operation not permitted"


def test_a_library_without_the_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())

    assert "adjtimex is not there" in kernel_clock().problem
