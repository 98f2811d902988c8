"""Classify outcome groups by what a requirement expects; the unit of counting is the item.

An item is blocked only if every probe and round found it blocked, and missed if any of them got
through. Groups are those of ``harness.model.outcome_group``.
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
    """One outcome group for one profile: the states that each probe found, in order."""

    group: OutcomeGroup
    profile: str
    probe_states: tuple[ProbeState, ...]

    @property
    def items(self) -> int:
        """The number of items."""
        return self.group.items

    @property
    def category(self) -> str:
        """The primary taxonomy code of the items."""
        return self.group.category

    @property
    def frame(self) -> str:
        """The frame the items were drawn from; empty where items count alike."""
        return frame_of(self.group.pack)

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """Return the states found by the named probes, or by all if none is named."""
        return {state for one in self.for_probes(probes) for state in one.states}

    def first(self, state: State, probes: Collection[str] = ()) -> Mechanism:
        """Return the mechanism of the first trial with that state. Raises StopIteration if none."""
        return next(one.mechanism for one in self.for_probes(probes) if state in one.states)

    def as_adverse(self, state: State, probes: Collection[str] = ()) -> Adverse:
        """Return a reference to the verdicts that found the items in a state."""
        seen = self.for_probes(probes)
        if found_by := tuple(one.probe for one in seen if one.state is state):
            return Adverse(self.group.number, self.profile, state, found_by)
        both = tuple(one.probe for one in seen if state in one.states)
        return Adverse(self.group.number, self.profile, State.ALLOWED if both else state, both)

    def for_probes(self, probes: Collection[str]) -> tuple[ProbeState, ...]:
        """Return the states of the named probes; of all, if none is named."""
        return tuple(one for one in self.probe_states if not probes or one.probe in probes)


@dataclass(slots=True, kw_only=True)
class ProfileResults:
    """All results on one line for one profile, the probes that ran, and trials they cannot see."""

    results: list[GroupResult] = field(default_factory=list)
    probes: set[str] = field(default_factory=set)
    unseen: list[UnseenTrials] = field(default_factory=list)

    @property
    def categories(self) -> dict[str, list[GroupResult]]:
        """The results by category."""
        by_category: dict[str, list[GroupResult]] = {}
        for result in self.results:
            by_category.setdefault(result.category, []).append(result)
        return by_category


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifiedResults:
    """Results classified by an adverse state (what the requirement forbids) and its opposite.

    The ``down`` items are those of the ``dead`` results, dead on the control line as well; they
    are not counted for or against the service.
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
    """Return the total number of items."""
    return sum(result.items for result in results)


def results_by_profile(counts: Counts) -> dict[tuple[str, str], ProfileResults]:
    """Return the counted results by (line, profile)."""
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
    """Combine the states of all trials of an item; ``none`` without a trial."""
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
    """Classify results: adverse if any trial is, favourable only if no trial is anything else."""
    ends: dict[CombinedState, list[GroupResult]] = {}
    mechanisms: Counter[str] = Counter()
    for result in results:
        states = result.states(probes)
        if State.BLOCKED in states:
            mechanisms[result.first(State.BLOCKED, probes).value] += result.items
        ends.setdefault(combine_states(states, adverse, favourable), []).append(result)
    return ClassifiedResults(
        adverse=tuple(ends.get("adverse", ())),
        favourable=tuple(ends.get("favourable", ())),
        indeterminate=tuple(ends.get("indeterminate", ())),
        dead=tuple(ends.get("down", ())),
        down=total(ends.get("down", ())),
        mechanisms=dict(mechanisms.most_common()),
    )
