"""What follows from a campaign that stopped early, so that stopping grants nothing unearned.

A stopping plan is decided by its test alone, repeated over the observations in the order of the
seed. A failure needs the test's p-value, which holds at any time, to be small enough among all rows
of the assessment, whether the test ended or all items were tried. Other requirements may count
items of a plan. If all the items that one counts belong to one plan, its bounds become those that
hold at any time. Otherwise the mixture of tried items depends on the results, so it cannot conform
where the campaign stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from harness.errors import UsageError
from harness.estimate.e_process import anytime_bounds
from harness.estimate.item_selection import Sources, counts_category, counts_item, is_relevant
from harness.estimate.shown_by_lines import shown_by_lines
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
)
from harness.model.sampler import order_key
from harness.model.scheme import Requirement, Scheme
from harness.model.verdict_basis import VerdictBasis
from harness.ports.judging import CountedVerdicts, MakeJudge
from harness.ports.storage import Journal

NEVER_GRANTING = frozenset({"report", "gate", "evidence"})
"""Decision rules that never give a conforming outcome, or count no items (evidence of people).

Stopping cannot affect them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _PlanOverlap:
    """The plans (numbered from 1) whose items a requirement counts.

    ``within`` is the plan that holds all of them, or 0. With ``decides`` that plan was declared for
    this requirement, so its test decides.
    """

    plans: tuple[int, ...]
    within: int = 0
    decides: bool = False


