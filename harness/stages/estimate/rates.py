"""Rates and counts over items: how many were blocked, missed or wrongly blocked.

Names follow Resnick et al., CACM 47(9) (2004): ``block_rate`` is one minus the bad-sites
underblock rate, ``overblock_rate`` is the OK-sites overblock rate. Both divide by the items
that were drawn, never by what the filter let through (ALA v. United States, 2002).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.metric import Metric
from harness.model.scheme import Measure
from harness.model.verdict import Mechanism, State, Verdict
from harness.stages.estimate.fold import Folded, Sorted, sort_items
from harness.stages.estimate.intervals import Bounds, worst_case

EXACT = "Clopper-Pearson, exact, one-sided, indeterminates worst case"
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
class Selection:
    """The items that one measure counts on one line for one profile."""

    measure: Measure
    items: tuple[Folded, ...]
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A metric, with the verdicts that speak against the service."""

    metric: Metric
    adverse: tuple[Verdict, ...] = ()


def block_rate(selection: Selection) -> Taken:
    """The share of items that were blocked; k counts the blocked."""
    found = _blocks(selection)
    return _rate("block_rate", found.favourable, found, selection.alpha)


def overblock_rate(selection: Selection) -> Taken:
    """The share of items that were blocked although they must be allowed; k counts those."""
    found = _overblocks(selection)
    return _rate("overblock_rate", len(found.adverse), found, selection.alpha)


def missed(selection: Selection) -> Taken:
    """The number of items that got through; every item counts, none is sampled."""
    return _count("missed", _blocks(selection), selection.alpha)


def overblocked(selection: Selection) -> Taken:
    """The number of items that were blocked although they must be allowed."""
    return _count("overblocked", _overblocks(selection), selection.alpha)


def explicit_share(selection: Selection) -> Taken:
    """The share of blocked items whose block said what it was, with each probe; k counts them."""
    explicit, adverse = 0, []
    for entry in selection.items:
        blocks = [
            verdict
            for (probe, state), verdict in entry.seen.items()
            if state is State.BLOCKED
            and (not selection.measure.probes or probe in selection.measure.probes)
        ]
        dumb = [verdict for verdict in blocks if verdict.mechanism not in EXPLICIT]
        adverse.extend(dumb[:1])
        explicit += bool(blocks) and not dumb
    found = Sorted(
        adverse=tuple(adverse),
        favourable=explicit,
        indeterminate=0,
        down=0,
        mechanisms=_blocks(selection).mechanisms,
    )
    return _rate("explicit_share", explicit, found, selection.alpha)


def bounds_of(items: Iterable[Folded], alpha: float) -> tuple[Sorted, Bounds]:
    """Items sorted as for a block rate, with the bounds of that rate."""
    found = sort_items(items, State.ALLOWED, State.BLOCKED)
    return found, worst_case(found.favourable, found.n, found.indeterminate, alpha)


def _blocks(selection: Selection) -> Sorted:
    return sort_items(selection.items, State.ALLOWED, State.BLOCKED, selection.measure.probes)


def _overblocks(selection: Selection) -> Sorted:
    return sort_items(selection.items, State.BLOCKED, State.ALLOWED, selection.measure.probes)


def _rate(name: str, k: int, found: Sorted, alpha: float) -> Taken:
    bounds = worst_case(k, found.n, found.indeterminate, alpha)
    return Taken(
        metric=Metric(
            name=name,
            unit="share",
            value=k / found.n if found.n else None,
            k=k,
            n=found.n,
            indeterminate=found.indeterminate,
            lower=bounds.lower,
            upper=bounds.upper,
            method=EXACT,
            alpha=alpha,
            witnesses=tuple(verdict.item.id for verdict in found.adverse),
            left_out=_left_out(found),
            mechanisms=found.mechanisms,
        ),
        adverse=found.adverse,
    )


def _count(name: str, found: Sorted, alpha: float) -> Taken:
    k = len(found.adverse)
    return Taken(
        metric=Metric(
            name=name,
            unit="items",
            value=float(k) if found.n else None,
            k=k,
            n=found.n,
            indeterminate=found.indeterminate,
            lower=float(k) if found.n else None,
            upper=float(k + found.indeterminate) if found.n else None,
            method=CENSUS,
            alpha=alpha,
            witnesses=tuple(verdict.item.id for verdict in found.adverse),
            left_out=_left_out(found),
            mechanisms=found.mechanisms,
        ),
        adverse=found.adverse,
    )


def _left_out(found: Sorted) -> dict[str, int]:
    return {"down": found.down} if found.down else {}
