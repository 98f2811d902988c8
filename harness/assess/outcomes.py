"""Compare each measurement with its requirement: conforms, does not conform, or insufficient.

The decision rule is agreed before the test and printed with each outcome (ISO/IEC 17025:2017,
7.8.6). It is a guarded decision (ILAC-G8:2019) on exact one-sided bounds: conformity must hold with
every indeterminate item counted against the service, non-conformity with every one in its favour.
``RULES`` maps rule names to functions; ``bar_incomplete`` bars incomplete campaigns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from harness.assess.gates import apply_gates
from harness.model.coverage import (
    bounds_in_words,
    census_gaps,
    format_threshold,
    format_value,
    known_beside_hidden,
    left_out,
    meets_threshold,
    misses_threshold,
    pooled_shortfall,
    shortfall,
    shortfalls,
    undecided,
)
from harness.model.metric import (
    CANNOT_DECIDE,
    CANNOT_MEASURE,
    COMPARED,
    LABORATORIES_DIFFERING,
    NOT_CARRIED,
    NOT_IMPLEMENTED,
    PEOPLE_JUDGE,
    FailureClaim,
    Metric,
    Span,
    failure_claims,
)
from harness.model.metric_spec import spec_of
from harness.model.outcome import (
    Conformity,
    Measurement,
    Outcome,
    Precondition,
    Sequential,
    none_held,
)
from harness.model.people_metric_specs import JUDGED_BY_PEOPLE
from harness.model.plain_twin import DONE
from harness.model.scheme import ITEM_BY_ITEM, Decision, Requirement, Threshold
from harness.ports.storage import Journal


@dataclass(frozen=True, slots=True)
class _Ruling:
    """A conformity, with the direction and the reasons of an insufficient one."""

    conformity: Conformity
    leaning: str = ""
    reasons: tuple[str, ...] = ()


def assess(
    measurements: Iterable[Measurement],
    decision: Decision,
    preconditions: tuple[Precondition, ...] = (),
) -> tuple[Outcome, ...]:
    """Return one outcome for each measurement, in order.

    Gates come first: what an unmet one guards is insufficient (``harness.assess.gates``).
    Conformity needs no correction for multiple tests. A binding requirement fails only if it does
    so after Holm's correction over all binding rows that a sample decides (``is_sampled``).
    """
    measured = tuple(measurements)
    claims = failure_claims(
        {
            position: (p_value, measurement.metric.alpha)
            for position, measurement in enumerate(measured)
            if measurement.requirement.binding and measurement.metric.n
            if is_sampled(measurement.requirement)
            if (p_value := _p_value(measurement)) is not None
        }
    )
    return apply_gates(
        _assess_one(measurement, decision, preconditions, claims.get(position))
        for position, measurement in enumerate(measured)
    )


def is_sampled(requirement: Requirement) -> bool:
    """Whether sampling error can make a requirement fail, so that Holm's correction is for it."""
    spec = spec_of(requirement.measure.metric)
    return requirement.rule in SAMPLED or (
        spec.has_sampled_limit and requirement.rule in ITEM_BY_ITEM
    )


def _p_value(measurement: Measurement) -> float | None:
    """Return the p-value of a row; where a metric states none, the least that its bounds allow.

    Bounds at level alpha that miss the threshold have a p-value of at most alpha: so a metric
    without one (of a plug-in) stands under the correction as well.
    """
    metric, threshold = measurement.metric, measurement.requirement.threshold
    if metric.p_value is not None or measurement.requirement.rule not in SAMPLED:
        return metric.p_value
    is_missed = threshold is not None and misses_threshold(
        threshold, Span(metric.lower, metric.upper)
    )
    return metric.alpha if is_missed else 1.0


