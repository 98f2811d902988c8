"""Retry blocked items: at once, at the end, and with a second, independent client.

A service may show a block once and let the reload through, ask to *continue*, or block only the
clients it knows. Of each category, line, profile and probe the blocked items with the smallest
keyed hashes are retried (``SAMPLE``, or all). If one of them passes, all blocked items of its
group are retried. The judge counts what passes as delivered.

Of a drawn item only its key is kept; at the end its observations are read from the journal again.
"""

from __future__ import annotations

from asyncio import to_thread
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from harness.measure.attempts import (
    AttemptOptions,
    PlannedAttempt,
    make_observation,
    marker_for,
    run_attempt,
)
from harness.measure.batch_plan import RetrialBatches, most_at_once
from harness.measure.event_loop import BoundedTasks
from harness.measure.measurement_context import MeasurementContext
from harness.measure.repeated_attempts import attempt_within_limits, in_batches, is_filter_off
from harness.model.campaign import Campaign, Limits
from harness.model.corpus import Item
from harness.model.observation import CONTROL, AttemptKey, Look, Observation
from harness.model.plain_twin import SAMPLE, Group, group_of, key_again
from harness.model.sampler import Smallest, ordering
from harness.model.verdict import DELIVERED, State
from harness.ports.judging import JudgeBatch
from harness.ports.network import Attempt, address_of


async def visit(
    planned: PlannedAttempt, options: AttemptOptions, limits: Limits, context: MeasurementContext
) -> Observation:
    """Fetch an item's page once with the second client, within the limits."""
    key, item, client = planned.key, planned.item, context.second_client
    assert client is not None
    marker = marker_for(planned, options, context)
    request = Attempt(key=key, item=item, limits=limits, timeout=options.patience, marker=marker)
    url, line = address_of(context.probes[key.probe], item), context.lines[key.line, key.profile]
    async with context.rate_limits.slot(key.line, item), context.limiter:
        started = context.clock.now()
        result = await run_attempt(client.visit(request, url, line), limits.visit_patience)
    return make_observation(request, planned, options, context, result, started)


AGAIN = range(2, 4)
"""Turns in which an item that passed must pass once more while a must-block sentinel is blocked: an
item may pass just before the sentinel does while a filter is being switched on again."""

PROBED: tuple[Look, ...] = ("at_once", "at_end")


class BlockedGroup(NamedTuple):
    """The groups that blocked items are drawn from; finer than any requirement."""

    category: str
    line: str
    profile: str
    probe: str


class Blocked(NamedTuple):
    """A blocked item, with the control's observation of the same item."""

    seen: Observation
    control: Observation


