"""Comparison of two campaigns.

``compare_campaigns`` says which items got better or worse, with McNemar's exact test. The unit is
the item that both campaigns decided on the same line, for the same profile, with the probes that
both used; an item undecided in either campaign is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.estimate.distributions import binomial_cdf
from harness.estimate.item_selection import CONTROL_CATEGORY
from harness.estimate.outcome_groups import combine_states
from harness.estimate.stopping_tests import Trials, trials_by_line_profile
from harness.model.metric import holm
from harness.model.scheme import Policy
from harness.model.verdict import State, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Discordant pairs between two campaigns and the probability of such an imbalance.

    ``gained`` pairs turned from wrong to right, ``lost`` from right to wrong; ``difference`` is
    the change of the rate.
    """

    gained: int
    lost: int
    pairs: int
    p_value: float
    difference: float


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> Change:
    """Return the exact two-sided McNemar test of the same items in two campaigns.

    McNemar, Psychometrika 12 (1947) 153-157: under the null hypothesis the number of gained pairs
    is binomial with probability 1/2. Raises ValueError if the sequences differ in length.
    """
    pairs = list(zip(before, after, strict=True))
    gained = sum(not was and now for was, now in pairs)
    lost = sum(was and not now for was, now in pairs)
    discordant = gained + lost
    # Under the null either side is as likely, so the exact test doubles the smaller tail.
    tail = binomial_cdf(min(gained, discordant - gained), discordant, 0.5)
    p_value = min(1.0, 2 * tail) if discordant else 1.0
    return Change(
        gained=gained,
        lost=lost,
        pairs=len(pairs),
        p_value=p_value,
        difference=(gained - lost) / len(pairs) if pairs else 0.0,
    )


_Key = tuple[str, str, str]

OVERALL = "overall"
MUST_BLOCK, MUST_ALLOW = "must be blocked", "must be allowed"
TOTALS = {MUST_BLOCK: "block", MUST_ALLOW: "allow", OVERALL: ""}
"""Rows that add up categories, with the expectation that each covers (empty: all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One category (or total) on one line for one profile, in both campaigns.

    ``before`` and ``after`` are the items that went as the policy says; ``better`` and
    ``worse`` are item ids. ``adjusted`` is the p-value after Holm's correction over the categories
    of the line and profile; a total is not adjusted.
    """

    line: str
    profile: str
    group: str
    before: int
    after: int
    undecided: int
    change: Change
    adjusted: float
    better: tuple[str, ...]
    worse: tuple[str, ...]

    def direction(self, alpha: float) -> str:
        """Return the direction of a change that is significant at level ``alpha``."""
        if self.adjusted > alpha:
            return "no change shown"
        return "better" if self.change.gained > self.change.lost else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All contrasts, and the number of items that only one of the campaigns tried."""

    contrasts: tuple[Contrast, ...]
    only_before: int
    only_after: int


@dataclass(frozen=True, slots=True)
class _Pair:
    """One item in both campaigns: handled as expected (before, after), or ``None`` if undecided."""

    item: str
    category: str
    expectation: str
    right: tuple[bool, bool] | None


def compare_campaigns(
    before: Iterable[Verdict],
    after: Iterable[Verdict],
    policy: Policy,
    phases: Mapping[str, str],
) -> Comparison:
    """Compare two campaigns under one policy; ``phases`` maps profiles to policy columns.

    Uses ``mcnemar``; items of one domain are treated as independent.
    """
    one, other = trials_by_line_profile(before), trials_by_line_profile(after)
    contrasts: list[Contrast] = []
    only_before = only_after = 0
    for line, profile in sorted(one.keys() & other.keys()):
        was, now = _keyed(one[line, profile]), _keyed(other[line, profile])
        pairs = _pairs(was, now, policy, phases.get(profile, profile))
        contrasts += _contrasts(line, profile, pairs)
        only_before += len(was.keys() - now.keys())
        only_after += len(now.keys() - was.keys())
    return Comparison(contrasts=tuple(contrasts), only_before=only_before, only_after=only_after)


def _keyed(trials: Iterable[Trials]) -> dict[_Key, Trials]:
    """Return items by id, value and category, without those of the control category."""
    return {
        (one.item.id, one.item.value, one.item.category): one
        for one in trials
        if one.item.category != CONTROL_CATEGORY
    }


def _pairs(
    was: dict[_Key, Trials], now: dict[_Key, Trials], policy: Policy, phase: str
) -> list[_Pair]:
    probes = _probes(was) & _probes(now)
    pairs: list[_Pair] = []
    for key in sorted(was.keys() & now.keys()):
        name, _, category = key
        expectation = policy.expects(category, phase)
        if expectation not in {"block", "allow"} or not probes:
            continue
        first, second = (_is_right(trials[key], expectation, probes) for trials in (was, now))
        right = None if first is None or second is None else (first, second)
        pairs.append(_Pair(name, category, str(expectation), right))
    return pairs


def _probes(tried: dict[_Key, Trials]) -> set[str]:
    return {probe for one in tried.values() for probe in one.probes}


def _is_right(trials: Trials, expectation: str | None, probes: set[str]) -> bool | None:
    """Whether every trial of an item went as expected; ``None`` if undecided."""
    wrong, right = State.ALLOWED, State.BLOCKED
    if expectation == "allow":
        wrong, right = right, wrong
    end = combine_states(trials.states(probes), wrong, right)
    return end == "favourable" if end in {"adverse", "favourable"} else None


def _contrasts(line: str, profile: str, pairs: list[_Pair]) -> list[Contrast]:
    """Return a contrast for each category in order, then for each total that has a pair."""
    groups = {
        category: [pair for pair in pairs if pair.category == category]
        for category in sorted({pair.category for pair in pairs})
    }
    rows = {name: _contrast(line, profile, name, members) for name, members in groups.items()}
    adjusted = holm({name: row.change.p_value for name, row in rows.items()})
    contrasts = [replace(row, adjusted=adjusted[name]) for name, row in rows.items()]
    for name, wanted in TOTALS.items():
        members = [pair for pair in pairs if wanted in {"", pair.expectation}]
        if members:
            contrasts.append(_contrast(line, profile, name, members))
    return contrasts


def _contrast(line: str, profile: str, group: str, pairs: list[_Pair]) -> Contrast:
    decided = [(pair.item, pair.right) for pair in pairs if pair.right is not None]
    change = mcnemar([right[0] for _, right in decided], [right[1] for _, right in decided])
    return Contrast(
        line=line,
        profile=profile,
        group=group,
        before=sum(right[0] for _, right in decided),
        after=sum(right[1] for _, right in decided),
        undecided=len(pairs) - len(decided),
        change=change,
        adjusted=change.p_value,
        better=tuple(item for item, right in decided if right == (False, True)),
        worse=tuple(item for item, right in decided if right == (True, False)),
    )