def _assess_one(
    measurement: Measurement,
    decision: Decision,
    preconditions: tuple[Precondition, ...],
    claim: FailureClaim | None,
) -> Outcome:
    requirement, metric = measurement.requirement, measurement.metric
    ruling = _with_conditions(_ruling(measurement, decision, claim), measurement)
    here = [one for one in preconditions if one.concerns(measurement.line, measurement.profile)]
    failed = tuple(dict.fromkeys(f"{one.name}: {one.detail}" for one in here if not one.held))
    conforms = ruling.conformity is Conformity.CONFORMS
    if none_held(here) and ruling.conformity is not Conformity.INSUFFICIENT:
        leaning = "pass" if conforms else "fail"
        ruling = _Ruling(Conformity.INSUFFICIENT, leaning, ("no precondition of the test was met",))
    elif conforms and any(one.voids and not one.held for one in here):
        ruling = _Ruling(
            Conformity.INSUFFICIENT,
            "pass",
            ("a precondition of the test failed, so no favourable outcome counts",),
        )
    if ruling.conformity is Conformity.INSUFFICIENT:
        ruling = _Ruling(ruling.conformity, ruling.leaning, ruling.reasons + failed)
    return Outcome(
        requirement=requirement,
        profile=measurement.profile,
        line=measurement.line,
        conformity=ruling.conformity,
        metric=metric,
        decided_by=describe(requirement, metric, decision, measurement.sequential)
        + (f"; to fail: {claim.description}" if claim and claim.rows > 1 else "")
        + "".join(f"; {condition.words}" for condition in measurement.conditions),
        leaning=ruling.leaning if ruling.conformity is Conformity.INSUFFICIENT else "",
        reasons=ruling.reasons + _known_items_reasons(measurement, decision) + _left_out(metric),
        witnesses=measurement.witnesses,
        sequential=measurement.sequential,
        kind=measurement.kind,
        qualifier=measurement.qualifier if ruling.conformity is Conformity.CONFORMS else "",
        people=measurement.people,
    )


def _with_conditions(ruling: _Ruling, measurement: Measurement) -> _Ruling:
    """Return a ruling with what the requirement asks for beside its metric."""
    if measurement.requirement.rule == "report":
        return ruling
    broken = tuple(one.words for one in measurement.conditions if one.held is False)
    if broken:
        return _Ruling(Conformity.DOES_NOT_CONFORM, "", broken)
    unseen = tuple(one.words for one in measurement.conditions if one.held is None)
    if not unseen or ruling.conformity is Conformity.DOES_NOT_CONFORM:
        return ruling
    leaning = "pass" if ruling.conformity is Conformity.CONFORMS else ruling.leaning
    return _Ruling(Conformity.INSUFFICIENT, leaning, (*ruling.reasons, *unseen))


def _known_items_reasons(measurement: Measurement, decision: Decision) -> tuple[str, ...]:
    ruled = partial(_rule, measurement.requirement, decision=decision)
    return known_beside_hidden(
        measurement, lambda part: ruled(part).conformity is Conformity.CONFORMS
    )


def _ruling(measurement: Measurement, decision: Decision, claim: FailureClaim | None) -> _Ruling:
    """Return the ruling of the declared stopping test, or of the requirement's own rule."""
    ruling = _rule(measurement.requirement, measurement.metric, decision)
    is_failing = ruling.conformity is Conformity.DOES_NOT_CONFORM
    if is_failing and claim is not None and not claim.is_proven:
        why = f"not met if looked at alone, but not surely among all outcomes ({claim.description})"
        ruling = _Ruling(Conformity.INSUFFICIENT, "fail", (why,))
    if measurement.sequential is not None and measurement.metric.n:
        return _sequential_ruling(measurement.sequential, measurement, decision, claim)
    fails = ruling.conformity is Conformity.DOES_NOT_CONFORM
    if not measurement.barred or (fails and measurement.requirement.rule in ITEM_BY_ITEM):
        return ruling
    leans = "pass" if ruling.conformity is Conformity.CONFORMS else "fail" if fails else ""
    reasons = (measurement.barred, *ruling.reasons)
    return _Ruling(Conformity.INSUFFICIENT, leans or ruling.leaning, reasons)


def _sequential_ruling(
    test: Sequential, measurement: Measurement, decision: Decision, claim: FailureClaim | None
) -> _Ruling:
    """Return the ruling of a declared test, which may end either way.

    It alone gives conformity, which still needs the agreed number of items and share of decided
    items. A failure needs its p-value, which holds at any time, to be proven among all rows; it
    may be so before the test ends, when all items were tried.
    """
    requirement, metric = measurement.requirement, measurement.metric
    p_value = 1.0 if metric.p_value is None else metric.p_value
    is_proven = p_value <= metric.alpha if claim is None else claim.is_proven
    if test.decision != "pass" and is_proven:
        return _Ruling(Conformity.DOES_NOT_CONFORM)
    if test.decision == "fail":
        among = claim.description if claim is not None else f"p {p_value:.2g}"
        why = f"stopping plan {test.plan} ended against the service, but not surely among all "
        return _Ruling(Conformity.INSUFFICIENT, "fail", (f"{why}outcomes ({among})",))
    plainly = requirement.model_copy(update={"rule": "functional"})  # no bound needs its own number
    doubts = _doubts(plainly, metric, decision)
    if test.decision != "pass":
        return _Ruling(Conformity.INSUFFICIENT, "", (test.why_open, *doubts))
    return _Ruling(Conformity.INSUFFICIENT if doubts else Conformity.CONFORMS, "pass", doubts)


