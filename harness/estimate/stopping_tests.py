"""Wald's tests of a campaign's stopping plans, each over its items in the order of the seed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.estimate.item_selection import EVERY_PHASE, Packs, Sources
from harness.model.batch import turn_of
from harness.model.campaign import Campaign, StoppingPlan
from harness.model.corpus import Item, is_among
from harness.model.outcome_group import OPEN
from harness.model.sampler import order_key
from harness.model.verdict import BRACKET_FAILED, State, Verdict
from harness.ports.judging import PlanDecision

Decision = Literal["pass", "fail", "continue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SprtPlan:
    """Wald's sequential probability ratio test, declared before the first item.

    Wald, Ann. Math. Stat. 16 (1945) 117-186. ``bad`` is the threshold T, ``good`` a better rate
    that shall pass. At most alpha of bad services pass, at most beta of good ones fail: the
    boundaries are alpha and 1 / beta (Ville, 1939). Wald's own, alpha / (1 - beta) and
    (1 - alpha) / beta, promise no more than these values: with them 5.2 % of services at 90 %
    pass where 5 % was declared (``good`` 98 %, beta 10 %).
    """

    bad: float
    good: float
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.bad < self.good < 1:
            msg = f"a plan needs 0 < bad < good < 1, not {self.bad:g} and {self.good:g}"
            raise ValueError(msg)

    @property
    def miss_step(self) -> float:
        """What one miss adds to the logarithm of the likelihood ratio, bad over good."""
        return math.log((1 - self.bad) / (1 - self.good))

    @property
    def block_step(self) -> float:
        """What one block adds; negative."""
        return math.log(self.bad / self.good)

    @property
    def fail_at(self) -> float:
        """At or above this the service fails."""
        return math.log(1 / self.beta)

    @property
    def pass_at(self) -> float:
        """At or below this the service passes."""
        return math.log(self.alpha)

    def expected_items(self, rate: float) -> float:
        """Wald's approximation of the mean number of items if the rate is ``good`` or ``bad``.

        For his own boundaries, alpha / (1 - beta) and (1 - alpha) / beta; those used here take a
        few items more.
        """
        miss = 1 - rate
        drift = miss * self.miss_step + rate * self.block_step
        fails = self.beta if rate == self.good else 1 - self.alpha
        fail_at = math.log((1 - self.alpha) / self.beta)
        pass_at = math.log(self.alpha / (1 - self.beta))
        return (fails * fail_at + (1 - fails) * pass_at) / drift


@dataclass(slots=True, kw_only=True)
class Sprt:
    """A running test: feed it one item after another, in the order that the seed gave."""

    plan: SprtPlan
    blocked: int = 0
    missed: int = 0

    def see(self, *, blocked: bool) -> Decision:
        """Count one item and say whether the test may stop. Later items change nothing."""
        if self.decision == "continue":
            self.blocked += blocked
            self.missed += not blocked
        return self.decision

    @property
    def decision(self) -> Decision:
        """Where the test stands."""
        plan = self.plan
        ratio = self.missed * plan.miss_step + self.blocked * plan.block_step
        if ratio >= plan.fail_at:
            return "fail"
        return "pass" if ratio <= plan.pass_at else "continue"


def combine_decisions(decisions: Iterable[Decision]) -> Decision:
    """The decision where each of several frames must pass, as each has a test of its own."""
    found = set(decisions)
    if not found or "continue" in found:
        return "continue"
    return "fail" if "fail" in found else "pass"


@dataclass(slots=True, kw_only=True)
class PlanTest:
    """Wald's test of one plan, run twice: doubtful items as missed, and as blocked.

    It is decided when both runs agree. Any truth about the doubtful items lies between the two
    runs, and would have been decided the same way by then. Of several items of one registrable
    domain the first one counts, because filters decide per domain (METHOD (c), "Independence").
    """

    plan: SprtPlan
    blocked: int = 0
    missed: int = 0
    doubtful: int = 0
    _strict: Sprt = field(init=False)
    _lenient: Sprt = field(init=False)
    _domains: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._strict, self._lenient = Sprt(plan=self.plan), Sprt(plan=self.plan)

    def see(self, item: Item, item_result: ItemResult) -> Decision:
        """Count the next item in the order of the seed; after the decision nothing counts."""
        domain = item.registrable or item.id
        if self.decision == "continue" and item_result != "none" and domain not in self._domains:
            self._domains.add(domain)
            self.blocked += item_result == "blocked"
            self.missed += item_result == "missed"
            self.doubtful += item_result == "doubtful"
            self._strict.see(blocked=item_result == "blocked")
            self._lenient.see(blocked=item_result != "missed")
        return self.decision

    @property
    def decision(self) -> Decision:
        """Where the test stands; two runs that contradict each other decide nothing."""
        one, other = self._strict.decision, self._lenient.decision
        return one if one == other else "continue"

    @property
    def used(self) -> int:
        """How many items the test has counted."""
        return self.blocked + self.missed + self.doubtful


ItemResult = Literal["blocked", "missed", "doubtful", "none"]


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

    def item_result(self, probes: Collection[str] = ()) -> ItemResult:
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


def trials_by_line_profile(
    verdicts: Iterable[Verdict],
) -> dict[tuple[str, str], tuple[Trials, ...]]:
    """The items by line and profile; verdicts of probes that cannot see it are set aside."""
    places: defaultdict[tuple[str, str], dict[str, Trials]] = defaultdict(dict)
    for verdict in verdicts:
        key, item = verdict.key, verdict.item
        if verdict.counts and not verdict.is_blind:
            items = places[key.line, key.profile]
            items.setdefault(item.id, Trials(item=item)).add(verdict)
    return {place: tuple(items.values()) for place, items in places.items()}


class StoppingTests:
    """Satisfies ``harness.ports.judging.MayStop``. ``packs`` are those of the journal's header."""

    def __init__(self, campaign: Campaign, packs: Packs) -> None:
        self._campaign = campaign
        self._plans = campaign.stopping.plans if campaign.stopping else ()
        self._sources = Sources(packs=packs)
        self._tests: dict[tuple[int, str], dict[tuple[str, Any], PlanTest]] = {}

    def see(self, verdicts: Iterable[Verdict]) -> None:
        """Take the verdicts of one block of batches into account."""
        for (line, profile), tried in trials_by_line_profile(verdicts).items():
            phase = self._campaign.phase_of(profile)
            for number, plan in enumerate(self._plans, 1):
                tests = self._tests.setdefault((number, profile), {})
                for one in _in_order(tried, plan, phase, self._campaign.seed):
                    test_key = self._sources.test_key(one.item, plan.categories)
                    test = tests.setdefault((line, test_key), new_plan_test(plan))
                    test.see(one.item, one.item_result())

    def decisions(self) -> Iterator[PlanDecision]:
        """The plans that are decided on every line and source that was tried."""
        for (number, profile), tests in self._tests.items():
            used = {place: test for place, test in tests.items() if test.used}
            if used and all(test.decision != "continue" for test in used.values()):
                after: Counter[str] = Counter()
                for (line, _), test in used.items():
                    after[line] += test.used
                yield PlanDecision(plan=number, profile=profile, after=after)


def new_plan_test(plan: StoppingPlan) -> PlanTest:
    """The test that a plan asks for, before its first item."""
    wald = SprtPlan(bad=plan.bad, good=plan.good, alpha=plan.alpha, beta=plan.beta)
    return PlanTest(plan=wald)


def _in_order(tried: Iterable[Trials], plan: StoppingPlan, phase: str, seed: str) -> list[Trials]:
    """The items of a plan that concern a phase, in the order of the seed."""
    found = [
        one
        for one in tried
        if is_among(one.item.category, plan.categories)
        and {EVERY_PHASE, phase} & set(one.item.phases)
    ]
    return sorted(found, key=lambda one: order_key(seed, one.item.id))
