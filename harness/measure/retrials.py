"""Retry silent and blocked items, try concurrent users and plain twins, after all other batches.

The origin is asked what reached it by techniques, too.

The empty batch ``DONE`` says that all retrials are made. The batches of retrials have numbers above
it; they are written as the retrials are made.
"""

from __future__ import annotations

import asyncio
from asyncio import to_thread
from collections.abc import Iterable
from contextlib import AsyncExitStack

from harness.measure.arrival_records import ArrivalRecords
from harness.measure.batch_plan import RetrialBatches, missing_batches
from harness.measure.blocked_retrials import BlockedRetrials
from harness.measure.concurrent_users import ConcurrentUserRun
from harness.measure.measurement_context import MeasurementContext
from harness.measure.plain_twins import PlainTwinRun
from harness.measure.progress import ProgressCounter
from harness.measure.repeated_attempts import in_batches
from harness.measure.silence_retrials import SilenceRetrials
from harness.model.campaign import Campaign
from harness.model.observation import Observation
from harness.model.plain_twin import DONE
from harness.ports.corpora import Items
from harness.ports.judging import JudgeBatch
from harness.ports.storage import Journal


class Retrials:
    """What is retried during a campaign and at its end; then concurrent users and plain twins."""

    def __init__(
        self,
        campaign: Campaign,
        items: Items,
        context: MeasurementContext,
        journal: Journal,
        judge_trials: JudgeBatch,
    ) -> None:
        self._campaign, self._items, self._journal = campaign, items, journal
        self._held, self._passed_items = journal.batches(), context.passed_items
        self._batches = RetrialBatches(journal, campaign.limits.batch)
        self._patient = SilenceRetrials(campaign, context, self._batches)
        self._blocked = BlockedRetrials(campaign, context, self._batches, judge_trials)
        self._users = ConcurrentUserRun(campaign, context, journal, judge_trials)
        self._twins = PlainTwinRun(campaign, context, journal, judge_trials)
        self._arrivals = ArrivalRecords(context, self._batches)

    async def open(self, stack: AsyncExitStack) -> None:
        """Process what a resumed journal holds; ``stack`` ends the retrials."""
        stack.push_async_callback(self._patient.close)
        stack.push_async_callback(self._blocked.close)
        if self._held and DONE not in self._held:
            await to_thread(self._note_what_was_made)
            for batch in in_batches(self._journal.observations()):
                seen = list(batch)
                self._passed_items.add_batch(seen)
                await self.add_batch(seen)

    def _note_what_was_made(self) -> None:
        for batch in in_batches(self._journal.sentinels()):
            before = list(batch)
            self._patient.resume_from(before)
            self._blocked.resume_from(before)
            self._users.resume_from(before)
            self._twins.resume_from(before)
            self._arrivals.resume_from(before)

    async def add_batch(self, observations: Iterable[Observation]) -> None:
        """Choose what of a batch is to be retried."""
        observations = list(observations)
        self._patient.add_batch(observations)
        self._twins.add_batch(observations)
        self._arrivals.add_batch(observations)
        await self._users.add_batch(observations)
        await self._blocked.add_batch(observations)
        await self._batches.write_full()

    async def finish(self, progress_counter: ProgressCounter | None = None) -> None:
        """Make the retrials that are left, try concurrent users and the plain twins."""
        held = self._journal.observations
        await asyncio.gather(self._patient.finish(held), self._blocked.finish(held))
        await self._arrivals.finish()
        await self._batches.finish()
        await self._users.finish(progress_counter)
        await self._twins.finish(progress_counter)

    def seal(self) -> None:
        """Note that all retrials are made, once nothing is left to be measured."""
        batches = self._journal.batches()
        left = missing_batches(self._campaign, self._items, batches)
        if DONE not in batches and not any(left):
            self._journal.append(DONE, ())
            self._journal.seal()
