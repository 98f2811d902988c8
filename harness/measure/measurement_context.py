"""The instruments of a measurement: probes, lines, clock, and what keeps us from overload."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Required, Self, TypedDict, Unpack

from harness.measure.concurrency_limiter import SECOND_LOOKS, Courtesy, Gate, Traffic
from harness.measure.event_loop import Watch
from harness.measure.heartbeats import Passing, Place, Pulse
from harness.model.batch import Half
from harness.model.campaign import Limits
from harness.ports.network import Line, Origin, Probe, PupilClient, SecondClient
from harness.ports.storage import Clock, EvidenceStore

SENTINEL_INTERVAL = 300.0
"""Seconds between sentinels inside a batch: filters switch off for hours, and for minutes."""


class Given(TypedDict, total=False):
    """What a measurement is given of a prepared campaign; see ``Instruments``."""

    probes: Required[Mapping[str, Probe]]
    lines: Required[Mapping[tuple[str, str], Line]]
    origin: Required[Origin | None]
    evidence: Required[EvidenceStore]
    half: Half
    sketch_key: bytes
    only_undecided: bool
    seed: str
    run: str
    second_client: SecondClient | None
    pupil: PupilClient | None
    twin_lines: Mapping[tuple[str, str], Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Probes by name, and lines by (name, profile); the control is a line like any other.

    ``seed`` is the campaign's, and draws the browser that each attempt looks like; ``run`` is
    the random id of this run of it, which is in every nonce.
    ``half`` says which rounds the lines stand ready for; ``sketch_key`` keys the sketches of pages;
    ``only_undecided`` that nothing is tried but what a journal holds undecided.
    ``traffic`` and ``pulses`` are made as lines are used; ``passing`` are the items that passed.
    ``strained`` counts by line and failure how often our own equipment did not bear what was
    tried, and less was tried at once.
    ``pupil`` tries plain twins over ``twin_lines``, which are lines as a browser uses them.
    """

    probes: Mapping[str, Probe]
    lines: Mapping[tuple[str, str], Line]
    origin: Origin | None
    evidence: EvidenceStore
    clock: Clock
    gate: Gate
    second_gate: Gate
    watch: Watch
    sentinel_interval: float = SENTINEL_INTERVAL
    half: Half = "all"
    sketch_key: bytes = b""
    only_undecided: bool = False
    seed: str = ""
    run: str = ""
    courtesy: Courtesy = field(default_factory=lambda: Courtesy(Limits()))
    traffic: dict[str, Traffic] = field(default_factory=dict)
    pulses: dict[Place, Pulse] = field(default_factory=dict)
    passing: Passing = field(init=False)
    second_client: SecondClient | None = None
    pupil: PupilClient | None = None
    twin_lines: Mapping[tuple[str, str], Line] = field(default_factory=dict)
    strained: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def create(cls, limits: Limits, clock: Clock, **given: Unpack[Given]) -> Self:
        """A context whose concurrency and rates keep to the limits of a campaign."""
        return cls(
            clock=clock,
            gate=Gate(limits.concurrency),
            second_gate=Gate(SECOND_LOOKS * limits.concurrency),
            courtesy=Courtesy(limits),
            watch=Watch(clock),
            **given,
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "passing", Passing(self.seed))

    async def open(self, stack: AsyncExitStack) -> None:
        """Open every line, and start watching ourselves; ``stack`` closes them."""
        await stack.enter_async_context(self.watch)
        lines = (*self.lines.values(), *self.twin_lines.values())
        for line in {id(line): line for line in lines}.values():
            await stack.enter_async_context(line)
        stack.push_async_callback(self._close_pulses)

    async def _close_pulses(self) -> None:
        for pulse in self.pulses.values():
            await pulse.close()
