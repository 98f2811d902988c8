"""Rates and counts over items: how many were blocked, missed or wrongly blocked.

Names follow Resnick et al., CACM 47(9) (2004): ``block_rate`` is one minus the bad-sites
underblock rate, ``overblock_rate`` is the OK-sites overblock rate. Both divide by the items
that were drawn, never by what the filter let through (ALA v. United States, 2002).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.metric import NOT_IMPLEMENTED, Metric
from harness.model.verdict import Mechanism, State, Verdict
from harness.stages.estimate.bounding import Bounded, bounded
from harness.stages.estimate.fold import Folded, Sorted, sort_items
from harness.stages.estimate.intervals import Bounds
from harness.stages.estimate.scope import Selection

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
    """A metric, with the verdicts that speak against the service."""

    metric: Metric
    adverse: tuple[Verdict, ...] = ()


def block_rate(selection: Selection) -> Taken:
    """The share of items that were blocked; k counts the blocked."""
    found = sorted_blocks(selection)
    wrong = [verdict.item for verdict in found.adverse]
    of = bounded(
        found.favourable, wrong, found.indeterminate, selection.requirement.rule, selection.alpha
    )
    return rate("block_rate", len(found.favourable), found, of, selection.alpha)


def overblock_rate(selection: Selection) -> Taken:
    """The share of items that were blocked although they must be allowed; k counts those."""
    found = sorted_overblocks(selection)
    wrong = [verdict.item for verdict in found.adverse]
    of = bounded(
        wrong, found.favourable, found.indeterminate, selection.requirement.rule, selection.alpha
    )
    return rate("overblock_rate", len(wrong), found, of, selection.alpha)


def missed(selection: Selection) -> Taken:
    """The number of items that got through; every item counts, none is sampled."""
    return count("missed", sorted_blocks(selection), selection.alpha)


def overblocked(selection: Selection) -> Taken:
    """The number of items that were blocked although they must be allowed."""
    return count("overblocked", sorted_overblocks(selection), selection.alpha)


def explicit_share(selection: Selection) -> Taken:
    """The share of blocked items whose block said what it was, with each probe; k counts them."""
    explicit, adverse = [], []
    for entry in selection.items:
        blocks = _blocks_of(entry, selection.measure.probes)
        dumb = [verdict for verdict in blocks if verdict.mechanism not in EXPLICIT]
        adverse.extend(dumb[:1])
        if blocks and not dumb:
            explicit.append(entry.item)
    found = Sorted(
        adverse=tuple(adverse),
        favourable=tuple(explicit),
        indeterminate=(),
        down=0,
        mechanisms=sorted_blocks(selection).mechanisms,
    )
    wrong = [verdict.item for verdict in adverse]
    of = bounded(explicit, wrong, (), selection.requirement.rule, selection.alpha)
    return rate("explicit_share", len(explicit), found, of, selection.alpha)


def sorted_blocks(selection: Selection) -> Sorted:
    """The items sorted for "must be blocked"."""
    return sort_items(selection.items, State.ALLOWED, State.BLOCKED, selection.measure.probes)


def sorted_overblocks(selection: Selection) -> Sorted:
    """The items sorted for "must be allowed"."""
    return sort_items(selection.items, State.BLOCKED, State.ALLOWED, selection.measure.probes)


def rate(name: str, k: int, found: Sorted, of: Bounded, alpha: float) -> Taken:
    """A share of ``k`` among the decided items, as a metric."""
    value = k / found.n if found.n else None
    return _taken(name, "share", value, k, found, of, alpha)


def count(name: str, found: Sorted, alpha: float) -> Taken:
    """The number of adverse items, as a metric; its bounds are what is certain and possible."""
    k = len(found.adverse)
    bounds = Bounds(None, None)
    if found.n:
        bounds = Bounds(float(k), float(k + len(found.indeterminate)))
    value = float(k) if found.n else None
    return _taken(name, "items", value, k, found, Bounded(bounds=bounds, method=CENSUS), alpha)


def not_taken(name: str, unit: str, alpha: float) -> Taken:
    """A metric that this version cannot take: present, and never a pass."""
    found = Sorted(adverse=(), favourable=(), indeterminate=(), down=0, mechanisms={})
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
        indeterminate=len(found.indeterminate),
        lower=of.bounds.lower,
        upper=of.bounds.upper,
        method=of.method,
        alpha=alpha,
        witnesses=tuple(verdict.item.id for verdict in found.adverse),
        left_out={"down": found.down} if found.down else {},
        mechanisms=found.mechanisms,
    )
    return Taken(metric=metric, adverse=found.adverse)


def _blocks_of(entry: Folded, probes: tuple[str, ...]) -> list[Verdict]:
    return [
        verdict
        for (probe, state), verdict in entry.seen.items()
        if state is State.BLOCKED and (not probes or probe in probes)
    ]
