"""Items one by one: what all their trials say together, for a test that reads them in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from harness.model.batch import turn_of
from harness.model.corpus import Item
from harness.model.outcome_group import OPEN, is_blind
from harness.model.verdict import BRACKET_FAILED, NOTED_PROBES, State, Verdict

Ending = Literal["blocked", "missed", "doubtful", "none"]


@dataclass(slots=True, kw_only=True)
class Trials:
    """One item on one line for one profile: the states that each probe found in each round.

    ``void`` are the probes and rounds whose batch was void, ``open`` those that decided nothing,
    with what they found; a later trial makes up for either.
    """

    item: Item
    seen: set[tuple[str, int, State]] = field(default_factory=set)
    void: set[tuple[str, int]] = field(default_factory=set)
    open: set[tuple[str, int, State]] = field(default_factory=set)

    def add(self, verdict: Verdict) -> None:
        """Take one more verdict into account."""
        probe, turn = verdict.key.probe, turn_of(verdict.key.round)
        if verdict.rule == BRACKET_FAILED:
            self.void.add((probe, turn))
        elif verdict.state in OPEN:
            self.open.add((probe, turn, verdict.state))
        else:
            self.seen.add((probe, turn, verdict.state))

    @property
    def probes(self) -> set[str]:
        """The probes that tried it."""
        return {probe for probe, _, _ in self.seen | self.open} | {probe for probe, _ in self.void}

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """The states that the named probes found, or all of them."""
        decided = {(probe, turn) for probe, turn, _ in self.seen}
        open_ = {one for one in self.open if one[:2] not in decided}
        found = {state for probe, _, state in self.seen | open_ if not probes or probe in probes}
        unseen = self.void - decided - {one[:2] for one in self.open}
        if any(not probes or probe in probes for probe, _ in unseen):
            found.add(State.INSUFFICIENT)
        return found

    def ending(self, probes: Collection[str] = ()) -> Ending:
        """How it ended, as the block rate counts it; of the named probes, or of all.

        One way in is a miss; a block must be whole; an item that was dead on the control as
        well, or that nobody could see, says nothing.
        """
        states = self.states(probes)
        if State.ALLOWED in states:
            return "missed"
        if states & {State.INSUFFICIENT, State.ALTERED}:
            return "doubtful"
        return "blocked" if State.BLOCKED in states else "none"


def trials_by_place(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], tuple[Trials, ...]]:
    """The items by line and profile; verdicts of probes that cannot see it are set aside."""
    places: defaultdict[tuple[str, str], dict[str, Trials]] = defaultdict(dict)
    for verdict in verdicts:
        key, item = verdict.key, verdict.item
        if key.probe not in NOTED_PROBES and not is_blind(key.probe, item):
            items = places[key.line, key.profile]
            items.setdefault(item.id, Trials(item=item)).add(verdict)
    return {place: tuple(items.values()) for place, items in places.items()}