class EarlyStoppingOutcomes:
    """Apply the early stopping of one campaign to the requirements of a scheme.

    ``scheme`` is the scheme to estimate with: rates of a plan's items use the rule ``sequential``.
    Raises UsageError if the campaign has stopping plans and its seed is not revealed.
    """

    def __init__(self, scheme: Scheme, journal: Journal, make_judge: MakeJudge) -> None:
        self._campaign = campaign = journal.header.campaign
        self._journal, self._make_judge = journal, make_judge
        self._plans = campaign.stopping.plans if campaign.stopping else ()
        stops = journal.stops() if self._plans else ()
        self._stops = {(stop.plan, stop.profile): stop for stop in stops}
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
        verdict_counts: CountedVerdicts,
        basis: VerdictBasis,
        instrument: tuple[InstrumentRecord, ...],
    ) -> Estimates:
        """Compute every metric of the scheme from the verdicts of the journal.

        ``basis`` holds preconditions and plain twins, ``instrument`` the instrument records. Rates
        of categories that a plan may have stopped get bounds that hold at any time.
        """
        from harness.estimate.estimate import estimate  # noqa: PLC0415 - keep the start light

        header, campaign = self._journal.header, self._campaign
        estimates = estimate(
            verdict_counts,
            self.scheme,
            {profile: campaign.phase_of(profile) for profile in campaign.profiles},
            basis.preconditions,
            frames=header.frames,
            packs=header.packs,
            items=campaign.items,
            twins=basis.twins,
            polls=basis.polls,
            users=campaign.users(basis.users),
            records=basis.records,
            run=msgspec.structs.replace(
                basis.run, commitment=header.commitment, not_chosen=header.not_chosen
            ),
            instrument=instrument,
            probes=header.probes,
            campaign=campaign,
        )
        shown = shown_by_lines(self._journal.sentinels()) if header.measured_with else {}
        return replace(estimates, rates=self.with_anytime_bounds(estimates.rates), shown=shown)

    def decide(self, measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
        """Return the measurements with the result of their stopping test, or barred by stopping."""
        tried = self._tried() if any(overlap.decides for overlap in self._overlaps.values()) else {}
        return tuple(
            self._decide_one(one, tried.get((one.line, one.profile), ())) for one in measurements
        )

    def with_anytime_bounds(self, rates: Iterable[CategoryRate]) -> tuple[CategoryRate, ...]:
        """Return the category rates; those of a plan get bounds that hold at any time."""
        codes = [code for plan in self._plans for code in plan.categories]
        return tuple(
            _at_any_time(one, self.scheme.decision.alpha) if is_among(one.category, codes) else one
            for one in rates
        )

    def _tried(self) -> dict[tuple[str, str], tuple[Trials, ...]]:
        """Return the trials of the plans' items by line and profile."""
        return trials_by_line_profile(self._make_judge().verdicts(self._observations()))

    def _observations(self) -> Iterator[Observation]:
        """Yield the observations of the plans' items, and of all attempts that are no items."""
        codes = [code for plan in self._plans for code in plan.categories]
        for one in self._journal.observations():
            if one.role != "item" or is_among(one.item.category, codes):
                yield one

    def _decide_one(self, measurement: Measurement, tried: tuple[Trials, ...]) -> Measurement:
        overlap = self._overlaps.get(measurement.requirement.id)
        if overlap is None:
            return measurement
        if overlap.decides:
            return self._with_test(overlap.within, measurement, tried)
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

    def _with_test(
        self, number: int, measurement: Measurement, tried: tuple[Trials, ...]
    ) -> Measurement:
        """Return the measurement with the test of its plan, and the p-value of a failure by it.

        Several sources have a test each, and one that fails is enough (Bonferroni). Where batches
        are missing nothing speaks against the service.
        """
        tests = self._repeat_tests(number, measurement, tried)
        is_whole = self._is_whole(number, measurement.profile)
        p_value = min((test.p_value for test in tests), default=1.0) * len(tests)
        return replace(
            measurement,
            sequential=self._result(number, tests, is_whole=is_whole),
            metric=replace(
                measurement.metric, p_value=min(1.0, p_value) if is_whole and tests else 1.0
            ),
        )

    def _repeat_tests(
        self, number: int, measurement: Measurement, tried: tuple[Trials, ...]
    ) -> tuple[PlanTest, ...]:
        """Repeat the test of a plan over the items that the requirement counts, by source."""
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
                test.add(one.item, one.item_result(measure.probes))
        return tuple(tests.values())

    def _result(self, number: int, tests: tuple[PlanTest, ...], *, is_whole: bool) -> Sequential:
        plan = self._plans[number - 1]
        decision, why = combine_decisions(test.decision for test in tests), ""
        if not is_whole:
            why = "batches are missing on which the decision rests: go on with the measurement"
        elif decision == "continue":
            why = f"the items at hand show neither a rate of {plan.bad:g} nor a lower one"
        return Sequential(
            plan=number,
            bad=plan.bad,
            good=plan.good,
            alpha=plan.alpha,
            beta=plan.beta,
            decision="continue" if why else decision,
            blocked=sum(test.blocked for test in tests),
            missed=sum(test.missed for test in tests),
            doubtful=sum(test.doubtful for test in tests),
            why_open=why,
        )

    def _is_whole(self, number: int, profile: str) -> bool:
        """Whether no batch is missing up to the plan's decision, or up to the campaign's end."""
        stop = self._stops.get((number, profile))
        last = stop.settled if stop is not None else self._batches_planned
        return self._batches_held.issuperset(range(1, last + 1))

    def _with_sequential_rule(self, requirement: Requirement) -> Requirement:
        overlap = self._overlaps.get(requirement.id)
        is_rate = overlap is not None and overlap.within
        return requirement.model_copy(update={"rule": "sequential"}) if is_rate else requirement


def bounded_at_any_time(campaign: Campaign, scheme: Scheme) -> frozenset[str]:
    """Return ids of requirements whose items all lie in one plan that does not decide them."""
    overlaps = _plan_overlaps(campaign, scheme).items()
    return frozenset(name for name, overlap in overlaps if overlap.within and not overlap.decides)


def _plan_overlaps(campaign: Campaign, scheme: Scheme) -> dict[str, _PlanOverlap]:
    """Return the overlap of each requirement that counts items of a plan, by requirement id."""
    if campaign.stopping is None:
        return {}
    phases = {campaign.phase_of(profile) for profile in campaign.profiles}
    overlaps = {}
    for requirement in scheme.requirements:
        overlap = _plan_overlap(campaign.stopping.plans, requirement, scheme, phases)
        if overlap.plans and requirement.rule not in NEVER_GRANTING:
            overlaps[requirement.id] = overlap
    return overlaps


def _plan_overlap(
    declared_plans: Sequence[StoppingPlan],
    requirement: Requirement,
    scheme: Scheme,
    phases: set[str],
) -> _PlanOverlap:
    measure, policy = requirement.measure, scheme.policy
    named = {code for plan in declared_plans for code in plan.categories}
    counted = {
        code
        for code in {*policy.rows, *measure.categories, *named}
        if any(counts_category(measure, policy, code, phase) for phase in phases)
    }
    holds = {
        number: {code for code in counted if is_among(code, plan.categories)}
        for number, plan in enumerate(declared_plans, 1)
    }
    plans = tuple(number for number, codes in holds.items() if codes)
    holding_all = [number for number in plans if holds[number] == counted]
    if not holding_all or not spec_of(measure.metric).is_rate or requirement.rule not in _RATES:
        return _PlanOverlap(plans=plans)
    decides = _is_declared_for(declared_plans[holding_all[0] - 1], requirement, scheme)
    return _PlanOverlap(plans=plans, within=holding_all[0], decides=decides)


_RATES = frozenset({"guarded", "sequential"})


def _is_declared_for(plan: StoppingPlan, requirement: Requirement, scheme: Scheme) -> bool:
    """Whether plan and requirement have the same categories and threshold, at no larger alpha."""
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
    """Return why a rate by domains cannot decide after stopping.

    Where a domain has several items, which of them were tried depends on earlier results, so the
    domain's own rate is biased until all its items were tried.
    """
    return f"{_stop_reason(stop)}, and some domains may be tried only in part"


def _stop_reason(stop: Stop) -> str:
    what = f"stopping plan {stop.plan} ended the test of {', '.join(stop.categories)}"
    return f"{what} for {stop.profile}: {stop.untried} items were not tried"
