"""The instruments of a measurement: probes, lines, clock, and what keeps us from overload."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from harness.courtesy import Courtesy
from harness.gate import Gate
from harness.model.batch import Half
from harness.model.campaign import Limits
from harness.ports.asking import Line, Origin, Probe
from harness.ports.keeping import Clock, EvidenceStore
from harness.watch import Watch

SENTINEL_INTERVAL = 300.0
"""Seconds between sentinels inside a batch: filters switch off for hours, and for minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Probes by name, and lines by (name, profile); the control is a line like any other.

    ``seed`` is the campaign's, and draws the browser that each attempt looks like; ``run`` is
    the random id of this run of it, which is in every nonce.
    ``half`` says which rounds the lines stand ready for; ``sketch_key`` keys the sketches of pages;
    ``only_undecided`` that nothing is tried but what a journal holds undecided.
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

    async def open(self, stack: AsyncExitStack) -> None:
        """Open every line, and start watching ourselves; ``stack`` closes them."""
        await stack.enter_async_context(self.watch)
        for line in {id(line): line for line in self.lines.values()}.values():
            await stack.enter_async_context(line)
