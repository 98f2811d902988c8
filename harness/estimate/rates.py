"""Rates and counts over items: how many were blocked, missed or wrongly blocked.

Names follow Resnick et al., CACM 47(9) (2004): ``block_rate`` is one minus the bad-sites
underblock rate, ``overblock_rate`` is the OK-sites overblock rate. Both divide by the items that
were drawn, not by the items that the filter let through.

``of_required_kind`` restricts metrics of lines and profiles to the items that a requirement rests
on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import wraps

from harness.estimate.interval_choice import RateBounds, order_of_trial, rate_bounds
from harness.estimate.intervals import Bounds
from harness.estimate.item_selection import ProfileSelection, Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult, classify_results
from harness.model.block_flaw import BlockFlaw
from harness.model.condition import Condition
from harness.model.metric import NOT_IMPLEMENTED, Metric, Source
from harness.model.outcome import Witness
from harness.model.outcome_group import Adverse, ProbeState
from harness.model.people_answer import PeopleEvidence
from harness.model.verdict import Mechanism, State

CENSUS = "census"

EXPLICIT = frozenset(
    {
        Mechanism.BLOCK_PAGE,
        Mechanism.HTTP_451,
        Mechanism.PROXY_REFUSAL,
        Mechanism.REDIRECT,
        Mechanism.TLS_INTERCEPT_PAGE,
    }
)
"""Mechanisms that tell the user of the block (RFC 7725 section 3), unlike a reset or silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMetric:
    """A metric, with references to the verdicts against the service.

    ``witnesses`` are trials against the service that are no verdicts of items. ``barred`` says why
    the metric cannot show conformity, where something was not declared. ``conditions`` must hold
    beside the metric. ``people`` is what people stated, if the metric rests on that.
    """

    metric: Metric
    adverse: tuple[Adverse, ...] = ()
    barred: str = ""
    conditions: tuple[Condition, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    people: PeopleEvidence | None = None


def block_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of items that were blocked; k counts these."""
    classified = classify_blocks(selection)
    interval = _rate_bounds(
        selection, classified.favourable, classified.adverse, classified.indeterminate
    )
    measured = rate("block_rate", classified.right, classified, interval, selection.alpha)
    measured = _with_worst_case(
        measured, selection, classified, classified.favourable, classified.adverse
    )
    return replace(measured, adverse=_adverse(classified, State.ALLOWED, selection))


def overblock_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of must-allow items that were blocked; k counts these."""
    classified = classify_overblocks(selection)
    interval = _rate_bounds(
        selection, classified.adverse, classified.favourable, classified.indeterminate
    )
    measured = rate("overblock_rate", classified.wrong, classified, interval, selection.alpha)
    measured = _with_worst_case(
        measured, selection, classified, classified.adverse, classified.favourable
    )
    return replace(measured, adverse=_adverse(classified, State.BLOCKED, selection))


def exposed_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of harmful items that got through; k counts these."""
    classified = classify_blocks(selection)
    interval = _rate_bounds(
        selection, classified.adverse, classified.favourable, classified.indeterminate
    )
    measured = rate("exposed_rate", classified.wrong, classified, interval, selection.alpha)
    measured = _with_worst_case(
        measured, selection, classified, classified.adverse, classified.favourable
    )
    return replace(measured, adverse=_adverse(classified, State.ALLOWED, selection))


def handled_rate(
    selection: Selection, expects: Callable[[GroupResult], str | None]
) -> MeasuredMetric:
    """Compute the share of items that were blocked or allowed as ``expects`` says of each.

    Items of which it says neither are not counted.
    """
    classified = classify_handled(selection, expects)
    good, bad = classified.favourable, classified.adverse
    interval = _rate_bounds(selection, good, bad, classified.indeterminate)
    measured = rate("handled_rate", classified.right, classified, interval, selection.alpha)
    measured = _with_worst_case(measured, selection, classified, good, bad)
    return replace(measured, adverse=as_expected(selection, bad, expects))


def mishandled(selection: Selection) -> MeasuredMetric:
    """Count the items that were blocked or allowed against the policy: a census."""

    def expects(result: GroupResult) -> str | None:
        return selection.expects(result.category)

    classified = classify_handled(selection, expects)
    measured = count("mishandled", classified, selection.alpha)
    return replace(measured, adverse=as_expected(selection, classified.adverse, expects))


def classify_handled(
    selection: Selection, expects: Callable[[GroupResult], str | None]
) -> ClassifiedResults:
    """Classify the items by what ``expects`` says of each: "block", "allow", or not counted."""
    probes = selection.measure.probes
    blocks, allows = (
        classify_results(
            (each for each in selection.results if expects(each) == expected), bad, good, probes
        )
        for expected, bad, good in (
            ("block", State.ALLOWED, State.BLOCKED),
            ("allow", State.BLOCKED, State.ALLOWED),
        )
    )
    return ClassifiedResults(
        adverse=blocks.adverse + allows.adverse,
        favourable=blocks.favourable + allows.favourable,
        indeterminate=blocks.indeterminate + allows.indeterminate,
        dead=blocks.dead + allows.dead,
        down=blocks.down + allows.down,
        mechanisms=dict(Counter(blocks.mechanisms) + Counter(allows.mechanisms)),
    )


def as_expected(
    selection: Selection,
    adverse: Iterable[GroupResult],
    expects: Callable[[GroupResult], str | None],
) -> tuple[Adverse, ...]:
    """Return references to the verdicts of ``adverse``, which were not as ``expects`` says."""
    return tuple(
        each.as_adverse(
            State.ALLOWED if expects(each) == "block" else State.BLOCKED, selection.measure.probes
        )
        for each in adverse
    )


def missed(selection: Selection) -> MeasuredMetric:
    """Count the items that got through: a census, without sampling error."""
    classified = classify_blocks(selection)
    measured = count("missed", classified, selection.alpha)
    return replace(measured, adverse=_adverse(classified, State.ALLOWED, selection))


def overblocked(selection: Selection) -> MeasuredMetric:
    """Count the must-allow items that were blocked: a census, without sampling error."""
    classified = classify_overblocks(selection)
    measured = count("overblocked", classified, selection.alpha)
    return replace(measured, adverse=_adverse(classified, State.BLOCKED, selection))


def explicit_share(selection: Selection) -> MeasuredMetric:
    """Compute the share of blocked items whose block was announced with every probe.

    Results that a search engine left out in its safe mode are no block that a user can see.
    """
    explicit: list[GroupResult] = []
    silent: list[GroupResult] = []
    adverse: list[Adverse] = []
    for result in selection.results:
        blocks = [
            one
            for one in result.for_probes(selection.measure.probes)
            if one.state is State.BLOCKED and one.mechanism is not Mechanism.SAFE_MODE
        ]
        silent_probes = tuple(one.probe for one in blocks if not _is_announced(one))
        if silent_probes:
            silent.append(result)
            adverse.append(result.as_adverse(State.BLOCKED, silent_probes))
        elif blocks:
            explicit.append(result)
    classified = ClassifiedResults(
        adverse=tuple(silent),
        favourable=tuple(explicit),
        indeterminate=(),
        mechanisms=classify_blocks(selection).mechanisms,
    )
    return replace(share(selection, "explicit_share", classified), adverse=tuple(adverse))


def _is_announced(block: ProbeState) -> bool:
    """Whether a block says what it is; by its mechanism, if its flaws are not known."""
    if block.flaws is None:
        return block.mechanism in EXPLICIT
    return BlockFlaw.UNANNOUNCED not in BlockFlaw(block.flaws)


def share(selection: Selection, name: str, classified: ClassifiedResults) -> MeasuredMetric:
    """Return the share of favourable items, with its bounds."""
    interval = _rate_bounds(
        selection, classified.favourable, classified.adverse, classified.indeterminate
    )
    return rate(name, classified.right, classified, interval, selection.alpha)


def classify_blocks(selection: Selection) -> ClassifiedResults:
    """Classify the items for "must be blocked"."""
    return classify_results(
        selection.results, State.ALLOWED, State.BLOCKED, selection.measure.probes
    )


def classify_overblocks(selection: Selection) -> ClassifiedResults:
    """Classify the items for "must be allowed"."""
    return classify_results(
        selection.results, State.BLOCKED, State.ALLOWED, selection.measure.probes
    )


def rate(
    name: str, k: int, classified: ClassifiedResults, interval: RateBounds, alpha: float
) -> MeasuredMetric:
    """Return the share of ``k`` among the decided items, as a metric."""
    value = k / classified.n if classified.n else None
    return _measured(name, "share", value, k, classified, interval, alpha)


def count(name: str, classified: ClassifiedResults, alpha: float) -> MeasuredMetric:
    """Return the number of adverse items; the upper bound adds the indeterminate ones."""
    k = classified.wrong
    bounds = Bounds(None, None)
    if classified.n:
        bounds = Bounds(float(k), float(k + classified.doubtful))
    value = float(k) if classified.n else None
    return _measured(
        name, "items", value, k, classified, RateBounds(bounds=bounds, method=CENSUS), alpha
    )


def not_implemented(name: str, unit: str, alpha: float) -> MeasuredMetric:
    """Return an empty metric for one that is not implemented; it never passes."""
    classified = ClassifiedResults(adverse=(), favourable=(), indeterminate=())
    interval = RateBounds(bounds=Bounds(None, None), method=NOT_IMPLEMENTED)
    return _measured(name, unit, None, 0, classified, interval, alpha)


def _measured(
    name: str,
    unit: str,
    value: float | None,
    k: int,
    classified: ClassifiedResults,
    interval: RateBounds,
    alpha: float,
) -> MeasuredMetric:
    metric = Metric(
        name=name,
        unit=unit,
        value=value,
        k=k,
        n=classified.n,
        indeterminate=classified.doubtful,
        lower=interval.bounds.lower,
        upper=interval.bounds.upper,
        method=interval.method,
        alpha=alpha,
        left_out={"down": classified.down} if classified.down else {},
        mechanisms=classified.mechanisms,
        spread=interval.spread,
        pooled=interval.pooled,
        p_value=interval.p_value,
        decided=interval.decided,
        alone=interval.alone,
        unnamed=interval.unnamed,
    )
    return MeasuredMetric(metric=metric)


def _with_worst_case(
    measured: MeasuredMetric,
    selection: Selection,
    classified: ClassifiedResults,
    counted: Iterable[GroupResult],
    others: Iterable[GroupResult],
) -> MeasuredMetric:
    """Add the bounds that hold whatever the items dead on the control really are."""
    if not classified.dead:
        return measured
    open_ = (*classified.indeterminate, *classified.dead)
    bounds = _rate_bounds(selection, counted, others, open_).bounds
    return replace(measured, metric=replace(measured.metric, worst=(bounds.lower, bounds.upper)))


def _adverse(
    classified: ClassifiedResults, state: State, selection: Selection
) -> tuple[Adverse, ...]:
    return tuple(
        result.as_adverse(state, selection.measure.probes) for result in classified.adverse
    )


def _rate_bounds(
    selection: Selection,
    counted: Iterable[GroupResult],
    others: Iterable[GroupResult],
    doubtful: Iterable[GroupResult],
) -> RateBounds:
    wanted = selection.requirement
    return rate_bounds(
        selection.domains,
        counted,
        others,
        doubtful,
        wanted.rule,
        selection.alpha,
        wanted.threshold,
        order=order_of_trial(selection.verdict_counts, selection.profile, selection.campaign),
    )


def of_required_kind(
    metric_function: Callable[[Selection], MeasuredMetric],
) -> Callable[[Selection], MeasuredMetric]:
    """Restrict a metric of lines and profiles to the kind of items a requirement rests on.

    The metric is computed from the items of that kind. It is also computed for each other source of
    items (kind, known or hidden), and the worst of these results stands: evidence from another kind
    cannot show conformity, but a contradiction counts wherever it occurs.
    """

    @wraps(metric_function)
    def worst(selection: Selection) -> MeasuredMetric:
        of_pack = selection.sources.of_pack
        sources = sorted({of_pack(result.group.pack) for result in selection.results})
        if len(sources) < 2:  # noqa: PLR2004 - several
            return metric_function(selection)
        basis = set(selection.basis.sources)
        own = metric_function(_restricted(selection, basis))
        others = [
            metric_function(_restricted(selection, {one})) for one in sources if one not in basis
        ]
        return max((own, *others), key=_wrong)

    return worst


def _wrong(measured: MeasuredMetric) -> int:
    """Return how many items went wrong.

    Of a share, ``k`` counts the items that went right; of anything else, those that went wrong.
    """
    metric = measured.metric
    if metric.unit == "share":
        return metric.n - metric.k
    return metric.k if metric.n else 0


def _restricted(selection: Selection, sources: set[Source]) -> Selection:
    """Return the selection restricted to items of these sources."""

    def kept(results: Iterable[GroupResult]) -> tuple[GroupResult, ...]:
        return tuple(
            result for result in results if selection.sources.of_pack(result.group.pack) in sources
        )

    def all_kept(
        selections: Callable[[], tuple[ProfileSelection, ...]],
    ) -> Callable[[], tuple[ProfileSelection, ...]]:
        return lambda: tuple(replace(one, results=kept(one.results)) for one in selections())

    return replace(
        selection,
        results=kept(selection.results),
        profile_selections=all_kept(selection.profile_selections),
        everywhere=all_kept(selection.everywhere),
    )
