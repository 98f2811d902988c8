"""Concludes from a campaign that stopped early: nothing favourable may follow from the stopping.

What a plan was declared for is granted by Wald's test alone, run again over the observations in
the order of the seed; to be accused, it must also be below the threshold by bounds that may be
read at any time. Every other requirement that counts items of a plan is touched by it: if
all that it counts lies in one plan, its bounds are those that may be read at any time; if not,
the mixture of what was tried depends on what was seen, and nothing is granted where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness.errors import UsageError
from harness.estimate.item_selection import Sources, counts_category, counts_item, is_relevant
from harness.estimate.stopping_tests import (
    PlanTest,
    Trials,
    combine_decisions,
    new_plan_test,
    trials_by_line_profile,
)
from harness.model.campaign import Campaign, Stop, StoppingPlan
from harness.model.corpus import is_among
from harness.model.instrument_record import InstrumentRecord
from harness.model.metric import Source
from harness.model.metric_spec import spec_of
from harness.model.observation import Observation
from harness.model.outcome import (
    CategoryRate,
    Estimates,
    Measurement,
    Sequential,
    VerdictBasis,
)
from harness.model.sampler import order_key
from harness.model.scheme import Requirement, Scheme
from harness.ports.judging import MakeJudge, VerdictCounts
from harness.ports.storage import Journal

NEVER_GRANTING = frozenset({"report", "gate", "evidence"})
"""Rules that grant nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanOverlap:
    """The plans (from 1) whose items a requirement counts: the one that holds all, or decides."""

    plans: tuple[int, ...]
    within: int = 0
    decides: bool = False