def _rule(requirement: Requirement, metric: Metric, decision: Decision) -> _Ruling:
    """Apply the requirement's decision rule; insufficient if it cannot be applied."""
    if metric.method == NOT_IMPLEMENTED:
        why = COMPARED if metric.name == LABORATORIES_DIFFERING else CANNOT_MEASURE
        return _Ruling(Conformity.INSUFFICIENT, "", (why,))
    if requirement.rule == "report":
        return _Ruling(Conformity.INSUFFICIENT, "", ("for information only: nothing is decided",))
    rule = RULES.get(requirement.rule)
    if rule is None or requirement.threshold is None:
        return _Ruling(Conformity.INSUFFICIENT, "", (CANNOT_DECIDE,))
    if metric.n == 0:
        return _Ruling(Conformity.INSUFFICIENT, "", (_nothing(metric),))
    return rule(requirement, requirement.threshold, metric, decision)


def _guarded(
    requirement: Requirement, threshold: Threshold, metric: Metric, decision: Decision
) -> _Ruling:
    """Conform if the near bound meets the threshold, fail if the far bound does not."""
    bounds = Span(metric.lower, metric.upper)
    values = [metric.value, metric.spread.rate] if metric.spread else [metric.value]
    is_passing = all(_meets(threshold, value) for value in values)
    leaning = "pass" if is_passing else "fail"
    if misses_threshold(threshold, bounds):
        return _Ruling(Conformity.DOES_NOT_CONFORM)
    doubts = _doubts(requirement, metric, decision)
    if not meets_threshold(threshold, bounds) and not _too_few(requirement, metric):
        doubts = (shortfall(metric, threshold, is_passing=is_passing), *doubts)
    if doubts:
        return _Ruling(Conformity.INSUFFICIENT, leaning, doubts)
    return _Ruling(Conformity.CONFORMS)


def _item_by_item(
    requirement: Requirement, threshold: Threshold, metric: Metric, _: Decision
) -> _Ruling:
    """Decide by the observed value; one undecided item forbids conformity."""
    if not _meets(threshold, metric.value):
        return _Ruling(Conformity.DOES_NOT_CONFORM)
    doubts = _too_few(requirement, metric)
    if metric.indeterminate:
        doubts += (f"{metric.indeterminate} items could not be decided; every item counts here",)
    if requirement.rule == "census":
        doubts += census_gaps(metric)
    if doubts:
        return _Ruling(Conformity.INSUFFICIENT, "pass", doubts)
    return _Ruling(Conformity.CONFORMS)


def _evidence(_: Requirement, threshold: Threshold, metric: Metric, __: Decision) -> _Ruling:
    """Compare the value that two people stated; their conditions are looked at afterwards."""
    if metric.name not in JUDGED_BY_PEOPLE:
        return _Ruling(Conformity.INSUFFICIENT, "", (CANNOT_DECIDE,))
    if metric.value is None:
        return _Ruling(Conformity.INSUFFICIENT)
    if not _meets(threshold, metric.value):
        return _Ruling(Conformity.DOES_NOT_CONFORM)
    return _Ruling(Conformity.CONFORMS)


def _gate(requirement: Requirement, threshold: Threshold, metric: Metric, _: Decision) -> _Ruling:
    """Check the quality of the evidence: conforms or insufficient, never a failure."""
    doubts = _too_few(requirement, metric)
    is_shown = spec_of(metric.name).bounds == "shown"
    ends = Span(metric.lower, metric.upper) if is_shown else Span(metric.value, metric.value)
    if not meets_threshold(threshold, ends):
        said = f"{format_value(metric.value, metric.unit)} was measured"
        said += f", which shows {_bounds(metric)}" if is_shown else ""
        doubts += (f"{said}; {format_threshold(threshold, metric.unit)} is required",)
    return _Ruling(Conformity.INSUFFICIENT, "", doubts) if doubts else _Ruling(Conformity.CONFORMS)


