"""Check many times a second while a device starts, wakes up or changes its network.

Each check tries an ordinary page and one that must be blocked at the same time, on the control and
on each line. Checks overlap: one that waits for an answer while there is no network does not delay
the next ones. The pages are as in checks of availability: without a mark, and the harmful ones a
sample that stays the same during a test.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import to_thread
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from harness.errors import UnfinishedError
from harness.measure.attempts import AttemptOptions, PlannedAttempt, attempt
from harness.measure.availability_checks import (
    SAMPLE,
    DrawnPages,
    Pause,
    checking_probe,
    key_of_check,
)
from harness.measure.event_loop import BoundedTasks
from harness.measure.machine_watch import MachineWatch
from harness.measure.measurement_context import MeasurementContext
from harness.model.availability import PageKind, as_checked
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.plain_twin import next_number
from harness.model.timed_event import EventNote
from harness.model.verdict import is_answer
from harness.ports.storage import Journal

AT_ONCE = 50
"""The most checks that wait for answers at the same time."""
PATIENCE = 2.0
"""The most seconds that an attempt waits."""
TOGETHER = 20
"""How many checks are written to the journal at once."""
WRITES = 4
"""The most batches that wait to be written."""
EACH_BEFORE = 2
"""How often each harmful page is tried before a moment, so that one lost packet is no block."""
KINDS: tuple[PageKind, ...] = ("ordinary", "harmful")


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentRun:
    """One test of a moment: its number, how often is checked, and how long (in seconds).

    Time in which the device sleeps does not count. ``harmful`` and ``ordinary`` are pages for each
    profile, as in checks of availability; ``test`` names the moment, before it happens.
    ``is_from_start``: it happens from the first check on. With ``at_once`` 1 no checks overlap.
    """

    number: int
    every: float
    lasts: float
    harmful: Mapping[str, Sequence[Item]]
    ordinary: Mapping[str, Sequence[Item]]
    test: EventNote
    at_once: int = AT_ONCE

    @property
    def is_from_start(self) -> bool:
        """Whether there is no time before the moment."""
        return self.test.name == "start"

    @property
    def checks_before(self) -> int:
        """How many checks are made before the moment."""
        if self.is_from_start:
            return 0
        return EACH_BEFORE * max(min(SAMPLE, len(one)) for one in self.harmful.values())

    @property
    def checks(self) -> int:
        """How many checks are made in all."""
        return max(1, round(self.lasts / self.every))


class MomentChecker:
    """Makes the checks of a test of a moment, and writes them to the journal.

    ``announce`` is called when the moment has to be caused. ``without_pages`` counts, by line,
    the checks in which no ordinary page came.
    """

    def __init__(
        self,
        campaign: Campaign,
        context: MeasurementContext,
        journal: Journal,
        run: MomentRun,
        announce: Callable[[], None],
    ) -> None:
        assert context.origin is not None
        self._campaign, self._context, self._run = campaign, context, run
        self._journal, self._announce, self._note = journal, announce, run.test
        draw = f"moment {campaign.seed} {context.run} {run.number}"
        self._chance = random.Random(draw)  # noqa: S311 - no secret
        self._drawn = DrawnPages(
            draw, self._chance, context.origin, run.harmful, run.ordinary, is_sample=True
        )
        patience = min(PATIENCE, campaign.limits.timeout)
        self._options = AttemptOptions(look="alone", patience=patience)
        self._first_batch = next_number(journal.batches())
        self._held: defaultdict[int, list[Observation]] = defaultdict(list)
        self._watches: dict[int, MachineWatch] = {}
        self._under_way: Counter[int] = Counter()
        self._up: set[str] = set()
        self.without_pages: Counter[str] = Counter()

    async def make(self, pause: Pause) -> int:
        """Make the checks, each a random short time after the one before; returns their number.

        Everything that was seen is written, also if this is cancelled. Raises UnfinishedError if
        the service does not work before the moment was to be caused.
        """
        run, number = self._run, 0
        checks, writing = BoundedTasks(run.at_once), BoundedTasks(WRITES)
        if run.is_from_start:
            self._begin()
        try:
            while number < run.checks:
                await pause(self._chance.uniform(0.5, 1.5) * run.every)
                number += 1
                self._begin_check(self._batch_of(number))
                checks.start(self._check(number))
                await checks.room()
                if number == run.checks_before:
                    await checks.wait()
                    self._require_up()
                    self._begin()
                for batch in self._ended(before=self._batch_of(number)):
                    writing.start(self._write(batch, self._held.pop(batch)))
                await writing.room()
            await checks.wait()
        finally:
            await checks.close()
            try:
                await writing.wait()
            finally:
                for batch in sorted(self._held):
                    self._journal.append(batch, self._recorded(batch, self._held[batch]))
        return number

    def _begin(self) -> None:
        self._announce()
        self._note = replace(self._note, at=self._context.clock.now())

    def _require_up(self) -> None:
        if dead := sorted({one.name for one in self._campaign.lines} - self._up):
            msg = (
                f"no ordinary page comes on {', '.join(dead)} before the moment; nothing could be "
                "seen of it: get the service working, then begin again"
            )
            raise UnfinishedError(msg)

    def _batch_of(self, number: int) -> int:
        return self._first_batch + (number - 1) // TOGETHER

    def _ended(self, before: int) -> list[int]:
        """Batches below a number of which every check has ended."""
        return [one for one in sorted(self._held) if one < before and not self._under_way[one]]

    async def _write(self, batch: int, seen: list[Observation]) -> None:
        await to_thread(self._journal.append, batch, self._recorded(batch, seen))

    def _begin_check(self, batch: int) -> None:
        if batch not in self._watches:
            self._watches[batch] = MachineWatch(self._context, "checks")
        self._under_way[batch] += 1

    def _recorded(self, batch: int, seen: list[Observation]) -> list[Observation]:
        return self._watches.pop(batch).recorded(self._campaign, batch, "*", seen)

    async def _check(self, number: int) -> None:
        """Make one check: all pages everywhere at the same time."""
        batch, note = self._batch_of(number), self._note
        tries = []
        for profile in self._campaign.profiles:
            pages = {
                kind: as_checked(self._drawn.page(kind, profile), number, kind, 1) for kind in KINDS
            }
            lines: defaultdict[str, list[str]] = defaultdict(list)
            for line in self._campaign.lines:
                probe = checking_probe(self._campaign, line, self._context.probes)
                lines[probe].append(line.name)
            tries += [
                self._try(
                    page,
                    kind,
                    key_of_check(self._campaign, page, probe, line, profile, self._run.number),
                    batch,
                    note,
                )
                for probe, names in lines.items()
                for line in (CONTROL, *names)
                for kind, page in pages.items()
            ]
        try:
            await asyncio.gather(*tries)
        finally:
            self._under_way[batch] -= 1

    async def _try(
        self, item: Item, kind: PageKind, key: AttemptKey, batch: int, note: EventNote
    ) -> None:
        """Try one page once, and hold what was seen until its batch is written."""
        planned = PlannedAttempt(key=key, item=item, role="availability", batch=batch)
        seen = await attempt(planned, self._options, self._campaign.limits, self._context)
        self._held[batch].append(replace(seen, event=note))
        if kind == "ordinary" and key.line != CONTROL:
            if is_answer(seen):
                self._up.add(key.line)
            else:
                self.without_pages[key.line] += 1
