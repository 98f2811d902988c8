"""Measure the speed of lines: transfers over each line and the control line, in rounds.

A round is one batch: sentinels; then transfers, each over both lines one after the other, in an
order that is drawn from the run; then items and short pages while the line is loaded; sentinels.
Nothing else is under way while a transfer is timed, and nothing is repeated.
"""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from harness.measure.attempts import AttemptOptions, PlannedAttempt, attempt
from harness.measure.log_requests import without_mark
from harness.measure.machine_watch import MachineWatch
from harness.measure.measurement_context import MeasurementContext
from harness.measure.observe import planned_sentinels
from harness.measure.repeated_attempts import observe_all
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign, LineDeclaration
from harness.model.corpus import Item
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.plain_twin import next_number
from harness.model.sampler import ordering
from harness.model.service_log import ROUND
from harness.model.service_speed import Bandwidth
from harness.model.transfer import (
    SIZES,
    Direction,
    Form,
    Situation,
    Sizes,
    Transfer,
    size_drawn,
    transfer_item,
)
from harness.ports.storage import Journal

PROBE = "transfer"
"""The probe that makes transfers."""
PATIENCE = 60.0
"""Seconds that a transfer may take."""
SAMPLES = 2
"""Samples of the bandwidth in each direction in a round: 60 in 30 rounds (PRF-01: n >= 59)."""
PIECES = 24
"""Transfers of a sample, at least: enough that all connections are busy nearly all of its time."""
LEAST, MOST = 4_000, 1_000_000
"""Bytes of a transfer of a sample."""
BESIDE = 20
"""The most short pages beside a load."""
IDLE, LOADED = "@idle", "@load"
"""Suffixes of the names of items, by the state of the line."""
ALONE: tuple[Form, ...] = ("page", "download", "video", "upload")
TOGETHER: dict[Direction, tuple[Form, ...]] = {
    "down": ("page", "download", "video"),
    "up": ("upload",),
}
"""The forms of transfers at once, by direction: as a class at work makes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedExtent:
    """How much is measured for each line and profile; the defaults can decide every row.

    ``rounds`` are at least 30 for PRF-02. ``requests`` are short pages in a round: 3,000 in all,
    because PRF-04 and the loss of PRF-07 need 2,995. ``connections`` are transfers at once (MNP of
    draft-ietf-ippm-responsiveness). A sample of the bandwidth takes about ``seconds``, and a load
    at least as long. ``items`` are tried idle and under load, spread over the rounds: 598 show that
    at most 0.5 % are open (PRF-08). ``sizes`` are the least and most bytes of transfers alone on
    the line, ``samples`` those of each direction in a round.
    """

    rounds: int = 30
    requests: int = 100
    connections: int = 16
    seconds: float = 1.0
    items: int = 600
    sizes: Sizes = field(default_factory=lambda: SIZES)
    samples: int = SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedPlan:
    """What one command measures: ``items`` are those of each profile.

    ``number`` counts the measurements of a journal from 1.
    """

    number: int
    extent: SpeedExtent
    bandwidth: Bandwidth
    items: dict[str, tuple[Item, ...]]

    def items_in(self, turn: int, profile: str) -> tuple[Item, ...]:
        """Return the items of one profile that are tried in a round, from 1."""
        items = self.items.get(profile, ())
        first, last = (len(items) * each // self.extent.rounds for each in (turn - 1, turn))
        return items[first:last]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One line for one profile; ``probe`` is the campaign's that tries items and sentinels."""

    line: str
    profile: str
    probe: str


def paths_of(campaign: Campaign, context: MeasurementContext) -> tuple[list[Path], list[str]]:
    """Return the lines and profiles that can be measured, and the names of lines that cannot.

    A line can if it fetches pages, and a probe of the campaign fetches pages over it.
    """
    found, others = list[Path](), list[str]()
    for line in campaign.lines:
        probe = _web_probe(campaign, line, context)
        if probe:
            found += [Path(line=line.name, profile=one, probe=probe) for one in campaign.profiles]
        else:
            others.append(line.name)
    return found, others


def _web_probe(campaign: Campaign, line: LineDeclaration, context: MeasurementContext) -> str:
    for name in campaign.probes_on(line):
        declares = context.probes[name].declares
        if (declares.needs, declares.facts, declares.counts) == ("fetch", "web", True):
            return name
    return ""


