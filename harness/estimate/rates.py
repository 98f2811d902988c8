"""Rates and counts over items: how many were blocked, missed or wrongly blocked.

Names follow Resnick et al., CACM 47(9) (2004): ``block_rate`` is one minus the bad-sites
underblock rate, ``overblock_rate`` is the OK-sites overblock rate. Both divide by the items
that were drawn, never by what the filter let through (ALA v. United States, 2002).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from harness.estimate.interval_choice import Bounded, bounded
from harness.estimate.intervals import Bounds
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import Lot, Sorted, sort_lots
from harness.model.metric import NOT_IMPLEMENTED, Metric
from harness.model.outcome_group import Adverse
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
"""Ways of blocking that tell the user so (RFC 7725 section 3), unlike a reset or silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A metric, and where the verdicts are that speak against the service."""

    metric: Metric
    adverse: tuple[Adverse, ...] = ()


def block_rate(selection: Selection) -> Taken:
    """The share of items that were blocked; k counts the blocked."""
    found = sorted_blocks(selection)
    of = _bounded(selection, found.favourable, found.adverse, found.indeterminate)
    taken = rate("block_rate", found.right, found, of, selection.alpha)
    taken = _with_worst(taken, selection, found, found.favourable, found.adverse)
    return replace(taken, adverse=_against(found, State.ALLOWED, selection))


def overblock_rate(selection: Selection) -> Taken:
    """The share of items that were blocked although they must be allowed; k counts those."""
    found = sorted_overblocks(selection)
    of = _bounded(selection, found.adverse, found.favourable, found.indeterminate)
    taken = rate("overblock_rate", found.wrong, found, of, selection.alpha)
    taken = _with_worst(taken, selection, found, found.adverse, found.favourable)
    return replace(taken, adverse=_against(found, State.BLOCKED, selection))


def missed(selection: Selection) -> Taken:
    """The number of items that got through; every item counts, none is sampled."""
    found = sorted_blocks(selection)
    taken = count("missed", found, selection.alpha)
    return replace(taken, adverse=_against(found, State.ALLOWED, selection))


def overblocked(selection: Selection) -> Taken:
    """The number of items that were blocked although they must be allowed."""
    found = sorted_overblocks(selection)
    taken = count("overblocked", found, selection.alpha)
    return replace(taken, adverse=_against(found, State.BLOCKED, selection))


def explicit_share(selection: Selection) -> Taken:
    """The share of blocked items whose block said what it was, with each probe; k counts them."""
    explicit: list[Lot] = []
    silent: list[Lot] = []
    adverse: list[Adverse] = []
    for lot in selection.lots:
        blocks = [one for one in lot.of(selection.measure.probes) if one.state is State.BLOCKED]
        dumb = tuple(one.probe for one in blocks if one.mechanism not in EXPLICIT)
        if dumb:
            silent.append(lot)
            adverse.append(lot.against(State.BLOCKED, dumb))
        elif blocks:
            explicit.append(lot)
    found = Sorted(
        adverse=tuple(silent),
        favourable=tuple(explicit),
        indeterminate=(),
        mechanisms=sorted_blocks(selection).mechanisms,
    )
    of = _bounded(selection, explicit, silent, ())
    taken = rate("explicit_share", found.right, found, of, selection.alpha)
    return replace(taken, adverse=tuple(adverse))


def sorted_blocks(selection: Selection) -> Sorted:
    """The items sorted for "must be blocked"."""
    return sort_lots(selection.lots, State.ALLOWED, State.BLOCKED, selection.measure.probes)


def sorted_overblocks(selection: Selection) -> Sorted:
    """The items sorted for "must be allowed"."""
    return sort_lots(selection.lots, State.BLOCKED, State.ALLOWED, selection.measure.probes)


def rate(name: str, k: int, found: Sorted, of: Bounded, alpha: float) -> Taken:
    """A share of ``k`` among the decided items, as a metric."""
    value = k / found.n if found.n else None
    return _taken(name, "share", value, k, found, of, alpha)


def count(name: str, found: Sorted, alpha: float) -> Taken:
    """The number of adverse items, as a metric; its bounds are what is certain and possible."""
    k = found.wrong
    bounds = Bounds(None, None)
    if found.n:
        bounds = Bounds(float(k), float(k + found.doubtful))
    value = float(k) if found.n else None
    return _taken(name, "items", value, k, found, Bounded(bounds=bounds, method=CENSUS), alpha)


def not_taken(name: str, unit: str, alpha: float) -> Taken:
    """A metric that this version cannot take: present, and never a pass."""
    found = Sorted(adverse=(), favourable=(), indeterminate=())
    of = Bounded(bounds=Bounds(None, None), method=NOT_IMPLEMENTED)
    return _taken(name, unit, None, 0, found, of, alpha)


def _taken(
    name: str, unit: str, value: float | None, k: int, found: Sorted, of: Bounded, alpha: float
) -> Taken:
    metric = Metric(
        name=name,
        unit=unit,
        value=value,
        k=k,
        n=found.n,
        indeterminate=found.doubtful,
        lower=of.bounds.lower,
        upper=of.bounds.upper,
        method=of.method,
        alpha=alpha,
        left_out={"down": found.down} if found.down else {},
        mechanisms=found.mechanisms,
        spread=of.spread,
        pooled=of.pooled,
        p_value=of.p_value,
        decided=of.decided,
        alone=of.alone,
        unnamed=of.unnamed,
    )
    return Taken(metric=metric)


def _with_worst(
    taken: Taken, selection: Selection, found: Sorted, counted: Iterable[Lot], others: Iterable[Lot]
) -> Taken:
    """With the bounds that hold whatever the items that were left out really are."""
    if not found.dead:
        return taken
    open_ = (*found.indeterminate, *found.dead)
    bounds = _bounded(selection, counted, others, open_).bounds
    return replace(taken, metric=replace(taken.metric, worst=(bounds.lower, bounds.upper)))


def _against(found: Sorted, state: State, selection: Selection) -> tuple[Adverse, ...]:
    return tuple(lot.against(state, selection.measure.probes) for lot in found.adverse)


def _bounded(
    selection: Selection, counted: Iterable[Lot], others: Iterable[Lot], doubtful: Iterable[Lot]
) -> Bounded:
    wanted = selection.requirement
    return bounded(
        selection.domains,
        counted,
        others,
        doubtful,
        wanted.rule,
        selection.alpha,
        wanted.threshold,
    )
