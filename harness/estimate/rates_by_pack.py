"""Rates of single packs, and known items compared with hidden ones.

A list that the supplier has seen shows what it loaded, not what its filter can do (METHOD SUP-05,
TQ-05), and a sample weighted by popularity answers another question than a uniform one. Where a
campaign has several packs, each gets rates of its own, and known items are compared with hidden
ones of the same kind and frame. ``failing`` names the categories below a threshold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import repeat

from harness.estimate.distributions import binomial_cdf, hypergeometric_sf
from harness.estimate.intervals import Bounds, WeightedItem, weighted_rate, worst_case
from harness.estimate.item_selection import CONTROL_CATEGORY, Packs, counts_category, source_of
from harness.estimate.outcome_groups import (
    GroupResult,
    ProfileResults,
    classify_results,
    results_by_profile,
)
from harness.model.content_form import is_only_reported
from harness.model.corpus import AS_VISITED, PackKind, frame_of
from harness.model.metric import Foreknowledge, PackRate, holm
from harness.model.outcome import Measurement
from harness.model.outcome_group import Counts
from harness.model.scheme import Policy, Scheme
from harness.model.verdict import State


def failing(
    counts: Mapping[str, tuple[int, int]], threshold: float, alpha: float = 0.05
) -> tuple[str, ...]:
    """Return the categories whose rate is below ``threshold``, family-wise at level alpha.

    ``counts`` are (blocked, tried); p = P[X <= blocked] at the threshold, then Holm.
    """
    p_values = {
        name: binomial_cdf(blocked, tried, threshold)
        for name, (blocked, tried) in counts.items()
        if tried > 0
    }
    return tuple(name for name, p_value in holm(p_values).items() if p_value <= alpha)


TOTALS = {"block": "must be blocked", "allow": "must be allowed"}
FRAMES = ("", AS_VISITED)
HIDEABLE: tuple[PackKind, ...] = ("real", "content")
"""Kinds of items that may be known or hidden. Agreed items are always known, so never compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackComparison:
    """Rates and comparisons of the packs of one journal; empty if it has only one pack."""

    rates: tuple[PackRate, ...] = ()
    foreknowledge: tuple[Foreknowledge, ...] = ()


@dataclass(frozen=True, slots=True)
class _Counted:
    """Weighted items of one pack and category, by how each was handled."""

    right: tuple[WeightedItem, ...]
    wrong: tuple[WeightedItem, ...]
    doubtful: tuple[WeightedItem, ...]

    def __add__(self, other: _Counted) -> _Counted:
        doubtful = self.doubtful + other.doubtful
        return _Counted(self.right + other.right, self.wrong + other.wrong, doubtful)

    @property
    def n(self) -> int:
        return len(self.right) + len(self.wrong)


_Groups = dict[tuple[str, str], dict[str, _Counted]]
"""By group and expectation, then by the mark of the pack."""


def compare_packs(
    counts: Counts,
    packs: Packs,
    policy: Policy,
    phases: Mapping[str, str],
    alpha: float,
) -> PackComparison:
    """Return rates of each pack, and tests whether known items do better than hidden ones.

    ``phases`` maps profiles to phases. Empty if there are fewer than two ``packs``. Items of one
    registrable domain are treated as independent. Bounds and tests are one-sided at ``alpha``.
    """
    if len(packs) < 2:  # noqa: PLR2004 - several
        return PackComparison()
    rates: list[PackRate] = []
    foreknowledge: list[Foreknowledge] = []
    for (line, profile), profile_results in sorted(results_by_profile(counts).items()):
        groups = _groups(profile_results, policy, phases.get(profile, profile))
        rates += _rates(groups, packs, line, profile, alpha)
        contrasts = [
            found
            for kind in HIDEABLE
            for frame in FRAMES
            for found in _foreknowledge(groups, packs, (line, profile, frame), kind, alpha)
        ]
        foreknowledge += _corrected(contrasts)
    return PackComparison(rates=tuple(rates), foreknowledge=tuple(foreknowledge))


def with_foreknowledge(
    measurement: Measurement,
    pack_comparison: PackComparison,
    scheme: Scheme,
    phases: Mapping[str, str],
) -> Measurement:
    """Add the comparisons of known and hidden items of the measurement's categories and kind."""
    measure, phase = (
        measurement.requirement.measure,
        phases.get(measurement.profile, measurement.profile),
    )
    found = tuple(
        one
        for one in pack_comparison.foreknowledge
        if (one.line, one.profile, one.kind)
        == (measurement.line, measurement.profile, measurement.kind)
        and one.group in scheme.policy.rows
        and counts_category(measure, scheme.policy, one.group, phase)
    )
    return replace(measurement, foreknowledge=found) if measurement.metric.parts else measurement