class BlockedRetrials:
    """Retry the blocked items of a campaign, and give what comes of it to ``batches``."""

    def __init__(
        self,
        campaign: Campaign,
        context: MeasurementContext,
        batches: RetrialBatches,
        judge_trials: JudgeBatch,
    ) -> None:
        self._campaign, self._context, self._batches = campaign, context, batches
        self._judge = judge_trials
        self._place = ordering(campaign.seed)
        self._drawn: defaultdict[BlockedGroup, Smallest[AttemptKey]]
        self._drawn = defaultdict(lambda: Smallest(SAMPLE, unit=lambda key: key.item))
        self._before: defaultdict[BlockedGroup, dict[AttemptKey, Observation]]
        self._before = defaultdict(dict)
        self._tried: defaultdict[tuple[Group, Look], set[str]] = defaultdict(set)
        self._unusable: set[str] = set()
        self._passed: set[BlockedGroup] = set()
        self._tasks = BoundedTasks(most_at_once(campaign.limits))

    def resume_from(self, observations: Iterable[Observation]) -> None:
        """Note what was retried before."""
        for one in observations:
            if one.role == "retry" and one.look != "patience":
                self._tried[group_of(one.key), one.look].add(one.key.item)
                if not one.filter_off:  # whether it passed is judged with its control
                    self._before[blocked_group_of(one)][one.key] = one

    async def add_batch(self, observations: Iterable[Observation]) -> None:
        """Retry at once the blocked items of a batch that are drawn."""
        seen = list(observations)
        if candidates := [one for one in seen if self._may_be_drawn(one)]:
            for one in await to_thread(self._blocked_among, seen, candidates):
                key = one.seen.key
                self._drawn[blocked_group_of(one.seen)].offer(self._place(key.item), key)
                self._begin(one, "at_once")

    async def finish(self, held: Callable[[], Iterable[Observation]]) -> None:
        """Retry what is drawn at the end and with the second client; then groups of what passed.

        ``held`` gives all observations of the journal.
        """
        drawn = {key for smallest in self._drawn.values() for _, key in smallest.kept()}
        if drawn:
            await self._retry_all(held(), lambda one: one.key in drawn)
        done: set[BlockedGroup] = set()
        while self._passed - done:
            done |= self._passed
            await self._retry_all(held(), partial(_is_in, done))

    async def close(self) -> None:
        """Cancel what is still waiting."""
        await self._tasks.close()

    async def _retry_all(
        self, held: Iterable[Observation], is_wanted: Callable[[Observation], bool]
    ) -> None:
        """Retry the blocked items that are wanted, reading the journal batch by batch."""
        for batch in in_batches(held):
            seen = list(batch)
            wanted = [one for one in seen if _is_candidate(one) and is_wanted(one)]
            for one in await to_thread(self._blocked_among, seen, wanted) if wanted else ():
                for look in (*PROBED, "other_client"):
                    self._begin(one, look)
                await self._tasks.room()
                await self._batches.write_full()
        await self._tasks.wait()

    def _may_be_drawn(self, one: Observation) -> bool:
        """Whether an item may be blocked, and is among the first of its group so far."""
        if not _is_candidate(one):
            return False
        kept = self._drawn[blocked_group_of(one)].kept()
        return len(kept) < SAMPLE or self._place(one.key.item) < kept[-1][0]

    def _blocked_among(self, seen: list[Observation], wanted: list[Observation]) -> list[Blocked]:
        """Those of ``wanted`` that are judged blocked, with their controls."""
        controls = {one.key: one for one in seen if one.key.line == CONTROL}
        sentinels = [one for one in seen if one.role in ("must_allow", "must_block")]
        pairs = {
            one.key: Blocked(one, controls[one.key.on(CONTROL)])
            for one in wanted
            if one.key.on(CONTROL) in controls
        }
        trials = [each for pair in pairs.values() for each in pair]
        verdicts = self._judge([*sentinels, *trials])
        return [pairs[one.key] for one in verdicts if one.state is State.BLOCKED]

    def _begin(self, one: Blocked, kind: Look) -> None:
        key, tried = one.seen.key, self._tried[group_of(one.seen.key), kind]
        group = blocked_group_of(one.seen)
        if key.item in tried:
            again = self._before[group].get(key_again(key, kind))
            if again is not None and self._has_passed(one, again):
                self._note_passed(group)
            return
        if kind == "other_client" and not self._can_visit(one.seen):
            return
        tried.add(key.item)
        self._tasks.start(self._try_again(one, kind))

    def _note_passed(self, group: BlockedGroup) -> None:
        self._passed.add(group)
        self._before.pop(group, None)

    def _can_visit(self, seen: Observation) -> bool:
        """Whether the second client can fetch the page; a line it cannot use is noted once."""
        client, key = self._context.second_client, seen.key
        if client is None or not address_of(self._context.probes[key.probe], seen.item):
            return False
        is_usable = client.can_use(self._context.lines[key.line, key.profile])
        is_noted = key.line in self._unusable
        self._unusable |= set() if is_usable else {key.line}
        return is_usable or not is_noted

    async def _try_again(self, one: Blocked, kind: Look) -> None:
        key = key_again(one.seen.key, kind)
        number = self._batches.number
        planned = PlannedAttempt(key=key, item=one.seen.item, role="retry", batch=number)
        again, is_off = await self._attempt(one, planned, kind, 1)
        passed = self._has_passed(one, again)
        for turn in AGAIN if passed and not is_off else ():
            later, is_off = await self._attempt(one, planned, kind, turn)
            if self._has_passed(one, later) and not is_off:
                break
            is_off = True  # unless it passes again, the filter was on its way back
        self._batches.add(replace(again, filter_off=passed and is_off))
        if passed and not is_off:
            self._note_passed(blocked_group_of(one.seen))

    async def _attempt(
        self, one: Blocked, planned: PlannedAttempt, kind: Look, turn: int
    ) -> tuple[Observation, bool]:
        """Make one attempt; return it, and whether the filter was off if it passed."""
        limits = self._campaign.limits
        if kind == "other_client":
            options = AttemptOptions(look=kind, patience=limits.confirmation_timeout, turn=turn)
            again = await visit(planned, options, limits, self._context)
        else:
            options = AttemptOptions(look=kind, patience=limits.timeout, turn=turn)
            again = await attempt_within_limits(planned, options, limits, self._context)
        passed = self._has_passed(one, again)
        return again, passed and await is_filter_off(
            planned, options, self._campaign, self._context
        )

    def _has_passed(self, one: Blocked, again: Observation) -> bool:
        as_item = replace(again, key=one.seen.key, role="item", batch=one.control.batch)
        verdicts = self._judge([one.control, as_item])
        return any(verdict.state in DELIVERED for verdict in verdicts)


def blocked_group_of(one: Observation) -> BlockedGroup:
    """Return the group of a blocked item."""
    return blocked_group(one.key, one.item)


def _is_in(groups: set[BlockedGroup], one: Observation) -> bool:
    return blocked_group_of(one) in groups


def blocked_group(key: AttemptKey, item: Item) -> BlockedGroup:
    """Return the group of an item that is blocked under ``key``."""
    return BlockedGroup(category=item.category, line=key.line, profile=key.profile, probe=key.probe)


def most_retrials(items: int, *, is_page: bool) -> int:
    """Return the most retrials of a group of blocked items, if none of them passes.

    A page is visited with the second client too. Items that are blocked in the order of their
    hashes are all retried at once, and the last SAMPLE of them at the end.
    """
    return items + min(SAMPLE, items) * (2 if is_page else 1)


def _is_candidate(one: Observation) -> bool:
    """Whether this is an item tried through the service whose token did not arrive."""
    facts = one.facts
    came = getattr(facts, "canary", "") == "seen"
    return one.role == "item" and one.key.line != CONTROL and not came