class EarlyStoppingOutcomes:
    """How the stopping of one campaign bears on the requirements of a scheme.

    ``scheme`` is the one to estimate by: touched rates are sequential in it.
    """

    def __init__(self, scheme: Scheme, journal: Journal, make_judge: MakeJudge) -> None:
        self._campaign = campaign = journal.header.campaign
        self._journal, self._make_judge = journal, make_judge
        self._plans = campaign.stopping.plans if campaign.stopping else ()
        self._stops = {(stop.plan, stop.profile): stop for stop in self._stopped(journal)}
        self._batches_held = journal.batches() if self._plans else frozenset()
        if self._plans and not campaign.seed:
            msg = (
                "the seed of this campaign is not revealed, and without the order that it gives "
                "early stopping cannot be judged: ask for a bundle made with --reveal-seed"
            )
            raise UsageError(msg)
        self._batches_planned = journal.header.batches_planned if self._plans else 0
        self._overlaps = _plan_overlaps(campaign, scheme)
        self.scheme = scheme.model_copy(
            update={"requirements": tuple(map(self._with_sequential_rule, scheme.requirements))}
        )

    def estimate(
        self,
        verdict_counts: VerdictCounts,
        basis: VerdictBasis,
        instrument: tuple[InstrumentRecord, ...],
    ) -> Estimates:
        """Take every metric that the scheme asks for, from the verdicts of the journal.

        ``basis`` is what these rest on, ``instrument`` what was measured with. Rates by category
        have bounds that hold at any time where a plan may have stopped them.
        """
        from harness.estimate.estimate import estimate  # noqa: PLC0415 - an agent has no scipy

        header, campaign = self._journal.header, self._campaign
        found = estimate(
            verdict_counts,
            self.scheme,
            {profile: campaign.phase_of(profile) for profile in campaign.profiles},
            basis.preconditions,
            frames=header.frames,
            packs=header.packs,
            items=campaign.items,
            twins=basis.twins,
            instrument=instrument,
            probes=header.probes,
        )
        return replace(found, rates=self.with_anytime_bounds(found.rates))

    def decide(self, measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
        """The measurements, each with what the stopping decides of it or forbids."""
        tried = self._tried() if any(overlap.decides for overlap in self._overlaps.values()) else {}
        return tuple(
            self._decide_one(one, tried.get((one.line, one.profile), ())) for one in measurements
        )

    def with_anytime_bounds(self, rates: Iterable[CategoryRate]) -> tuple[CategoryRate, ...]:
        """The counts by category; those of a plan's items with bounds that hold at any time."""
        codes = [code for plan in self._plans for code in plan.categories]
        return tuple(
            _at_any_time(one, self.scheme.decision.alpha) if is_among(one.category, codes) else one
            for one in rates
        )

    def _tried(self) -> dict[tuple[str, str], tuple[Trials, ...]]:
        """The items that the plans are about, judged as the whole journal is."""
        return trials_by_line_profile(self._make_judge().verdicts(self._observations()))

    def _observations(self) -> Iterator[Observation]:
        """Those of the sentinels, and of the items that the plans are about."""
        codes = [code for plan in self._plans for code in plan.categories]
        for one in self._journal.observations():
            if one.role != "item" or is_among(one.item.category, codes):
                yield one

    def _decide_one(self, measurement: Measurement, tried: tuple[Trials, ...]) -> Measurement:
        overlap = self._overlaps.get(measurement.requirement.id)
        if overlap is None:
            return measurement
        if overlap.decides:
            return replace(
                measurement, sequential=self._repeat_test(overlap.within, measurement, tried)
            )
        stops = [self._stops.get((plan, measurement.profile)) for plan in overlap.plans]
        untried = [stop for stop in stops if stop is not None]
        if not untried or overlap.within:
            is_torn = untried and measurement.metric.pooled is not None
            return (
                replace(measurement, barred=measurement.barred or _splits_domains(untried[0]))
                if is_torn
                else measurement
            )
        return replace(measurement, barred="; ".join(map(_stop_reason, untried)))

    def _repeat_test(
        self, number: int, measurement: Measurement, tried: tuple[Trials, ...]
    ) -> Sequential:
        """Wald's test again, over the items that the requirement counts."""
        plan, measure = self._plans[number - 1], measurement.requirement.measure
        policy, phase = self.scheme.policy, self._campaign.phase_of(measurement.profile)
        sources = Sources(packs=self._journal.header.packs)
        rests_on = measurement.requirement.rests_on
        tests: dict[tuple[str, Source, str], PlanTest] = {}
        for one in sorted(tried, key=lambda one: order_key(self._campaign.seed, one.item.id)):
            is_counted = counts_category(measure, policy, one.item.category, phase)
            is_counted = is_counted and is_relevant(sources.of_pack(one.item.pack), rests_on)
            if is_counted and counts_item(measure, one.item, phase):
                test_key = sources.test_key(one.item, measure.categories)
                test = tests.setdefault(test_key, new_plan_test(plan))
                test.see(one.item, one.item_result(measure.probes))
        decision = combine_decisions(test.decision for test in tests.values())
        why = ""
        if not self._is_whole(number, measurement.profile):
            why = "batches are missing on which the decision rests: go on with the measurement"
        elif decision == "continue":
            why = f"the items at hand do not tell {plan.bad:g} from {plan.good:g}"
        return Sequential(
            plan=number,
            bad=plan.bad,
            good=plan.good,
            alpha=plan.alpha,
            beta=plan.beta,
            decision="continue" if why else decision,
            blocked=sum(test.blocked for test in tests.values()),
            missed=sum(test.missed for test in tests.values()),
            doubtful=sum(test.doubtful for test in tests.values()),
            why_open=why,
        )

    def _is_whole(self, number: int, profile: str) -> bool:
        """Whether no batch is missing up to where the plan was decided, or up to the end."""
        stop = self._stops.get((number, profile))
        last = stop.settled if stop is not None else self._batches_planned
        return self._batches_held.issuperset(range(1, last + 1))

    def _stopped(self, journal: Journal) -> tuple[Stop, ...]:
        return journal.stops() if self._plans else ()

    def _with_sequential_rule(self, requirement: Requirement) -> Requirement:
        overlap = self._overlaps.get(requirement.id)
        is_rate = overlap is not None and overlap.within
        return requirement.model_copy(update={"rule": "sequential"}) if is_rate else requirement


def bounded_at_any_time(campaign: Campaign, scheme: Scheme) -> frozenset[str]:
    """The requirements that no plan decides, but whose bounds are those that hold at any time."""
    overlaps = _plan_overlaps(campaign, scheme).items()
    return frozenset(name for name, overlap in overlaps if overlap.within and not overlap.decides)


def _plan_overlaps(campaign: Campaign, scheme: Scheme) -> dict[str, _PlanOverlap]:
    """The requirements that count items of a stopping plan, by their ids."""
    if campaign.stopping is None:
        return {}
    phases = {campaign.phase_of(profile) for profile in campaign.profiles}
    found = {}
    for requirement in scheme.requirements:
        overlap = _plan_overlap(campaign.stopping.plans, requirement, scheme, phases)
        if overlap.plans and requirement.rule not in NEVER_GRANTING:
            found[requirement.id] = overlap
    return found


def _plan_overlap(
    declared: Sequence[StoppingPlan], requirement: Requirement, scheme: Scheme, phases: set[str]
) -> _PlanOverlap:
    measure, policy = requirement.measure, scheme.policy
    named = {code for plan in declared for code in plan.categories}
    counted = {
        code
        for code in {*policy.rows, *measure.categories, *named}
        if any(counts_category(measure, policy, code, phase) for phase in phases)
    }
    holds = {
        number: {code for code in counted if is_among(code, plan.categories)}
        for number, plan in enumerate(declared, 1)
    }
    plans = tuple(number for number, codes in holds.items() if codes)
    whole = [number for number in plans if holds[number] == counted]
    if not whole or not spec_of(measure.metric).is_rate or requirement.rule not in _RATES:
        return _PlanOverlap(plans=plans)
    decides = _is_declared_for(declared[whole[0] - 1], requirement, scheme)
    return _PlanOverlap(plans=plans, within=whole[0], decides=decides)


_RATES = frozenset({"guarded", "sequential"})


def _is_declared_for(plan: StoppingPlan, requirement: Requirement, scheme: Scheme) -> bool:
    """Whether plan and requirement ask the same of the same, the plan at no greater risk."""
    measure, threshold = requirement.measure, requirement.threshold
    return (
        measure.metric == "block_rate"
        and not measure.strata
        and set(measure.categories) == set(plan.categories)
        and threshold is not None
        and (threshold.at_least, threshold.at_most) == (plan.bad, None)
        and plan.alpha <= (requirement.alpha or scheme.decision.alpha)
    )


def _at_any_time(rate: CategoryRate, alpha: float) -> CategoryRate:
    from harness.estimate.sequential import anytime_bounds  # noqa: PLC0415 - an agent has no scipy

    decided, doubt = rate.blocked + rate.allowed, rate.altered + rate.insufficient
    if not decided:
        return rate
    least, most, number = float(rate.blocked), float(rate.blocked + doubt), decided + doubt
    if rate.spread is not None:
        least, most, number = rate.spread.least, rate.spread.most, rate.spread.tried
    lower = anytime_bounds(least, number, alpha).lower
    upper = anytime_bounds(most, number, alpha).upper
    return replace(rate, lower=lower, upper=upper)


def _splits_domains(stop: Stop) -> str:
    """That domains may be tried in part, where one has several items.

    Which of them were tried then depends on what others came to: the rate of a domain is a fair
    sample only once all its items are in.
    """
    return f"{_stop_reason(stop)}, so that domains with several items may be tried in part"


def _stop_reason(stop: Stop) -> str:
    what = f"{', '.join(stop.categories)} was tried no further for {stop.profile}"
    return f"{what}, as plan {stop.plan} declared: {stop.untried} items are untried"
