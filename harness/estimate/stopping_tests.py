"""The tests of a campaign's stopping plans, and the trials of items that they count.

Each test counts the plan's items in the order of the seed. ``StoppingTests`` runs them while a
campaign is measured; ``harness.estimate.early_stopping_outcomes`` repeats them afterwards.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from harness.estimate.e_process import anytime_p_below
from harness.estimate.item_selection import EVERY_PHASE, Packs, Sources
from harness.model.batch import turn_of
from harness.model.campaign import Campaign, StoppingPlan
from harness.model.corpus import Item, is_among
from harness.model.outcome_group import OPEN
from harness.model.sampler import order_key
from harness.model.verdict import BRACKET_FAILED, State, Verdict
from harness.ports.judging import PlanDecision

Decision = Literal["pass", "fail", "continue"]


ACCUSED_AMONG = 100
"""A test ends against a service when that stands among so many rows of an assessment (Holm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SprtPlan:
    """Parameters of a test that ends either way, declared in advance.

    ``bad`` is the threshold T, ``good`` a better rate that should pass early. A service passes when
    the likelihood ratio of bad to good falls to alpha (Wald, Ann. Math. Stat. 16 (1945) 117-186; by
    Ville, 1939, at most alpha of services at ``bad`` pass). Wald's own boundary, alpha / (1 -
    beta), is approximate: with it 5.2 % pass where 5 % was declared (``good`` 98 %, beta 10 %).
    It fails when the e-process shows a rate below ``bad`` at alpha / ACCUSED_AMONG (Ramdas et al.,
    Statistical Science 38 (2023)); a rate below ``good`` alone fails nothing. ``beta`` is the share
    of services at ``good`` that Wald's test would reject; it only plans how many items are needed.
    Raises ValueError unless 0 < bad < good < 1.
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
        """What one block adds to it; negative."""
        return math.log(self.bad / self.good)

    @property
    def fail_at(self) -> float:
        """At or below this p-value, which holds at any time, the service fails."""
        return self.alpha / ACCUSED_AMONG

    @property
    def pass_at(self) -> float:
        """At or below this the service passes."""
        return math.log(self.alpha)

    def expected_items(self, rate: float) -> float:
        """Return the approximate mean of Wald's own test if the rate is ``good`` or ``bad``.

        It has the boundaries alpha / (1 - beta) and (1 - alpha) / beta. For a service at ``good``
        the test used here needs a few more items.
        """
        miss = 1 - rate
        drift = miss * self.miss_step + rate * self.block_step
        fails = self.beta if rate == self.good else 1 - self.alpha
        fail_at = math.log((1 - self.alpha) / self.beta)
        pass_at = math.log(self.alpha / (1 - self.beta))
        return (fails * fail_at + (1 - fails) * pass_at) / drift


@dataclass(slots=True, kw_only=True)
class Sprt:
    """A running test; add items in the order of the seed."""

    plan: SprtPlan
    blocked: int = 0
    missed: int = 0

    def add(self, *, blocked: bool) -> Decision:
        """Count one item and return the decision; items after a decision are ignored."""
        if self.decision == "continue":
            self.blocked += blocked
            self.missed += not blocked
        return self.decision

    @property
    def decision(self) -> Decision:
        """The decision so far."""
        plan = self.plan
        ratio = self.missed * plan.miss_step + self.blocked * plan.block_step
        if ratio <= plan.pass_at:
            return "pass"
        return "fail" if self.p_value <= plan.fail_at else "continue"

    @property
    def p_value(self) -> float:
        """The smallest level at which the items now show a rate below ``bad``, read at any time."""
        tried = self.blocked + self.missed
        is_below = self.missed > tried * (1 - self.plan.bad)
        return _p_below(self.blocked, tried, self.plan.bad) if is_below else 1.0


@lru_cache(maxsize=4096)
def _p_below(blocked: int, tried: int, rate: float) -> float:
    return anytime_p_below(blocked, tried, rate)


def combine_decisions(decisions: Iterable[Decision]) -> Decision:
    """Combine the decisions of tests that must all pass; a fail needs all to be decided."""
    found = set(decisions)
    if not found or "continue" in found:
        return "continue"
    return "fail" if "fail" in found else "pass"


@dataclass(slots=True, kw_only=True)
class PlanTest:
    """The test of one plan, run with doubtful items as missed and with them as blocked.

    It is decided when both runs agree, so the decision holds whatever the doubtful items really
    were. Only the first item of each registrable domain counts, because filters decide by domain
    (METHOD (c), "Independence"). ``p_value`` is the smallest level at which it ever showed a rate
    below ``bad``, with doubtful items as blocked.
    """

    plan: SprtPlan
    blocked: int = 0
    missed: int = 0
    doubtful: int = 0
    p_value: float = 1.0
    _strict: Sprt = field(init=False)
    _lenient: Sprt = field(init=False)
    _domains: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._strict, self._lenient = Sprt(plan=self.plan), Sprt(plan=self.plan)

    def add(self, item: Item, item_result: ItemResult) -> Decision:
        """Count the next item in the order of the seed; ignored after the decision."""
        domain = item.registrable or item.id
        if self.decision == "continue" and item_result != "none" and domain not in self._domains:
            self._domains.add(domain)
            self.blocked += item_result == "blocked"
            self.missed += item_result == "missed"
            self.doubtful += item_result == "doubtful"
            self._strict.add(blocked=item_result == "blocked")
            self._lenient.add(blocked=item_result != "missed")
            hits = Sprt(plan=self.plan, blocked=self.used - self.missed, missed=self.missed)
            self.p_value = min(self.p_value, hits.p_value)
        return self.decision

    @property
    def decision(self) -> Decision:
        """The decision of both runs, or ``continue`` if they differ."""
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

    ``decided`` holds probe, round and state of trials that decided, ``undecided`` those that did
    not, ``void`` probe and round of void batches. A later decided trial replaces either.
    """

    item: Item
    decided: set[tuple[str, int, State]] = field(default_factory=set)
    void: set[tuple[str, int]] = field(default_factory=set)
    undecided: set[tuple[str, int, State]] = field(default_factory=set)

    def add(self, verdict: Verdict) -> None:
        """Take one more verdict into account."""
        probe, turn = verdict.key.probe, turn_of(verdict.key.round)
        if verdict.rule == BRACKET_FAILED:
            self.void.add((probe, turn))
        elif verdict.state in OPEN:
            self.undecided.add((probe, turn, verdict.state))
        else:
            self.decided.add((probe, turn, verdict.state))

    @property
    def probes(self) -> set[str]:
        """The probes that tried it."""
        return {probe for probe, _, _ in self.decided | self.undecided} | {
            probe for probe, _ in self.void
        }

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """The states that the named probes found, or all of them."""
        decided = {(probe, turn) for probe, turn, _ in self.decided}
        open_ = {one for one in self.undecided if one[:2] not in decided}
        found = {state for probe, _, state in self.decided | open_ if not probes or probe in probes}
        unseen = self.void - decided - {one[:2] for one in self.undecided}
        if any(not probes or probe in probes for probe, _ in unseen):
            found.add(State.INSUFFICIENT)
        return found

    def item_result(self, probes: Collection[str] = ()) -> ItemResult:
        """Return how the block rate counts the item, with the named probes or with all.

        Any allowed trial is a miss; a block needs all trials blocked. ``none``: dead on the control
        line as well, or not tried by these probes.
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
    """Return trials by (line, profile), without verdicts of probes that cannot see the item."""
    places: defaultdict[tuple[str, str], dict[str, Trials]] = defaultdict(dict)
    for verdict in verdicts:
        key, item = verdict.key, verdict.item
        if verdict.counts and not verdict.is_blind:
            items = places[key.line, key.profile]
            items.setdefault(item.id, Trials(item=item)).add(verdict)
    return {place: tuple(items.values()) for place, items in places.items()}


class StoppingTests:
    """Run the tests of all stopping plans (implements ``harness.ports.judging.MayStop``).

    ``packs`` are those of the journal's header.
    """

    def __init__(self, campaign: Campaign, packs: Packs) -> None:
        self._campaign = campaign
        self._plans = campaign.stopping.plans if campaign.stopping else ()
        self._sources = Sources(packs=packs)
        self._tests: dict[tuple[int, str], dict[tuple[str, Any], PlanTest]] = {}

    def see(self, verdicts: Iterable[Verdict]) -> None:
        """Add the verdicts of one block of batches."""
        for (line, profile), tried in trials_by_line_profile(verdicts).items():
            phase = self._campaign.phase_of(profile)
            for number, plan in enumerate(self._plans, 1):
                tests = self._tests.setdefault((number, profile), {})
                for one in _in_order(tried, plan, phase, self._campaign.seed):
                    test_key = self._sources.test_key(one.item, plan.categories)
                    test = tests.setdefault((line, test_key), new_plan_test(plan))
                    test.add(one.item, one.item_result())

    def decisions(self) -> Iterator[PlanDecision]:
        """Yield the plans that are decided on every line and source that was tried."""
        for (number, profile), tests in self._tests.items():
            used = {place: test for place, test in tests.items() if test.used}
            if used and all(test.decision != "continue" for test in used.values()):
                after: Counter[str] = Counter()
                for (line, _), test in used.items():
                    after[line] += test.used
                yield PlanDecision(plan=number, profile=profile, after=after)


def new_plan_test(plan: StoppingPlan) -> PlanTest:
    """Return the test of a plan, without items."""
    wald = SprtPlan(bad=plan.bad, good=plan.good, alpha=plan.alpha, beta=plan.beta)
    return PlanTest(plan=wald)


def _in_order(tried: Iterable[Trials], plan: StoppingPlan, phase: str, seed: str) -> list[Trials]:
    """Return the items of a plan that have the phase, in the order of the seed."""
    found = [
        one
        for one in tried
        if is_among(one.item.category, plan.categories)
        and {EVERY_PHASE, phase} & set(one.item.phases)
    ]
    return sorted(found, key=lambda one: order_key(seed, one.item.id))