def fisher_exact(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return the one-sided p-value that ``one`` is right no more often than ``other``.

    Each is (right, n). Given all totals, the number right in ``one`` is hypergeometric: Fisher,
    Statistical Methods for Research Workers, 5th ed. (1934), section 21.02. 1 if either n is 0.
    """
    (right, n), (other_right, other_n) = one, other
    if not n or not other_n:
        return 1.0
    return hypergeometric_sf(right - 1, n + other_n, right + other_right, n)


def _groups(profile_results: ProfileResults, policy: Policy, phase: str) -> _Groups:
    """Return the categories in order, then a total for each expectation with several."""
    groups: _Groups = {}
    for category, results in sorted(profile_results.categories.items()):
        expectation = policy.expects(category, phase)
        if expectation not in TOTALS or category == CONTROL_CATEGORY:
            continue
        by_pack: dict[str, list[GroupResult]] = defaultdict(list)
        for result in results:
            if result.group.pack and not is_only_reported(result.group.stratum):
                by_pack[result.group.pack].append(result)
        groups[category, expectation] = {
            mark: _count(several, expectation) for mark, several in by_pack.items()
        }
    return groups | _totals(groups)


def _totals(groups: _Groups) -> _Groups:
    totals: _Groups = {}
    for expectation, name in TOTALS.items():
        several = [found for (_, expected), found in groups.items() if expected == expectation]
        if len(several) > 1:
            total: dict[str, _Counted] = {}
            for found in several:
                for mark, counted in found.items():
                    total[mark] = total[mark] + counted if mark in total else counted
            totals[name, expectation] = total
    return totals


def _count(results: list[GroupResult], expectation: str) -> _Counted:
    states = (State.ALLOWED, State.BLOCKED)
    adverse, favourable = states if expectation == "block" else states[::-1]
    classified = classify_results(results, adverse, favourable)
    return _Counted(
        tuple(_weighted_items(classified.favourable, success=True)),
        tuple(_weighted_items(classified.adverse, success=False)),
        tuple(_weighted_items(classified.indeterminate, success=False)),
    )


def _weighted_items(results: Iterable[GroupResult], *, success: bool) -> Iterator[WeightedItem]:
    for result in results:
        group = result.group
        stratum = group.stratum or group.category
        yield from repeat(
            WeightedItem(success=success, weight=group.weight, stratum=stratum), group.items
        )


def _rates(
    groups: _Groups, packs: Packs, line: str, profile: str, alpha: float
) -> Iterator[PackRate]:
    for (group, expectation), by_pack in groups.items():
        for mark, counted in sorted(by_pack.items()):
            value, bounds, method = _rate(counted, alpha)
            yield PackRate(
                pack=packs[mark].name,
                audience=packs[mark].audience,
                design=packs[mark].design,
                line=line,
                profile=profile,
                group=group,
                expectation=expectation,
                right=len(counted.right),
                n=counted.n,
                undecided=len(counted.doubtful),
                value=value,
                lower=bounds.lower,
                upper=bounds.upper,
                method=method,
                kind=source_of(packs[mark]).kind,
            )


def _rate(counted: _Counted, alpha: float) -> tuple[float | None, Bounds, str]:
    """Return the rate, its bounds and method; design weights are used where they differ."""
    decided = counted.right + counted.wrong
    every = decided + counted.doubtful
    if not decided:
        return None, Bounds(None, None), "nothing was decided"
    if len({item.weight for item in every}) == 1:
        right = len(counted.right)
        bounds = worst_case(right, counted.n, len(counted.doubtful), alpha)
        return right / counted.n, bounds, "exact (Clopper-Pearson), items count alike"
    doubtful_as_right = tuple(replace(item, success=True) for item in counted.doubtful)
    lower = weighted_rate(every, alpha).bounds.lower
    upper = weighted_rate(decided + doubtful_as_right, alpha).bounds.upper
    method = "design weights (Hajek), survey bounds (Korn and Graubard)"
    return weighted_rate(decided, alpha).value, Bounds(lower, upper), method


def _foreknowledge(
    groups: _Groups, packs: Packs, place: tuple[str, str, str], kind: PackKind, alpha: float
) -> Iterator[Foreknowledge]:
    """Yield a comparison of known and hidden items for each category of one kind and frame."""
    line, profile, frame = place
    for (group, _), by_pack in groups.items():
        known, hidden = _known_and_hidden(by_pack, packs, frame, kind)
        if known is None or hidden is None:
            continue
        one, other = (len(known.right), known.n), (len(hidden.right), hidden.n)
        p_value = fisher_exact(one, other)
        yield Foreknowledge(
            line=line,
            profile=profile,
            group=group,
            frame=frame,
            known_right=one[0],
            known_n=one[1],
            hidden_right=other[0],
            hidden_n=other[1],
            undecided=len(known.doubtful) + len(hidden.doubtful),
            p_value=p_value,
            adjusted=p_value,
            alpha=alpha,
            kind=kind,
        )


def _corrected(contrasts: list[Foreknowledge]) -> list[Foreknowledge]:
    """Adjust p-values over the categories of a line and profile (Holm); totals stay as they are."""
    totals = set(TOTALS.values())
    unadjusted = {str(n): one.p_value for n, one in enumerate(contrasts) if one.group not in totals}
    adjusted = holm(unadjusted)
    return [
        replace(one, adjusted=adjusted.get(str(n), one.p_value)) for n, one in enumerate(contrasts)
    ]


def _known_and_hidden(
    by_pack: Mapping[str, _Counted], packs: Packs, frame: str, kind: PackKind
) -> tuple[_Counted | None, _Counted | None]:
    """Return the known and the hidden items of one kind and frame, each ``None`` if empty."""
    by_known: dict[bool, _Counted] = {}
    for mark, counted in by_pack.items():
        source = source_of(packs[mark])
        if frame_of(mark) == frame and source.kind == kind:
            is_known = not source.is_hidden
            by_known[is_known] = by_known[is_known] + counted if is_known in by_known else counted
    return by_known.get(True), by_known.get(False)
