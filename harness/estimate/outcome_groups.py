"""Sorts fates: the unit of counting is the item, not the trial.

An item counts as blocked only if every probe and every round found it blocked, and as missed
if any of them got through: a pupil needs only one way in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

from harness.model.corpus import frame_of
from harness.model.outcome_group import Adverse, Counts, OutcomeGroup, ProbeState, UnseenTrials
from harness.model.verdict import Mechanism, State

CombinedState = Literal["adverse", "favourable", "indeterminate", "down", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """How the items of one fate fared for one profile: what each probe found, in order."""

    group: OutcomeGroup
    profile: str
    probe_states: tuple[ProbeState, ...]

    @property
    def items(self) -> int:
        """How many items they are."""
        return self.group.items

    @property
    def category(self) -> str:
        """The primary taxonomy code of them all."""
        return self.group.category

    @property
    def frame(self) -> str:
        """The frame that they were drawn from; empty where items count alike."""
        return frame_of(self.group.pack)

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """The states that any round found, with the named probes or with all."""
        return {state for one in self.for_probes(probes) for state in one.states}

    def first(self, state: State, probes: Collection[str] = ()) -> Mechanism:
        """By which mechanism they came to that state first. Raises StopIteration if never."""
        return next(one.mechanism for one in self.for_probes(probes) if state in one.states)

    def as_adverse(self, state: State, probes: Collection[str] = ()) -> Adverse:
        """Where the verdicts are that found them in a state."""
        found = tuple(one.probe for one in self.for_probes(probes) if one.state is state)
        return Adverse(self.group.number, self.profile, state, found)

    def for_probes(self, probes: Collection[str]) -> tuple[ProbeState, ...]:
        """What the named probes saw; all, if none is named."""
        return tuple(one for one in self.probe_states if not probes or one.probe in probes)


@dataclass(slots=True, kw_only=True)
class ProfileResults:
    """All fates on one line for one profile, the probes that ran there, and what none saw."""

    results: list[GroupResult] = field(default_factory=list)
    probes: set[str] = field(default_factory=set)
    unseen: list[UnseenTrials] = field(default_factory=list)

    @property
    def categories(self) -> dict[str, list[GroupResult]]:
        """The fates by category."""
        found: dict[str, list[GroupResult]] = {}
        for one in self.results:
            found.setdefault(one.category, []).append(one)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedResults:
    """Fates sorted by an adverse state (what the requirement forbids) and its opposite.

    ``down`` items, those of the ``dead`` fates, were dead on the control line as well: they leave
    the count symmetrically.
    """

    adverse: tuple[GroupResult, ...]
    favourable: tuple[GroupResult, ...]
    indeterminate: tuple[GroupResult, ...]
    dead: tuple[GroupResult, ...] = ()
    down: int = 0
    mechanisms: dict[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """Items that went against the requirement."""
        return total(self.adverse)

    @property
    def right(self) -> int:
        """Items that went as required."""
        return total(self.favourable)

    @property
    def doubtful(self) -> int:
        """Items that were not decided."""
        return total(self.indeterminate)

    @property
    def n(self) -> int:
        """Items that were decided either way."""
        return self.wrong + self.right


def total(results: Iterable[GroupResult]) -> int:
    """How many items there are in all."""
    return sum(one.items for one in results)


def results_by_profile(counts: Counts) -> dict[tuple[str, str], ProfileResults]:
    """What was counted, by line and profile."""
    by_profile: dict[tuple[str, str], ProfileResults] = {}
    for line, profile, probe in counts.probes:
        by_profile.setdefault((line, profile), ProfileResults()).probes.add(probe)
    for group in counts.groups:
        for profile in dict.fromkeys(one.profile for one in group.probe_states):
            probe_states = tuple(one for one in group.probe_states if one.profile == profile)
            result = GroupResult(group=group, profile=profile, probe_states=probe_states)
            by_profile[group.line, profile].results.append(result)
    for unseen in counts.unseen:
        by_profile[unseen.line, unseen.profile].unseen.append(unseen)
    return by_profile


def combine_states(states: Collection[State], adverse: State, favourable: State) -> CombinedState:
    """What all trials of an item say together; no trial at all says ``none``."""
    if adverse in states:
        return "adverse"
    if State.INSUFFICIENT in states or State.ALTERED in states:
        return "indeterminate"
    if favourable in states:
        return "favourable"
    return "down" if states else "none"


def classify_results(
    results: Iterable[GroupResult], adverse: State, favourable: State, probes: Collection[str] = ()
) -> ClassifiedResults:
    """Sort lots: adverse if any trial was, favourable only if no trial was anything else."""
    ends: dict[CombinedState, list[GroupResult]] = {}
    mechanisms: Counter[str] = Counter()
    for one in results:
        states = one.states(probes)
        if State.BLOCKED in states:
            mechanisms[one.first(State.BLOCKED, probes).value] += one.items
        ends.setdefault(combine_states(states, adverse, favourable), []).append(one)
    return ClassifiedResults(
        adverse=tuple(ends.get("adverse", ())),
        favourable=tuple(ends.get("favourable", ())),
        indeterminate=tuple(ends.get("indeterminate", ())),
        dead=tuple(ends.get("down", ())),
        down=total(ends.get("down", ())),
        mechanisms=dict(mechanisms.most_common()),
    )
