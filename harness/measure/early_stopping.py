"""Stop trying items whose result is decided, by the ``stopping`` plans of a campaign.

A decision uses batches 1 to k only, whatever finished out of order after them. So it does not
depend on speed, and a resumed campaign decides the same. Each batch is judged by itself, with what
its own sentinels taught. A void batch leaves its items undecided; a decision holds whichever way
they would have come out. A stop is written into the journal before any batch that depends on it. It
takes effect from a batch of which nothing was planned: an item is tried in all ways or in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, groupby

from harness.model.batch import Batch, count_batches, ways
from harness.model.campaign import Campaign, Stop
from harness.model.corpus import is_among
from harness.model.observation import Observation
from harness.model.verdict import Verdict
from harness.ports.corpora import Items
from harness.ports.judging import JudgeBatch, MayStop
from harness.ports.storage import Journal


class EarlyStopping:
    """Write batches to the journal, and leave stopped items out of later ones.

    Without plans nothing is stopped.
    """

    def __init__(
        self,
        campaign: Campaign,
        items: Items,
        journal: Journal,
        judge_batch: JudgeBatch,
        may_stop: MayStop,
    ) -> None:
        self._campaign, self._items, self._journal = campaign, items, journal
        self._judge_batch, self._may_stop = judge_batch, may_stop
        self._plans = campaign.stopping.plans if campaign.stopping else ()
        self._ways = ways(campaign)
        self._total = count_batches(campaign, len(items))
        self._stops: dict[tuple[int, str], Stop] = {}
        self._waiting: dict[int, dict[int, tuple[Verdict, ...]]] = {}
        self._block = 0
        self._latest = 0
        self._skipped: list[int] = []
        self._spared = 0
        if self._plans:
            self._resume()

    def without_stopped(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The batches without stopped items; an empty batch is written to the journal untried."""
        for batch in batches:
            number = (batch.number - 1) % self._total + 1  # of the first trial, if it is another
            codes = [
                code
                for stop in self._stops.values()
                if stop.profile == batch.way.profile and stop.batch <= number
                for code in stop.categories
            ]
            kept = tuple(item for item in batch.items if not is_among(item.category, codes))
            self._latest = max(self._latest, number)
            if kept or not batch.items:
                yield replace(batch, items=kept)
            else:
                self._skipped.append(batch.number)

    def store_batch(self, batch: int, observations: list[Observation]) -> int:
        """Write a finished batch to the journal; return how many attempts its decisions save."""
        self._journal.append(batch, observations)
        if self._plans:
            self._add_batch(batch, observations)
            self._flush()
        spared, self._spared = self._spared, 0
        return spared

    def seal(self) -> None:
        """Seal the journal once every batch was tried or skipped."""
        self._flush()
        self._journal.seal()

    def _resume(self) -> None:
        """Process the batches in the journal as if they were measured now."""
        self._stops = {(stop.plan, stop.profile): stop for stop in self._journal.stops()}
        self._spared = sum(stop.attempts for stop in self._stops.values())
        held = {number for number in self._journal.batches() if number <= self._total}
        self._latest = max(held, default=0)
        for number, batch_observations in groupby(
            self._journal.observations(), lambda observation: observation.batch
        ):
            held.discard(number)
            self._add_batch(number, list(batch_observations))
        for number in held:
            self._add_batch(number, [])

    def _flush(self) -> None:
        skipped, self._skipped = self._skipped, []
        for number in skipped:
            self._journal.append(number, ())
            self._add_batch(number, [])

    def _add_batch(self, number: int, observations: list[Observation]) -> None:
        """Judge one batch by itself; decide as far as batches are complete from the first."""
        if number > self._total:
            return
        block = (number - 1) // len(self._ways)
        self._waiting.setdefault(block, {})[number] = self._judged(observations)
        while len(self._waiting.get(self._block, ())) == len(self._ways):
            self._advance(self._waiting.pop(self._block))
            self._block += 1

    def _judged(self, observations: list[Observation]) -> tuple[Verdict, ...]:
        codes = [code for plan in self._plans for code in plan.categories]
        wanted = [
            observation
            for observation in observations
            if observation.role != "item" or is_among(observation.item.category, codes)
        ]
        return tuple(self._judge_batch(wanted))

    def _advance(self, judged: dict[int, tuple[Verdict, ...]]) -> None:
        self._may_stop.see(chain(*judged.values()))
        for decided in self._may_stop.decisions():
            if (decided.plan, decided.profile) not in self._stops:
                self._stop(decided.plan, decided.profile, dict(decided.after))

    def _stop(self, number: int, profile: str, after: dict[str, int]) -> None:
        """Write down that a plan is decided for a profile, if any attempt is left to be saved."""
        categories = self._plans[number - 1].categories
        turns = len(self._ways)
        block = -(-self._latest // turns)
        left = self._items.starting_at(block * self._campaign.limits.batch)
        untried = sum(bool(item.value) and is_among(item.category, categories) for item in left)
        if not untried:
            return
        width = sum(1 + len(way.lines) for way in self._ways if way.profile == profile)
        stop = Stop(
            plan=number,
            categories=categories,
            profile=profile,
            after=after,
            settled=(self._block + 1) * turns,
            batch=block * turns + 1,
            untried=untried,
            attempts=untried * width,
        )
        self._journal.stop(stop)
        self._stops[number, profile] = stop
        self._spared += stop.attempts