RULES: dict[str, Callable[[Requirement, Threshold, Metric, Decision], _Ruling]] = {
    "guarded": _guarded,
    "quantile": _guarded,
    "noninferiority": _guarded,
    "survival": _guarded,
    "availability": _guarded,
    "sequential": _guarded,
    "census": _item_by_item,
    "functional": _item_by_item,
    "grade": _item_by_item,
    "evidence": _evidence,
    "gate": _gate,
}
"""The decision rules that can be applied, by the name a requirement gives."""

SAMPLED = frozenset(name for name, rule in RULES.items() if rule is _guarded)
"""Rules that are decided by a bound, so that sampling error matters."""

LEFT_OUT = {
    "down": "not working on the unfiltered line either",
    "not paired": "not timed on both lines",
    NOT_CARRIED: "the network of the control line carries neither NAT64 nor 6to4 nor Teredo to the "
    "origin; test where it has a translator, and declare its prefix as nat64_prefix if that is not "
    "64:ff9b::/96",
}
"""Reasons why items are left out, in words."""


def _meets(threshold: Threshold, value: float | None) -> bool:
    """Whether the observed value alone meets the threshold (the historic point rule)."""
    return meets_threshold(threshold, Span(value, value))


def _doubts(requirement: Requirement, metric: Metric, decision: Decision) -> tuple[str, ...]:
    """Return reasons that forbid conformity whatever the bounds are."""
    doubts = _too_few(requirement, metric)
    if requirement.threshold is not None and (
        reason := pooled_shortfall(metric, requirement.threshold)
    ):
        doubts += (reason,)
    doubts += undecided(metric, decision.indeterminate_share_max)
    return doubts + left_out(requirement, metric, decision.left_out_share_max)


def _too_few(requirement: Requirement, metric: Metric) -> tuple[str, ...]:
    if metric.parts:
        return shortfalls(requirement, metric)
    if metric.counted >= requirement.n_min:
        return ()
    what = "items" if metric.spread is None else "domains"
    return (f"{metric.counted} {what} were decided; the agreed minimum is {requirement.n_min}",)


def _nothing(metric: Metric) -> str:
    if metric.name in JUDGED_BY_PEOPLE:
        return "what people state decides nothing yet" if metric.indeterminate else PEOPLE_JUDGE
    if metric.indeterminate:
        return f"{metric.indeterminate} items were tried, but none could be decided"
    return "no item for this requirement was measured"


def _left_out(metric: Metric) -> tuple[str, ...]:
    return tuple(
        f"{count} left out: {LEFT_OUT.get(why, why)}" for why, count in metric.left_out.items()
    )


def describe(
    requirement: Requirement, metric: Metric, decision: Decision, test: Sequential | None = None
) -> str:
    """Return the decision rule in words, with the result of the historic point rule."""
    threshold = requirement.threshold
    if test is not None:
        return f"{test.description}; bounds that hold at any time: {_bounds(metric)}"
    if requirement.rule == "report" or threshold is None:
        return "report: for information only, nothing is decided"
    mark = format_threshold(threshold, metric.unit)
    if requirement.rule == "evidence":
        alone = ", as two people state it, each alone" if metric.name in JUDGED_BY_PEOPLE else ""
        return f"evidence: {mark} is required{alone}"
    if requirement.rule in ITEM_BY_ITEM:
        return f"{requirement.rule}: every item counts; {mark} is required, and none undecided"
    if requirement.rule not in RULES or requirement.rule == "gate":
        return f"{requirement.rule}: {mark} is required"
    level = f"{(1 - (requirement.alpha or decision.alpha)) * 100:.6g} %"
    word = "met" if _meets(threshold, metric.value) else "not met"
    point = f"by the measured value alone ({format_value(metric.value, metric.unit)}): {word}"
    rule = f"{requirement.rule}: {mark} must hold for the one-sided {level} confidence bound"
    return f"{rule} ({_bounds(metric)}); {point}"


def _bounds(metric: Metric) -> str:
    return bounds_in_words(Span(metric.lower, metric.upper), metric.unit)


def bar_incomplete(
    measurements: Iterable[Measurement], journal: Journal
) -> tuple[Measurement, ...]:
    """Return the measurements, barred if batches or retrials of the campaign are missing."""
    planned = journal.header.batches_planned
    missing = planned - len(journal.batches() & set(range(1, planned + 1)))
    if missing:
        why = f"the campaign is incomplete: {missing} of {planned} batches are missing"
    elif journal.header.retrials and DONE not in journal.batches():
        why = "the campaign is incomplete: blocked items were not tried again"
    else:
        return tuple(measurements)
    return tuple(replace(one, barred=why) for one in measurements)