async def measure_speed(
    campaign: Campaign, context: MeasurementContext, journal: Journal, plan: SpeedPlan
) -> None:
    """Measure all rounds of all lines and profiles in turn, and write each to the journal."""
    paths, _ = paths_of(campaign, context)
    number = next_number(journal.batches())
    for turn in range(1, plan.extent.rounds + 1):
        for path in paths:
            watch = MachineWatch(context, "speed")
            seen = await _Round(campaign, context, plan, path, turn, number).run()
            seen = watch.recorded(
                campaign, number, path.profile, (replace(one, role="speed") for one in seen)
            )
            await to_thread(journal.append, number, seen)
            number += 1


class _Round:
    """One round over one line for one profile."""

    def __init__(
        self,
        campaign: Campaign,
        context: MeasurementContext,
        plan: SpeedPlan,
        path: Path,
        turn: int,
        batch: int,
    ) -> None:
        self._campaign, self._context, self._plan = campaign, context, plan
        self._path, self._turn, self._batch = path, turn, batch
        self._draw = f"{context.run} {path.line} {path.profile} {plan.number} {turn}"
        self._order = ordering(self._draw)
        self._has_uploads = campaign.takes_uploads(path.profile)
        self._seen: list[Observation] = []

    async def run(self) -> list[Observation]:
        """Measure the round; return its observations, without heartbeats."""
        way = Way(
            probe=self._path.probe,
            lines=(self._path.line,),
            profile=self._path.profile,
            round=ROUND + self._plan.number,
        )
        batch = Batch(number=self._batch, way=way, items=())
        await self._try_sentinels(batch, "before")
        for step in self._steps():
            await step()
        await self._under_load()
        await self._try_sentinels(batch, "after")
        return [one for one in self._seen if one.role != "heartbeat"]

    async def _try_sentinels(self, batch: Batch, side: str) -> None:
        probe = self._context.probes[batch.way.probe]
        planned = planned_sentinels(batch, self._campaign, side, probe)
        self._seen += await observe_all(planned, self._campaign, self._context)

    def _steps(self) -> list[Callable[[], Awaitable[None]]]:
        """The parts of the round before the load, in an order that is drawn."""
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            form: self._pairs(form, [self._alone(form)])
            for form in ALONE
            if form != "upload" or self._has_uploads
        }
        steps["small"] = self._pairs("small", list(self._small("alone")))
        directions: tuple[Direction, ...] = ("down", "up") if self._has_uploads else ("down",)
        for direction in directions:
            for sample in range(self._plan.extent.samples):
                steps[f"{direction} {sample}"] = self._samples(direction, sample)
        items = self._plan.items_in(self._turn, self._path.profile)
        steps["items"] = lambda: self._try_items(items, IDLE)
        return [steps[name] for name in sorted(steps, key=self._order)]

    def _lines(self, what: str) -> tuple[str, str]:
        """Both lines in the order in which something is transferred over them."""
        is_first = self._order(f"line {what}")[0] % 2 == 0
        return (CONTROL, self._path.line) if is_first else (self._path.line, CONTROL)

    def _pairs(self, name: str, items: Sequence[Item]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            for place, item in enumerate(items):
                self._seen += [
                    await self._transfer(item, line) for line in self._lines(f"{name} {place}")
                ]

        return run

    def _samples(self, direction: Direction, sample: int) -> Callable[[], Awaitable[None]]:
        items = list(self._of_sample(direction, sample))

        async def run() -> None:
            for line in self._lines(f"sample {direction} {sample}"):
                self._seen += await self._at_once(iter(items), line)

        return run

    async def _at_once(self, items: Iterator[Item], line: str) -> list[Observation]:
        """Make transfers, ``connections`` at once, until there are no more."""
        seen: list[Observation] = []

        async def work() -> None:
            # One iterator for all: each takes the next item.
            seen.extend([await self._transfer(item, line) for item in items])

        await asyncio.gather(*(work() for _ in range(self._plan.extent.connections)))
        return seen

    async def _under_load(self) -> None:
        """Load each line in turn; meanwhile ask for short pages, and try items over the service."""
        items = self._plan.items_in(self._turn, self._path.profile)
        for line in self._lines("load"):
            stopped, began = asyncio.Event(), self._context.clock.monotonic()
            load = self._load_items(stopped)
            loading = asyncio.create_task(self._at_once(load, line))
            try:
                await asyncio.wait({loading}, timeout=self._plan.extent.seconds / 4)
                self._seen += [
                    await self._transfer(item, line) for item in self._small("beside", BESIDE)
                ]
                if line != CONTROL:
                    await self._try_items(items, LOADED)
                remaining = self._plan.extent.seconds - (self._context.clock.monotonic() - began)
                await asyncio.wait({loading}, timeout=max(0.0, remaining))
            except BaseException:
                loading.cancel()
                raise
            stopped.set()
            self._seen += await loading

    async def _try_items(self, items: Iterable[Item], suffix: str) -> None:
        """Try items over both lines, one item after the other."""
        probe = self._path.probe
        for item in items:
            named = replace(item, id=f"{item.id}@{self._turn}{suffix}")
            planned = [self._planned(named, line, probe) for line in (CONTROL, self._path.line)]
            options = AttemptOptions(look="alone", patience=self._campaign.limits.timeout)
            tried = (attempt(one, options, self._campaign.limits, self._context) for one in planned)
            self._seen += await asyncio.gather(*tried)

    async def _transfer(self, item: Item, line: str) -> Observation:
        options = AttemptOptions(look="alone", patience=PATIENCE)
        planned = self._planned(item, line, PROBE)
        return await attempt(planned, options, self._campaign.limits, self._context)

    def _planned(self, item: Item, line: str, probe: str) -> PlannedAttempt:
        key = AttemptKey(
            campaign=self._campaign.campaign,
            item=item.id,
            probe=probe,
            line=line,
            profile=self._path.profile,
            round=ROUND + self._plan.number,
        )
        return PlannedAttempt(key=key, item=item, role="item", batch=self._batch)

    def _item(
        self, form: Form, situation: Situation, place: int, sizes: tuple[int, int], sample: int = 0
    ) -> Item:
        draw = f"{self._draw} {form} {situation} {sample} {place}"
        size = size_drawn(draw, *sizes)
        made = Transfer(form=form, situation=situation, round=self._turn, sample=sample, size=size)
        assert self._context.origin is not None
        return without_mark(transfer_item(made, draw), self._context.origin)

    def _alone(self, form: Form) -> Item:
        return self._item(form, "alone", 0, self._plan.extent.sizes[form])

    def _small(self, situation: Situation, most: int = MOST) -> Iterator[Item]:
        for place in range(min(self._plan.extent.requests, most)):
            yield self._item("small", situation, place, self._plan.extent.sizes["small"])

    def _of_sample(self, direction: Direction, sample: int) -> Iterator[Item]:
        """The transfers of a sample: as many bytes as the bandwidth carries in its time."""
        whole = int(self._plan.bandwidth.of(direction) * self._plan.extent.seconds)
        usual = min(max(whole // PIECES, LEAST), MOST)
        for place in range(max(PIECES, whole // usual)):
            yield self._mixed(direction, "sample", place, usual, sample)

    def _load_items(self, stopped: asyncio.Event) -> Iterator[Item]:
        """Transfers that load a line, until ``stopped`` is set: three of four come down."""
        whole = int(self._plan.bandwidth.of("down") * self._plan.extent.seconds)
        usual = min(max(whole // PIECES, LEAST), MOST)
        place = 0
        while not stopped.is_set():
            is_up = self._has_uploads and place % 4 == 3  # noqa: PLR2004 - one of four
            direction: Direction = "up" if is_up else "down"
            yield self._mixed(direction, "load", place, usual, 0)
            place += 1

    def _mixed(
        self, direction: Direction, situation: Situation, place: int, usual: int, sample: int
    ) -> Item:
        """One of several transfers at once: of any form, and from half to one and a half as big."""
        forms = TOGETHER[direction]
        drawn = size_drawn(f"{self._draw} {situation} {sample} {place}", 0, len(forms) - 1)
        sizes = usual // 2, usual * 3 // 2
        return self._item(forms[drawn], situation, place, sizes, sample)
