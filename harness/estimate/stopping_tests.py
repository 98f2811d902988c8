"""Wald's tests of a campaign's stopping plans, each over its items in the order of the seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from harness.estimate.item_selection import EVERY_PHASE
from harness.estimate.item_sequence import Trials, trials_by_place
from harness.estimate.sources import Packs, Sources
from harness.estimate.wald import SprtPlan, TwofoldTest
from harness.model.campaign import Campaign, StoppingPlan
from harness.model.corpus import is_among
from harness.model.sampler import order_key
from harness.model.verdict import Verdict
from harness.ports.judging import PlanDecision


class StoppingTests:
    """Satisfies ``harness.ports.judging.MayStop``. ``packs`` are those of the journal's header."""

    def __init__(self, campaign: Campaign, packs: Packs) -> None:
        self._campaign = campaign
        self._plans = campaign.stopping.plans if campaign.stopping else ()
        self._sources = Sources(packs=packs)
        self._tests: dict[tuple[int, str], dict[tuple[str, Any], TwofoldTest]] = {}

    def see(self, verdicts: Iterable[Verdict]) -> None:
        """Take the verdicts of one block of batches into account."""
        for (line, profile), tried in trials_by_place(verdicts).items():
            phase = self._campaign.phase_of(profile)
            for number, plan in enumerate(self._plans, 1):
                tests = self._tests.setdefault((number, profile), {})
                for one in _in_order(tried, plan, phase, self._campaign.seed):
                    apart = self._sources.place_of(one.item, plan.categories)
                    test = tests.setdefault((line, apart), begin_test(plan))
                    test.see(one.item, one.ending())

    def decisions(self) -> Iterator[PlanDecision]:
        """The plans that are decided on every line and source that was tried."""
        for (number, profile), tests in self._tests.items():
            used = {place: test for place, test in tests.items() if test.used}
            if used and all(test.decision != "continue" for test in used.values()):
                after: Counter[str] = Counter()
                for (line, _), test in used.items():
                    after[line] += test.used
                yield PlanDecision(plan=number, profile=profile, after=after)


def begin_test(plan: StoppingPlan) -> TwofoldTest:
    """The test that a plan asks for, before its first item."""
    wald = SprtPlan(bad=plan.bad, good=plan.good, alpha=plan.alpha, beta=plan.beta)
    return TwofoldTest(plan=wald)


def _in_order(tried: Iterable[Trials], plan: StoppingPlan, phase: str, seed: str) -> list[Trials]:
    """The items of a plan that concern a phase, in the order of the seed."""
    found = [
        one
        for one in tried
        if is_among(one.item.category, plan.categories)
        and {EVERY_PHASE, phase} & set(one.item.phases)
    ]
    return sorted(found, key=lambda one: order_key(seed, one.item.id))
