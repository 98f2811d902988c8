"""Repeat confirmed silences with the longest timeout (``SilenceRetrials``).

What stayed silent is written when it is known whether another item of its group was answered, for
then it is repeated under the same key. Until then it is kept in memory; it is a sample.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from harness.measure.attempts import (
    AttemptOptions,
    PlannedAttempt,
    heartbeat_loop_at,
    line_traffic,
)
from harness.measure.batch_plan import RetrialBatches, most_at_once
from harness.measure.event_loop import BoundedTasks
from harness.measure.heartbeats import HeartbeatLoop
from harness.measure.measurement_context import MeasurementContext
from harness.measure.repeated_attempts import attempt_within_limits, in_batches, is_filter_off
from harness.model.campaign import Campaign
from harness.model.observation import CONTROL, AttemptKey, Observation
from harness.model.plain_twin import DOUBTED_TURN, SAMPLE, Group, group_of, key_again
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import has_answer, is_silent

PATIENT_ATTEMPTS = range(1, 3)
"""Turns of an item with the longest timeout: repeated until heartbeats are answered beside it."""


DOUBTED_ATTEMPTS = range(DOUBTED_TURN, DOUBTED_TURN + 2)
"""Turns of a silent item where another one was answered: it must stay silent each time."""


PATIENCE: Final = "patience"


class SilenceRetrials:
    """Repeat confirmed silences with the longest timeout; the results go to ``batches``."""

    def __init__(
        self, campaign: Campaign, context: MeasurementContext, batches: RetrialBatches
    ) -> None:
        self._campaign, self._context, self._batches = campaign, context, batches
        self._place = ordering(campaign.seed)
        self._drawn: defaultdict[Group, Smallest[str]]
        self._drawn = defaultdict(lambda: Smallest(SAMPLE))
        self._tried: set[tuple[AttemptKey, bool]] = set()
        self._final: set[AttemptKey] = set()
        self._answered: set[Group] = set()
        self._tasks = BoundedTasks(most_at_once(campaign.limits))
        self._silent: dict[AttemptKey, Observation] = {}

    def resume_from(self, observations: Iterable[Observation]) -> None:
        """Note what was repeated with the longest timeout before."""
        for observation in observations:
            if observation.role == "retry" and observation.look == PATIENCE:
                self._tried.add((observation.key, False))
                self._note(observation)

    def add_batch(self, observations: Iterable[Observation]) -> None:
        """Begin to repeat the silences of a batch that are drawn."""
        silences = [
            (self._place(observation.item.id), observation)
            for observation in confirmed_silences(observations)
        ]
        for place, observation in silences:
            self._drawn[group_of(observation.key)].offer(place, observation.item.id)
        drawn = {(group, place) for group, of in self._drawn.items() for place, _ in of.kept()}
        for place, observation in silences:
            if (group_of(observation.key), place) in drawn:
                self._begin(observation)

    async def finish(self, held: Callable[[], Iterable[Observation]]) -> None:
        """Wait for all; repeat all silences of a group in which one was answered.

        ``held`` gives all observations of the journal.
        """
        await self._tasks.wait()
        doubted: set[Group] = set()
        while self._answered - doubted:
            doubted |= self._answered
            for batch in in_batches(held()):
                for observation in confirmed_silences(batch):
                    if group_of(observation.key) in doubted:
                        self._begin(observation, is_doubted=True)
                        await self._tasks.room()
                        await self._batches.write_full()
            await self._tasks.wait()
        for observation in self._silent.values():
            self._batches.add(observation)
        self._silent.clear()

    async def close(self) -> None:
        """Cancel what is still waiting."""
        await self._tasks.close()

    def _begin(self, observation: Observation, *, is_doubted: bool = False) -> None:
        key = key_again(observation.key, PATIENCE)
        if (key, is_doubted) in self._tried:
            return
        self._tried.add((key, is_doubted))
        number = self._batches.number
        planned = PlannedAttempt(key=key, item=observation.item, role="retry", batch=number)
        heartbeat_loop = heartbeat_loop_at(planned.target, self._campaign, self._context)
        if heartbeat_loop is not None:
            self._batches.join(heartbeat_loop)
        self._tasks.start(self._retry(planned, heartbeat_loop, is_doubted=is_doubted))

    async def _retry(
        self, planned: PlannedAttempt, heartbeat_loop: HeartbeatLoop | None, *, is_doubted: bool
    ) -> None:
        if heartbeat_loop is not None:
            # not known yet, if nothing was left to measure
            await heartbeat_loop.measure(self._batches.number)
        if not is_doubted:
            result = await self._retry_silence(planned)
            if is_silent(result):
                self._silent[planned.key] = result
            else:
                self._batches.add(result)
        elif planned.key not in self._final:
            self._batches.add(await self._retry_doubted(planned))
            self._silent.pop(planned.key, None)

    async def _retry_silence(self, planned: PlannedAttempt) -> Observation:
        traffic = line_traffic(planned.key.line, self._campaign.limits, self._context)
        for turn in PATIENT_ATTEMPTS:
            result = await self._attempt_once(planned, turn)
            beats = result.heartbeats
            if not is_silent(result) or beats is None or beats.shows_life or traffic.is_dead:
                break
        return result

    async def _retry_doubted(self, planned: PlannedAttempt) -> Observation:
        for turn in DOUBTED_ATTEMPTS:
            result = await self._attempt_once(planned, turn)
            if not is_silent(result):
                break
        return result

    async def _attempt_once(self, planned: PlannedAttempt, turn: int) -> Observation:
        limits = self._campaign.limits
        options = AttemptOptions(look=PATIENCE, patience=limits.longest_patience, turn=turn)
        result = await attempt_within_limits(planned, options, limits, self._context)
        if not is_silent(result):
            is_off = await is_filter_off(planned, options, self._campaign, self._context)
            result = replace(result, filter_off=is_off)
        self._note(result)
        return result

    def _note(self, result: Observation) -> None:
        self._tried.add((result.key, result.tries >= DOUBTED_TURN))
        if not is_silent(result):
            self._final.add(result.key)
        if has_answer(result) and not result.filter_off:
            self._answered.add(group_of(result.key))


def confirmed_silences(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The items that stayed silent although heartbeats and the control were answered."""
    items = [observation for observation in observations if observation.role == "item"]
    answered = {
        observation.key
        for observation in items
        if observation.key.line == CONTROL and observation.failure is None
    }
    for observation in items:
        key = observation.key
        alive = observation.heartbeats is not None and observation.heartbeats.shows_life
        is_quiet = key.line != CONTROL and is_silent(observation) and alive
        if is_quiet and key.on(CONTROL) in answered:
            yield observation
