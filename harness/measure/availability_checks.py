"""Check at random moments whether a service is up and filters.

A check tries ``TRIES`` ordinary pages at the same time, and then one that must be blocked, on the
control and on each line. A harmful page that comes is followed by others, ``TRIES`` in all, and
then by pages that did not come before.
Moments, pages and their paths are drawn, and no request bears a mark of a test, so that a service
cannot treat checks otherwise than its users. In a test of a fault one page of each kind is tried.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

from msgspec.structs import replace

from harness.errors import UnfinishedError
from harness.measure.attempts import AttemptOptions, PlannedAttempt, attempt
from harness.measure.log_requests import NAMES, at_home, probe_for
from harness.measure.machine_watch import MachineWatch
from harness.measure.measurement_context import MeasurementContext
from harness.model.availability import DEADLINE, ROUND, TRIES, PageKind, as_checked
from harness.model.campaign import Campaign, LineDeclaration
from harness.model.corpus import Item
from harness.model.log_case import invented_host, invented_path
from harness.model.observation import CONTROL, AttemptKey, Heartbeats, Observation
from harness.model.plain_twin import next_number
from harness.model.timed_event import EventNote
from harness.model.verdict import is_answer
from harness.ports.network import Origin, Probe
from harness.ports.storage import Journal

Pause = Callable[[float], Awaitable[None]]
"""Waits for some seconds."""

CONFIRMING = 3
"""How many pages that did not come before are tried if all others came."""
SAMPLE = 30
"""How many harmful pages are tried before and during a fault, or a moment of a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """One run of checks: its number, how often, how long (in seconds), and what is tried.

    ``harmful`` are the pages that must be blocked, for each profile; ``ordinary`` are pages that
    must come, or empty for hosts that are invented. ``test`` is that of a fault or a failover,
    before it happens. ``together``: so many checks are written to the journal at once.
    """

    number: int
    every: float
    lasts: float
    harmful: Mapping[str, Sequence[Item]]
    ordinary: Mapping[str, Sequence[Item]] = field(default_factory=dict)
    test: EventNote | None = None
    together: int = 1

    @property
    def checks_before(self) -> int:
        """How many checks are made before a fault: each harmful page is tried once."""
        return max(min(SAMPLE, len(one)) for one in self.harmful.values())


