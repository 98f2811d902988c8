"""Protocols for verdicts: judging batches, stopping early, and counted verdicts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.model.observation import Observation
from harness.model.outcome import Precondition, Witness
from harness.model.outcome_group import Adverse, Counts, Overheads, Pairs
from harness.model.plain_twin import TwinPair
from harness.model.run_record import LateControls
from harness.model.service_records import ServiceRecords
from harness.model.timed_event import Poll
from harness.model.user import UserTrial
from harness.model.verdict import Verdict

JudgeBatch = Callable[[Iterable[Observation]], Iterable[Verdict]]
"""Judges the observations of one batch by themselves."""

VoidBatches = Callable[[Callable[[], Iterable[Observation]]], Iterator[int]]
"""Yields the numbers of void batches, given a function that reads the journal's sentinels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJudges:
    """How batches are judged while a campaign is measured.

    ``judge_batch`` checks the sentinels, and voids the batch if they failed; ``judge_trials`` does
    not check them; ``void_batches`` reads the sentinels of the whole journal.
    """

    judge_batch: JudgeBatch
    judge_trials: JudgeBatch
    void_batches: VoidBatches


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDecision:
    """A stopping plan (from 1) that is decided for a profile; ``after``: items on each line."""

    plan: int
    profile: str
    after: Mapping[str, int]


class MayStop(Protocol):
    """The tests of a campaign's stopping plans, which take batches in order.

    ``see`` takes the verdicts of one block of batches; ``decisions`` are those reached so far.
    """

    def see(self, verdicts: Iterable[Verdict]) -> None: ...
    def decisions(self) -> Iterator[PlanDecision]: ...


class JournalJudge(Protocol):
    """Judges one journal; the properties are about the observations judged so far."""

    rules_version: str

    def verdicts(self, observations: Iterable[Observation]) -> Iterator[Verdict]: ...
    @property
    def preconditions(self) -> tuple[Precondition, ...]: ...
    @property
    def twins(self) -> tuple[TwinPair, ...]: ...
    @property
    def users(self) -> tuple[UserTrial, ...]: ...
    @property
    def polls(self) -> tuple[Poll, ...]: ...
    @property
    def records(self) -> ServiceRecords: ...
    @property
    def late_controls(self) -> tuple[LateControls, ...]: ...


MakeJudge = Callable[[], JournalJudge]
"""Makes a new judge of a journal."""


class CountedVerdicts(Protocol):
    """Counts of all verdicts, and access to single ones.

    ``witnesses`` are the first verdicts that speak against the service, one an item, in the order
    of trial. ``in_order`` gives the outcome group of each item of some groups, in the order in
    which a profile tried them. ``overheads`` are the seconds that the service added to the time to
    first byte in items of the named outcome groups. ``first_pairs`` are the times of the first
    ``limit`` items.
    """

    @property
    def counts(self) -> Counts: ...
    def witnesses(self, adverse: Iterable[Adverse]) -> tuple[Witness, ...]: ...
    def in_order(self, groups: Collection[int], profile: str) -> Sequence[int]: ...
    def overheads(self, groups: Collection[int], profile: str, probe: str) -> Overheads: ...
    def first_pairs(
        self, groups: Collection[int], profile: str, probe: str, limit: int
    ) -> tuple[Pairs, ...]: ...
