"""Let users of one address try items at the same time (POL-05).

Drawn are items that were blocked for one user of a line and open for another. In the first turn one
user after the other tries them all, with as many requests at once as all users later make together,
so that an overloaded service is not taken for one that confuses users. In the others all users try
them at once, each turn shifted, so that they ask for the same item and for different ones. The
turns follow the retrials, one batch each.
"""

from __future__ import annotations

import asyncio
import random
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from harness.measure.attempts import AttemptOptions, PlannedAttempt, item_of, sentinels_for
from harness.measure.measurement_context import MeasurementContext
from harness.measure.progress import ProgressCounter
from harness.measure.repeated_attempts import attempt_within_limits, is_filter_off
from harness.model.batch import turn_of
from harness.model.campaign import Campaign
from harness.model.content_form import form_of
from harness.model.corpus import Item
from harness.model.observation import CONTROL, AttemptKey, Look, Observation
from harness.model.plain_twin import next_number
from harness.model.sampler import Smallest, ordering
from harness.model.user import ALONE_TURN, MOST_TURNS, ROUND, LineUser
from harness.model.verdict import State, is_answer, is_silent, is_trouble
from harness.ports.judging import JudgeBatch
from harness.ports.network import Line
from harness.ports.storage import Journal

REPEATS = 2
"""How often an attempt that was silent or cut off is made again, with those of the other users."""

SPARE_TURNS = 1
"""Further turns, because some requests are over before that of another user begins."""


class UsersOfLine(NamedTuple):
    """Profiles of a line that share a path through the service, and a probe."""

    line: str
    profiles: tuple[str, ...]
    probe: str


class _Drawn(NamedTuple):
    """An item that is tried, and the profiles for which it was blocked."""

    item: Item
    blocked: frozenset[str]


class _Plan(NamedTuple):
    """The items that some users try, and the last turn in which they do."""

    users: UsersOfLine
    items: list[Item]
    turns: int


