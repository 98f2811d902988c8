"""The context opens each line once, whatever the number of profiles that share it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

from harness.measure.concurrency_limiter import ConcurrencyLimiter, RateLimits
from harness.measure.event_loop import LoopLagMonitor
from harness.measure.measurement_context import MeasurementContext
from harness.model.campaign import Limits
from harness.ports.storage import WallClock


class Wire:
    """A line that counts its openings."""

    opened = closed = 0

    async def __aenter__(self) -> Wire:
        self.opened += 1
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.closed += 1


class Starting:
    """A probe that starts something for each line."""

    def __init__(self) -> None:
        self.prepared: list[Wire] = []

    async def prepare(self, line: Wire) -> None:
        assert line.opened
        self.prepared.append(line)


async def test_a_shared_line_is_opened_once_and_closed() -> None:
    shared, own = Wire(), Wire()
    lines: Any = {("a", "ks2"): shared, ("a", "staff"): shared, ("b", "ks2"): own}
    evidence: Any = SimpleNamespace()
    probe: Any = Starting()
    other: Any = SimpleNamespace()
    instruments = MeasurementContext(
        probes={"p": probe, "q": other}, lines=lines, origin=None, evidence=evidence, clock=WallClock(),
        limiter=ConcurrencyLimiter(1), confirmation_limiter=ConcurrencyLimiter(1), rate_limits=RateLimits(Limits()), lag_monitor=LoopLagMonitor(WallClock()),
    )  # fmt: skip

    async with AsyncExitStack() as stack:
        await instruments.open(stack)
        assert (1, 1) == (shared.opened, own.opened)
        assert [shared, own] == probe.prepared

    assert (1, 1) == (shared.closed, own.closed)
