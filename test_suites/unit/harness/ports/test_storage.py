"""The wall clock knows its zone."""

from __future__ import annotations

from harness.ports.storage import WallClock


def test_times_are_aware_and_durations_monotonic() -> None:
    clock = WallClock()

    assert 0 == clock.now().utcoffset().total_seconds()  # type: ignore[union-attr]
    assert clock.monotonic() <= clock.monotonic()
