"""Wald's sequential test: it stops a campaign early, and may be looked at after every item.

It imports nothing heavy: an agent that measures stops by it, and has no scipy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from harness.estimate.item_sequence import Ending
from harness.model.corpus import Item

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


def together(decisions: Iterable[Decision]) -> Decision:
    """The decision where each of several frames must pass, as each has a test of its own."""
    found = set(decisions)
    if not found or "continue" in found:
        return "continue"
    return "fail" if "fail" in found else "pass"


@dataclass(slots=True, kw_only=True)
class TwofoldTest:
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

    def see(self, item: Item, ending: Ending) -> Decision:
        """Count the next item in the order of the seed; after the decision nothing counts."""
        domain = item.registrable or item.id
        if self.decision == "continue" and ending != "none" and domain not in self._domains:
            self._domains.add(domain)
            self.blocked += ending == "blocked"
            self.missed += ending == "missed"
            self.doubtful += ending == "doubtful"
            self._strict.see(blocked=ending == "blocked")
            self._lenient.see(blocked=ending != "missed")
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
