"""What a measurement works with: probes, lines, clock, limits, and state shared by its attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from harness.measure.concurrency_limiter import (
    ConcurrencyLimiter,
    LineTraffic,
    RateLimits,
)
from harness.measure.event_loop import LoopLagMonitor
from harness.measure.heartbeats import HeartbeatLoop, HeartbeatTarget, PassedItemsByTarget
from harness.model.batch import Half
from harness.model.campaign import Limits
from harness.model.machine_facts import MachineReading
from harness.ports.list_program import ListProgram
from harness.ports.network import Line, Origin, PreparesLines, Probe, PupilClient, SecondClient
from harness.ports.storage import Clock, EvidenceStore

SENTINEL_INTERVAL = 300.0
"""Seconds between sentinels inside a batch: filters are switched off for hours, but also for
minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementContext:
    """Probes by name, lines by (name, profile), and what their attempts share.

    The control is a line like any other. ``seed`` is the campaign's; it draws the browser that each
    attempt imitates. ``run`` is the random id of this run of the campaign, part of every nonce.
    ``half``: the rounds that the lines are connected for. ``sketch_key`` keys the sketches of
    pages. ``only_undecided``: try only what the journal holds undecided. ``traffic`` and
    ``heartbeat_loops`` are filled as lines are used; ``passed_items`` are the items that passed.
    ``strained`` counts, by line and failure, how often our own equipment failed so that fewer
    attempts were made at once. ``list_program`` is the one that probes for sealed lists ask.
    ``pupil`` tries plain twins over ``twin_lines``, which are lines as
    a browser uses them. ``read_machine`` reads how busy this machine is, without which nothing is
    known of it.
    """

    probes: Mapping[str, Probe]
    lines: Mapping[tuple[str, str], Line]
    origin: Origin | None
    evidence: EvidenceStore
    clock: Clock
    limiter: ConcurrencyLimiter
    confirmation_limiter: ConcurrencyLimiter
    lag_monitor: LoopLagMonitor
    sentinel_interval: float = SENTINEL_INTERVAL
    half: Half = "all"
    sketch_key: bytes = b""
    only_undecided: bool = False
    seed: str = ""
    run: str = ""
    rate_limits: RateLimits = field(default_factory=lambda: RateLimits(Limits()))
    traffic: dict[str, LineTraffic] = field(default_factory=dict)
    heartbeat_loops: dict[HeartbeatTarget, HeartbeatLoop] = field(default_factory=dict)
    passed_items: PassedItemsByTarget = field(init=False)
    second_client: SecondClient | None = None
    pupil: PupilClient | None = None
    list_program: ListProgram | None = None
    twin_lines: Mapping[tuple[str, str], Line] = field(default_factory=dict)
    strained: Counter[tuple[str, str]] = field(default_factory=Counter)
    read_machine: Callable[[], MachineReading] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed_items", PassedItemsByTarget(self.seed))

    async def open(self, stack: AsyncExitStack) -> None:
        """Open and prepare every line, start the sealed list program, monitor the event loop.

        ``stack`` ends all of them.
        """
        await stack.enter_async_context(self.lag_monitor)
        lines = (*self.lines.values(), *self.twin_lines.values())
        for line in {id(line): line for line in lines}.values():
            await stack.enter_async_context(line)
        for probe in self.probes.values():
            if isinstance(probe, PreparesLines):
                for line in {id(line): line for line in self.lines.values()}.values():
                    await probe.prepare(line)
        if self.list_program is not None:
            await stack.enter_async_context(self.list_program)
        stack.push_async_callback(self._close_heartbeat_loops)

    async def _close_heartbeat_loops(self) -> None:
        for heartbeat_loop in self.heartbeat_loops.values():
            await heartbeat_loop.close()