class ConcurrentUserRun:
    """Draw items during a campaign, and let the users of each address try them at its end."""

    def __init__(
        self,
        campaign: Campaign,
        context: MeasurementContext,
        journal: Journal,
        judge_trials: JudgeBatch,
    ) -> None:
        self._campaign, self._context, self._journal = campaign, context, journal
        self._judge_trials = judge_trials
        self._order = ordering(f"concurrent users of {campaign.seed}")
        self._chance = random.Random(f"turns of users of {campaign.seed}")  # noqa: S311 - no secret
        self._users = (
            tuple(users_of_lines(campaign, context.lines))
            if campaign.concurrent_users.events
            else ()
        )
        most = campaign.concurrent_users.items
        self._drawn: dict[UsersOfLine, Smallest[_Drawn]] = {
            one: Smallest(most) for one in self._users
        }
        self._states: defaultdict[tuple[UsersOfLine, str], dict[str, State]] = defaultdict(dict)
        self._blocked: set[tuple[str, str, str, str]] = set()
        self._done: set[tuple[str, str, str, int]] = set()

    def resume_from(self, observations: Iterable[Observation]) -> None:
        """Note which turns were made before."""
        self._done |= {_turn_of(one.key) for one in observations if one.role == "user"}

    async def add_batch(self, observations: Iterable[Observation]) -> None:
        """Draw from the items of a batch."""
        if not self._users:
            return
        seen = [one for one in observations if one.role == "item"]
        for verdict in await to_thread(self._judge_trials, seen):
            key = verdict.key
            if turn_of(key.round) != 1 or form_of(verdict.item.stratum) is not None:
                continue
            for users in self._users:
                if (users.line, users.probe) == (key.line, key.probe):
                    self._note(users, key.profile, verdict.item, verdict.state)

    def _note(self, users: UsersOfLine, profile: str, item: Item, state: State) -> None:
        if profile not in users.profiles:
            return
        states = self._states[users, item.id]
        states[profile] = state
        if len(states) == len(users.profiles):
            del self._states[users, item.id]
            if {State.BLOCKED, State.ALLOWED} <= set(states.values()):
                blocked = (name for name, one in states.items() if one is State.BLOCKED)
                drawn = _Drawn(item, frozenset(blocked))
                self._drawn[users].offer(self._order(item.id), drawn)

    async def finish(self, progress_counter: ProgressCounter | None = None) -> None:
        """Make all turns, one line after the other."""
        for plan in list(self._plans()):
            for turn in range(ALONE_TURN, plan.turns + 1):
                users = plan.users
                if {(users.line, users.probe, one, turn) for one in users.profiles} <= self._done:
                    continue
                number = next_number(self._journal.batches())
                seen = await self._make_turn(plan, turn, number)
                await to_thread(self._journal.append, number, seen)
                if progress_counter is not None:
                    progress_counter.expect(len(seen))
                    progress_counter.count(seen)

    def _plans(self) -> Iterator[_Plan]:
        drawn = {
            users: [one for _, one in smallest.kept()] for users, smallest in self._drawn.items()
        }
        found = {users: some for users, some in drawn.items() if some}
        for users, some in found.items():
            items = [one.item for one in some]
            self._blocked |= {
                (users.line, users.probe, profile, one.item.id)
                for one in some
                for profile in one.blocked
            }
            probes = sum(other.line == users.line for other in found)
            events = -(-self._campaign.concurrent_users.events // probes)
            turns = -(-events // (len(items) * len(users.profiles)))
            yield _Plan(users, items, min(ALONE_TURN + turns + SPARE_TURNS, MOST_TURNS))

    async def _make_turn(self, plan: _Plan, turn: int, number: int) -> list[Observation]:
        """Let all users try all items in one turn; the control is visited once for each item."""
        users, items = plan.users, plan.items
        control = users.profiles[0]
        controls = [self._planned(users, CONTROL, control, one, turn, number) for one in items]
        seen = await self._try_at_once(controls, "first")
        if turn == ALONE_TURN:
            for profile in users.profiles:
                await self._greet(users, profile)
                tries = [
                    self._planned(users, users.line, profile, one, again, number)
                    for one in items
                    for again in _alone_turns(users)
                ]
                seen += await self._try_at_once(tries, "alone")
            return seen
        seen += await self._try_at_once(list(self._mixed(plan, turn, number)), "first")
        return seen

    def _mixed(self, plan: _Plan, turn: int, number: int) -> Iterator[PlannedAttempt]:
        """Yield the attempts of a turn, those of the users in between each other."""
        users, items = plan.users, plan.items
        for place in range(len(items)):
            order = list(enumerate(users.profiles))
            self._chance.shuffle(order)
            for shift, profile in order:
                item = items[(place + shift * turn) % len(items)]
                yield self._planned(users, users.line, profile, item, turn, number)

    async def _greet(self, users: UsersOfLine, profile: str) -> None:
        """Visit a must-allow sentinel as a user, so that this user is the one seen last."""
        probe = self._context.probes[users.probe]
        for _, one in sentinels_for(self._campaign, "must_allow", users.probe, probe):
            item = item_of(one, "sentinel-allow")
            await self._try(self._planned(users, users.line, profile, item, ALONE_TURN, 0), "first")
            return

    async def _try_at_once(self, tries: list[PlannedAttempt], look: Look) -> list[Observation]:
        """Make all attempts; those that were silent or cut off again, all of them together."""
        seen = await asyncio.gather(*(self._try(one, look) for one in tries))
        for _ in range(REPEATS):
            if not any(is_silent(one) or is_trouble(one) for one in seen):
                break
            again = await asyncio.gather(*(self._try(one, look) for one in tries))
            seen = [
                new if is_silent(old) or is_trouble(old) else old
                for old, new in zip(seen, again, strict=True)
            ]
        return list(seen)

    async def _try(self, planned: PlannedAttempt, look: Look) -> Observation:
        limits = self._campaign.limits
        options = AttemptOptions(look=look, patience=limits.timeout)
        seen = await attempt_within_limits(planned, options, limits, self._context)
        key = planned.key
        was_blocked = (key.line, key.probe, key.profile, key.item) in self._blocked
        if was_blocked and is_answer(seen):
            is_off = await is_filter_off(planned, options, self._campaign, self._context)
            seen = replace(seen, filter_off=is_off)
        return seen

    def _planned(
        self, users: UsersOfLine, line: str, profile: str, item: Item, turn: int, number: int
    ) -> PlannedAttempt:
        key = AttemptKey(
            campaign=self._campaign.campaign,
            item=item.id,
            probe=users.probe,
            line=line,
            profile=profile,
            round=ROUND + turn,
        )
        return PlannedAttempt(key=key, item=item, role="user", batch=number)


def _alone_turns(users: UsersOfLine) -> Iterator[int]:
    """Yield a number for each request of a user alone: as many as all users make together."""
    yield ALONE_TURN
    yield from range(MOST_TURNS + 1, MOST_TURNS + len(users.profiles))


def user_of(line: Line) -> LineUser | None:
    """Return the line's attribute ``user``; None if its users cannot be told apart."""
    user = getattr(line, "user", None)
    return user if isinstance(user, LineUser) else None


def users_of_lines(
    campaign: Campaign, lines: Mapping[tuple[str, str], Line]
) -> Iterator[UsersOfLine]:
    """Yield the users of each address, for each probe that their line has."""
    for declared in campaign.lines:
        by_path: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for profile in campaign.profiles:
            user = user_of(lines[declared.name, profile])
            if user is not None:
                by_path[user.path].setdefault(user.name, profile)
        for names in by_path.values():
            for probe in campaign.probes_on(declared) if len(names) > 1 else ():
                yield UsersOfLine(declared.name, tuple(names.values()), probe)


def _turn_of(key: AttemptKey) -> tuple[str, str, str, int]:
    return key.line, key.probe, key.profile, key.round - ROUND
