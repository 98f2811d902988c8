"""Ports for what measuring must know of verdicts: which items are decided, and what may stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.model.observation import Observation
from harness.model.outcome import Precondition, Witness
from harness.model.outcome_group import Adverse, Counts, Pairs
from harness.model.plain_twin import TwinPair
from harness.model.verdict import Verdict

JudgeBatch = Callable[[Iterable[Observation]], Iterable[Verdict]]
"""Judges the observations of one batch by themselves."""

VoidBatches = Callable[[Callable[[], Iterable[Observation]]], Iterator[int]]
"""Gives the numbers of void batches, given what reads the sentinels of the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJudges:
    """How batches are judged while a campaign is measured.

    ``judge_batch`` voids a batch whose sentinels failed; ``judge_trials`` looks at the trials
    alone; ``void_batches`` reads the sentinels of the whole journal.
    """

    judge_batch: JudgeBatch
    judge_trials: JudgeBatch
    void_batches: VoidBatches


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDecision:
    """A stopping plan (from 1) that is decided for a profile, after so many items on each line."""

    plan: int
    profile: str
    after: Mapping[str, int]


class MayStop(Protocol):
    """The tests of a campaign's stopping plans, fed with batches in order.

    ``see`` takes the verdicts of one block of batches; ``decisions`` are those reached so far.
    """

    def see(self, verdicts: Iterable[Verdict]) -> None: ...
    def decisions(self) -> Iterator[PlanDecision]: ...


class JournalJudge(Protocol):
    """Judges the observations of one journal; the properties speak of those judged so far."""

    rules_version: str

    def verdicts(self, observations: Iterable[Observation]) -> Iterator[Verdict]: ...
    @property
    def preconditions(self) -> tuple[Precondition, ...]: ...
    @property
    def twins(self) -> tuple[TwinPair, ...]: ...


MakeJudge = Callable[[], JournalJudge]
"""Makes a judge of a journal that has judged nothing yet."""


class VerdictCounts(Protocol):
    """Counts of all verdicts; what was seen of single items is asked for.

    ``witnesses`` are the first verdicts that speak against the service, one an item, in the
    order of trial. ``overheads`` are times to first byte that the service added in items of the
    named fates, in seconds, sorted. ``first_pairs`` are the times of the first so many items.
    """

    @property
    def counts(self) -> Counts: ...
    def witnesses(self, adverse: Iterable[Adverse]) -> tuple[Witness, ...]: ...
    def overheads(self, groups: Collection[int], profile: str, probe: str) -> Sequence[float]: ...
    def first_pairs(
        self, groups: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]: ...
