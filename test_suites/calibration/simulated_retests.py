"""Lives of plans: a service is re-tested until it passes, each try by estimate and assess.

Each try draws items that no earlier try used. All items that were missed now pass, so that the
fresh sample alone decides. The plan counts its tries as the registry does.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from harness.estimate.extension import times_larger
from harness.follow.retest import scheme_of_attempt
from harness.follow.retest_levels import rule_in, size_for_try
from harness.model.action_plan import ActionPlan, PlanState, Retest, RetestResult
from harness.model.outcome import Conformity, Outcome
from harness.model.retest_schedule import level_of_try
from harness.model.scheme import Scheme
from test_suites.calibration.simulated_counts import Random, Row, outcomes, scheme
from test_suites.calibration.simulated_rows import block

PLAN = ActionPlan(
    id="P-0001",
    finding="F-0001",
    owner="Acme",
    corrective_action="x",
    due=datetime(2026, 6, 1, tzinfo=UTC),
    original_due=datetime(2026, 6, 1, tzinfo=UTC),
    state=PlanState.CLAIMED,
    opened=datetime(2026, 3, 2, tzinfo=UTC),
)
MOST = 3_000
"""No try draws more fresh items of a category than this."""


AT_THE_MARK = {"B": 0.9}
ONE_OF_THREE = {"B": 0.9, "C": 1.0, "D": 1.0}
GOOD = {"B": 0.95}
NINE_GOOD = {f"B{n}": 0.95 for n in range(9)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """How many fresh items of each category a try draws: ``size``, or what is proposed if 0.

    With ``extends`` an undecided try is followed by one of the size that would decide it.
    """

    size: int = 0
    extends: bool = False


class Lives:
    """Plays plans on a requirement; ``rates`` are the block rates of a service by category."""

    def __init__(self, wanted: Scheme, rates: Mapping[str, float], supply: Supply) -> None:
        self._wanted, self._rates, self._supply = wanted, rates, supply
        self._known: dict[object, Outcome] = {}
        self._factors: dict[object, float | None] = {}

    def tries(self, random: Random, most: int) -> Iterator[Conformity]:
        """What each of ``most`` tries of one plan finds, as long as it does not pass."""
        plan = PLAN
        for _ in range(most):
            scheme = scheme_of_attempt(self._wanted, plan)
            size = self._size(scheme, plan)
            found = self._outcome(random, scheme, size)
            yield found.conformity
            if found.conformity is Conformity.CONFORMS:
                return
            plan = replace(plan, retests=(*plan.retests, self._retest(plan, found, size)))

    def _size(self, scheme: Scheme, plan: ActionPlan) -> int:
        rule = rule_in(self._wanted)
        assert rule is not None
        proposed = size_for_try(rule, plan.tries + 1, len(self._rates))
        least = scheme.requirements[0].n_min
        return min(MOST, max(least, self._supply.size or proposed, plan.extension))

    def _outcome(self, random: Random, scheme: Scheme, size: int) -> Outcome:
        misses = {code: random.binomial(size, 1 - rate) for code, rate in self._rates.items()}
        key = (size, scheme.requirements[0].alpha, tuple(misses.values()))
        if key not in self._known:
            rows = [
                Row(category=code, domains=Counter({(1, 0, 0): size - missed, (0, 1, 0): missed}))
                for code, missed in misses.items()
            ]
            [self._known[key]] = outcomes(rows, scheme)
        return self._known[key]

    def _retest(self, plan: ActionPlan, found: Outcome, size: int) -> Retest:
        factor = None
        if self._supply.extends and found.conformity is Conformity.INSUFFICIENT:
            key = (id(found), plan.tries)
            if key not in self._factors:
                rule = rule_in(self._wanted)
                assert rule is not None
                level = level_of_try(rule.alpha, plan.tries + 2)
                self._factors[key] = times_larger(found, level)
            factor = self._factors[key]
        return Retest(
            campaign=f"r{len(plan.retests) + 1}",
            at=plan.opened,
            outcome=RetestResult(found.conformity.value),
            statement="",
            missed_tested=0,
            missed_still_failing=(),
            fresh_tested=size * len(self._rates),
            extension=math.ceil(factor * size) if factor else 0,
        )


def share_of_plans(
    lives: Lives, random: Random, plans: int, most: int, wanted: Conformity
) -> float:
    """The share of plans of which one of ``most`` re-tests has this outcome."""
    return sum(wanted in tuple(lives.tries(random, most)) for _ in range(plans)) / plans


def lives(rates: Mapping[str, float], supply: Supply, rule: str = "guarded") -> Lives:
    """Plans on a requirement of 90 % in each of these categories."""
    return Lives(scheme(block("block_rate", *rates, rule=rule)), rates, supply)
