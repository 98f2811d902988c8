"""A service and an internet whose speed is known exactly, measured in virtual time.

``SpeedCampaign`` measures a whole campaign over the simulated line with the command ``speed``, and
concludes it; nothing depends on the speed of the machine.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec import structs
from rich.console import Console

from harness.cli import sending
from harness.cli.compose import prepare
from harness.cli.measure import measure_prepared
from harness.cli.paths import CampaignPaths
from harness.cli.speed import measure
from harness.measure.speed_rounds import SpeedExtent
from harness.model.observation import CONTROL, Failure, Timings
from harness.model.transfer import SIZES, Sizes, content_of, receipt_of, size_in
from harness.ports.network import Answer, Exchange, Line, Origin, Question, Request
from probes.kinds import transfer as transfer_probe
from probes.range.shaping import RateLimit
from test_suites.kit.campaigns.rehearsal import (
    Rehearsal,
    read_rehearsal,
    simulated_origin,
    write_campaign,
)
from test_suites.kit.clocks.virtual_loop import VirtualTime

FEW_BYTES: Sizes = {form: (least // 10, most // 10) for form, (least, most) in SIZES.items()}
"""A tenth of the usual sizes, so that little content is made."""
GIGABIT = 125e6
"""Bytes per second of the control line."""
BLOCK_PAGE = {"title": "Access to this page is blocked"}
SCHEME = """\
id: our-school
version: "1.0"
title: Speed
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements: [{requirements}]
"""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What a line adds, and what it carries.

    ``round_trip`` and ``added`` are seconds, ``down`` and ``up`` bytes per second. ``jitter`` is
    the most seconds that a request waits further, ``lost`` the share of requests that get a reset.
    Requests are let through unfiltered while more than ``filters`` are under way.
    """

    round_trip: float = 0.010
    added: float = 0.0
    down: float = GIGABIT
    up: float = GIGABIT
    jitter: float = 0.0
    lost: float = 0.0
    filters: int = 10_000


@dataclass(kw_only=True)
class TimedLine:
    """A simulated line that takes the time which its speed says."""

    inner: Line
    unfiltered: Line
    speed: Speed
    origin_delay: float
    origin: Origin
    random: Random
    name: str = "line"
    under_way: int = 0
    _down: RateLimit = field(default_factory=RateLimit)
    _up: RateLimit = field(default_factory=RateLimit)

    async def __aenter__(self) -> TimedLine:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def ask(self, question: Question) -> Answer:
        return await self.inner.ask(question)

    async def fetch(self, request: Request) -> Exchange:
        self.under_way += 1
        try:
            return await self._fetch(request)
        finally:
            self.under_way -= 1

    async def _fetch(self, request: Request) -> Exchange:
        loop, speed = asyncio.get_running_loop(), self.speed
        began = loop.time()
        is_open = self.under_way > speed.filters
        trip = speed.round_trip * (1 + 0.02 * self.random.random())
        await asyncio.sleep(trip)
        tls = 2 * trip if request.url.startswith("https") else None
        await asyncio.sleep(tls or 0.0)
        asked = loop.time()
        path = urlsplit(request.url).path
        size = size_in(self.origin.key, path)
        if size is not None and self.random.random() < speed.lost:
            failure = Failure(name="connection_reset", stage="response")
            return Exchange(
                timings=Timings(connect=trip, total=loop.time() - began), failure=failure
            )
        exchange = await (self.unfiltered if is_open else self.inner).fetch(request)
        body = exchange.body
        if size is not None:
            content = content_of(self.origin.key, path, size)
            body = content
            if request.method == "POST":
                body = receipt_of(self.origin.key, path, request.body).encode()
        await asyncio.sleep(self._up.wait_for(len(request.body) + 1, speed.up, loop.time()))
        await asyncio.sleep(
            trip + speed.added + self.origin_delay + speed.jitter * self.random.random()
        )
        first = loop.time()
        await asyncio.sleep(self._down.wait_for(len(body) + 1, speed.down, loop.time()))
        timings = Timings(
            connect=trip, tls=tls, first_byte=first - asked, total=loop.time() - began
        )
        return structs.replace(exchange, body=body, timings=timings)


@dataclass(kw_only=True)
class SpeedCampaign:
    """A campaign over a service of a known speed; ``rows`` are its requirements."""

    folder: Path
    rows: Sequence[str]
    service: Speed = Speed()
    control: Speed = Speed()
    origin_delay: float = 0.0
    bandwidth: dict[str, float] | None = None
    blocked: tuple[str, ...] = ("GAMB",)
    time: VirtualTime = field(default_factory=VirtualTime)

    def write(self, **more: Any) -> Path:
        """Write the campaign file and its scheme."""
        self.folder.mkdir(parents=True, exist_ok=True)
        scheme = self.folder / "scheme.yaml"
        scheme.write_text(
            SCHEME.replace("{requirements}", ", ".join(f"{{id: {one}}}" for one in self.rows))
        )
        options = {"block": [*self.blocked, "copper-meadow.accredit.test"]}
        service: dict[str, Any] = {"name": "Filter", "block_page": BLOCK_PAGE}
        if self.bandwidth:
            service["bandwidth"] = self.bandwidth
        usual: dict[str, Any] = {
            "lines": [{"name": "line", "type": "simulated", "options": options}],
            "categories": ["GAMB"],
            "sample": 20,
            "control": {"type": "simulated"},
        }
        return write_campaign(
            self.folder,
            origin=simulated_origin(self.folder, twin_zone="twins.test"),
            scheme="scheme.yaml",
            service=service,
            **usual | more,
        )

    def run(self, extent: SpeedExtent) -> Rehearsal:
        """Measure the campaign and its speed, and conclude it."""
        path = self.write()
        measure_prepared(prepare(path), self.folder / "out", Console(file=io.StringIO()))
        self.measure(path, extent)
        return read_rehearsal(self.folder / "out" / "rehearsal" / "journal")

    def measure(self, path: Path, extent: SpeedExtent) -> None:
        """Measure the speed alone, in virtual time."""
        prepared = prepare(path)
        assert prepared.origin is not None
        lines: dict[tuple[str, str], Any] = {}
        for place, inner in prepared.lines.items():
            is_control = place[0] == CONTROL
            lines[place] = TimedLine(
                inner=inner,
                unfiltered=prepared.lines[CONTROL, place[1]],
                speed=self.control if is_control else self.service,
                origin_delay=self.origin_delay,
                origin=prepared.origin,
                random=Random(f"{place}"),
            )
        paths = CampaignPaths(out=self.folder / "out", campaign="rehearsal")
        with virtual(self.time):
            measure(replace(prepared, lines=lines), paths, extent, clock=self.time)


@contextmanager
def virtual(time: VirtualTime) -> Iterator[None]:
    """Measure in virtual time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sending, "new_loop", time.new_loop)
        patched.setattr(transfer_probe, "perf_counter", time.monotonic)
        patched.setattr(transfer_probe, "thread_time", lambda: 0.0)
        yield