class AvailabilityChecker:
    """Makes the checks of a run, and writes them to the journal.

    ``announce`` is told that the fault has to be caused now.
    """

    def __init__(
        self,
        campaign: Campaign,
        context: MeasurementContext,
        journal: Journal,
        run: CheckRun,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        assert context.origin is not None
        self._campaign, self._context, self._run = campaign, context, run
        self._journal, self._announce = journal, announce
        self._origin: Origin = context.origin
        draw = f"availability {campaign.seed} {context.run} {run.number}"
        self._chance = random.Random(draw)  # noqa: S311 - no secret
        self._options: dict[PageKind, AttemptOptions] = {
            "ordinary": AttemptOptions(look="alone", patience=DEADLINE),
            "harmful": AttemptOptions(look="alone", patience=campaign.limits.timeout),
        }
        self._batch = next_number(journal.batches())
        self._held: list[Observation] = []
        self._watch: MachineWatch | None = None
        self._note = run.test
        self._kept_back: defaultdict[str, dict[str, Item]] = defaultdict(dict)
        is_sample = run.test is not None
        self._drawn = DrawnPages(
            draw, self._chance, self._origin, run.harmful, run.ordinary, is_sample=is_sample
        )

    async def make(self, pause: Pause) -> int:
        """Make the checks until the time of the run is over; returns their number.

        Raises UnfinishedError if the service does not work before a fault was to be caused.
        """
        number = 0
        try:
            for moment in self._moments():
                await pause(max(0.0, (moment - self._context.clock.now()).total_seconds()))
                number += 1
                self._watch = self._watch or MachineWatch(self._context, "checks")
                seen = await self._check(number)
                self._held += seen
                if number % self._run.together == 0:
                    await self._write()
                if self._note is not None and number == self._run.checks_before:
                    self._begin_fault(seen)
        finally:
            if self._held:
                self._journal.append(self._batch, self._end_batch())
        return number

    def _moments(self) -> Iterator[datetime]:
        """Yield a random moment of each interval, without those that are over already."""
        begins, every = self._context.clock.now(), self._run.every
        slot = 0
        while slot * every < self._run.lasts:
            yield begins + timedelta(seconds=(slot + self._chance.random()) * every)
            passed = (self._context.clock.now() - begins).total_seconds()
            slot = max(slot + 1, int(passed / every))

    def _begin_fault(self, seen: Sequence[Observation]) -> None:
        lines = {one.name for one in self._campaign.lines}
        up = {one.key.line for one in seen if "-ordinary-" in one.item.id and is_answer(one)}
        if dead := sorted(lines - up):
            msg = (
                f"no ordinary page comes on {', '.join(dead)} before the fault; nothing could be "
                "seen of it: get the service working, then begin again"
            )
            raise UnfinishedError(msg)
        assert self._note is not None
        self._announce()
        self._note = replace(self._note, at=self._context.clock.now())

    async def _write(self) -> None:
        """Write what is held as one batch, so that nothing of it is lost later."""
        await to_thread(self._journal.append, self._batch, self._end_batch())
        self._batch += 1

    def _end_batch(self) -> list[Observation]:
        held, self._held, watch, self._watch = self._held, [], self._watch, None
        return held if watch is None else watch.recorded(self._campaign, self._batch, "*", held)

    async def _check(self, number: int) -> list[Observation]:
        """Make one check: everywhere at the same time."""
        ways: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for line in self._campaign.lines:
            for profile in self._campaign.profiles:
                probe = checking_probe(self._campaign, line, self._context.probes)
                ways[probe, profile].append(line.name)
        found = await asyncio.gather(
            *(self._way(number, probe, profile, lines) for (probe, profile), lines in ways.items())
        )
        return [one for seen in found for one in seen]

    async def _way(
        self, number: int, probe: str, profile: str, lines: Sequence[str]
    ) -> list[Observation]:
        """Check some lines with a probe: first that pages come, then that one does not."""
        tries = TRIES if self._run.test is None else 1
        drawn = [self._drawn.page("ordinary", profile) for _ in range(tries)]
        items = [as_checked(page, number, "ordinary", turn) for turn, page in enumerate(drawn, 1)]
        ordinary = await asyncio.gather(
            *(
                self._try("ordinary", item, probe, profile, line)
                for item in items
                for line in (CONTROL, *lines)
            )
        )
        answered = {one.key.line for one in ordinary if is_answer(one)}
        harmful = await self._harmful(number, probe, profile, lines)
        self._note_kept_back(profile, harmful, answered, lines)
        return [*ordinary, *(_beside_life(one, answered) for one in harmful)]

    async def _harmful(
        self, number: int, probe: str, profile: str, lines: Sequence[str]
    ) -> list[Observation]:
        """Try harmful pages until one does not come on each line.

        If all came, some follow that did not come before: a service may miss some pages, and
        filter all the same.
        """
        seen: list[Observation] = []
        left = list(lines)
        for turn, page in enumerate(self._harmful_pages(profile), 1):
            item = as_checked(page, number, "harmful", turn)
            tried = await asyncio.gather(
                *(self._try("harmful", item, probe, profile, line) for line in (CONTROL, *left))
            )
            seen += tried
            left = [one.key.line for one in tried[1:] if is_answer(one)]
            if not left:
                break
        return seen

    def _harmful_pages(self, profile: str) -> Iterator[Item]:
        """Yield pages as they are needed; in a test of a fault only one."""
        yield self._drawn.page("harmful", profile)
        if self._run.test is not None:
            return
        for _ in range(TRIES - 1):
            yield self._drawn.page("harmful", profile)
        known = self._kept_back[profile]
        for value in self._chance.sample(sorted(known), min(CONFIRMING, len(known))):
            yield known[value]

    def _note_kept_back(
        self,
        profile: str,
        harmful: Sequence[Observation],
        answered: Collection[str],
        lines: Sequence[str],
    ) -> None:
        """Remember the harmful pages that came over no line while ordinary ones came over all."""
        came = {one.item.value for one in harmful if is_answer(one) and one.key.line != CONTROL}
        if set(lines) <= set(answered):
            tried = {one.item.value: one.item for one in harmful if one.key.line == CONTROL}
            self._kept_back[profile] |= {
                value: item for value, item in tried.items() if value not in came
            }

    async def _try(
        self, kind: PageKind, item: Item, probe: str, profile: str, line: str
    ) -> Observation:
        key = key_of_check(self._campaign, item, probe, line, profile, self._run.number)
        planned = PlannedAttempt(key=key, item=item, role="availability", batch=self._batch)
        options = self._options[kind]
        seen = await attempt(planned, options, self._campaign.limits, self._context)
        return seen if self._note is None else replace(seen, event=self._note)


def key_of_check(
    campaign: Campaign, item: Item, probe: str, line: str, profile: str, run: int
) -> AttemptKey:
    """Return the key of an attempt in a run of checks."""
    return AttemptKey(
        campaign=campaign.campaign,
        item=item.id,
        probe=probe,
        line=line,
        profile=profile,
        round=ROUND + run,
    )


class DrawnPages:
    """Draws the pages of checks, under names that bear no mark of a test.

    ``harmful`` and ``ordinary`` are as in ``CheckRun``. With ``is_sample`` few pages are used, in
    the same order again and again, so that each is tried before an event and after it.
    """

    def __init__(
        self,
        draw: str,
        chance: random.Random,
        origin: Origin,
        harmful: Mapping[str, Sequence[Item]],
        ordinary: Mapping[str, Sequence[Item]],
        *,
        is_sample: bool,
    ) -> None:
        self._draw, self._chance, self._origin = draw, chance, origin
        self._is_sample = is_sample
        self._invented = count(1)
        self._harmful = {profile: self._shuffled(pages) for profile, pages in harmful.items()}
        self._ordinary = {profile: self._shuffled(pages) for profile, pages in ordinary.items()}

    def page(self, kind: PageKind, profile: str) -> Item:
        """Draw a page; an ordinary one has a path that nobody asked for before."""
        if kind == "harmful":
            return unmarked_item(next(self._harmful[profile]), self._origin)
        draw = f"{self._draw} {next(self._invented)}"
        host = invented_host(draw)
        invented = Item(id=host, value=host, labels=("CTRL",), kind="host")
        page = next(self._ordinary[profile]) if self._ordinary else invented
        page = replace(page, value=f"http://{page.host}/{invented_path(draw)}", kind="url")
        return unmarked_item(page, self._origin)

    def _shuffled(self, items: Sequence[Item]) -> Iterator[Item]:
        """Yield all pages in random order, again and again; or a sample in the same order."""
        sample = self._chance.sample(list(items), min(SAMPLE, len(items)))
        while True:
            yield from sample
            if not self._is_sample:
                sample = self._chance.sample(list(items), len(items))


def unmarked_item(item: Item, origin: Origin) -> Item:
    """Return an item under its plain twin's name, if it is on the origin; else as it is."""
    return origin.twin_of(at_home(item, origin)) or item


def checking_probe(
    campaign: Campaign, line: LineDeclaration, probes: Mapping[str, Probe]
) -> Literal["web", "dns"]:
    """Return the probe that checks a line: ``dns`` where the service answers for names alone."""
    return "dns" if probe_for(campaign, line, probes) == NAMES else "web"


def _beside_life(seen: Observation, answered: Collection[str]) -> Observation:
    """Add whether an ordinary page came just before, which tells a block from a dead line.

    ``answered`` are the lines on which one did.
    """
    is_alive = seen.key.line in answered
    beats = Heartbeats(answered=int(is_alive), late=int(not is_alive))
    return replace(seen, heartbeats=beats)
