"""``accredit scheme plan``: what a campaign can and cannot decide, before it is measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from harness.cli.item_supply import Supply, counted, supplies
from harness.cli.undecidable import NOTHING_TO_DECIDE
from harness.estimate.item_selection import is_asked
from harness.estimate.planning import decision_limits, items_for_power, rate_for_power
from harness.estimate.stopping_tests import SprtPlan
from harness.model.corpus import Item
from harness.model.metric_spec import spec_of
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import smallest_sample

ITEM_BY_ITEM = frozenset({"census", "functional", "grade"})
BY_RATE = frozenset({"guarded", "quantile"})
HALF = 0.5
"""A planned service makes half the misses that the threshold bears (METHOD table 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What one requirement can decide for one profile.

    ``n`` are at hand (``None`` if no campaign was named), ``needed`` are wanted so that a service
    of ``good_rate`` passes with the asked power: registrable domains where a rate of items is
    asked for, because each counts once, and items otherwise. Rates are of the good side: 1 - U for
    a requirement of at most U. ``passes`` and ``fails`` count misses, or wrong blocks.
    ``early`` is how many items a campaign that may stop early takes on average for a service of
    ``good_rate`` (Wald 1945), where a stopping plan can decide the requirement.
    """

    requirement: str
    profile: str
    says: str
    n: int | None = None
    needed: int | None = None
    early: int | None = None
    good_rate: float | None = None
    passes: int | None = None
    fails: int | None = None
    rate_for_power: float | None = None

    def as_data(self) -> dict[str, Any]:
        """A dictionary for JSON."""
        return asdict(self)


def foresee(
    scheme: Scheme,
    phases: Mapping[str, str],
    items: Iterable[Item] | None,
    power: float,
) -> tuple[Foresight, ...]:
    """Look ahead for every requirement and profile; ``phases`` maps profiles to phases."""
    tried = None if items is None else supplies(items)
    return tuple(
        _foresee_one(requirement, scheme, profile, phase, tried, power)
        for requirement in scheme.requirements
        for profile, phase in phases.items()
        if not requirement.profiles or {profile, phase} & set(requirement.profiles)
        if is_asked(requirement.measure, scheme.policy, (), phase)
    )


def _foresee_one(
    requirement: Requirement,
    scheme: Scheme,
    profile: str,
    phase: str,
    items: list[Supply] | None,
    power: float,
) -> Foresight:
    if not spec_of(requirement.measure.metric).is_implemented:
        says = "cannot be decided: this version cannot take the metric"
        return Foresight(requirement=requirement.id, profile=profile, says=says)
    n = None if items is None else _count(requirement, scheme, phase, items)
    if requirement.rule in ITEM_BY_ITEM:
        return Foresight(
            requirement=requirement.id,
            profile=profile,
            n=n,
            needed=max(1, requirement.n_min),
            says=_of_each(requirement, n),
        )
    if requirement.rule not in BY_RATE or requirement.threshold is None:
        return _of_others(requirement, scheme, profile, n)
    return _of_rate(requirement, scheme, profile, n, power)


def _of_rate(
    requirement: Requirement, scheme: Scheme, profile: str, n: int | None, power: float
) -> Foresight:
    threshold = _good_side(requirement)
    if not 0 < threshold < 1:
        says = "cannot be sampled: take a census"
        return Foresight(requirement=requirement.id, profile=profile, n=n, says=says)
    alpha = requirement.alpha or scheme.decision.alpha
    good = 1 - (1 - threshold) * HALF
    needed = max(items_for_power(threshold, good, power, alpha), requirement.n_min)
    early = _early(requirement, good, alpha, 1 - power)
    if n is None:
        says = f"{needed} {_what(requirement)}, so that a service at {good:.4g} passes"
        says += f" with power {power:g}"
        return Foresight(
            requirement=requirement.id,
            profile=profile,
            needed=needed,
            early=early,
            good_rate=good,
            says=says,
        )
    edge = decision_limits(n, threshold, alpha, power)
    return Foresight(
        requirement=requirement.id,
        profile=profile,
        n=n,
        needed=needed,
        early=early,
        good_rate=good,
        passes=None if n < requirement.n_min else edge.passes,
        fails=edge.fails,
        rate_for_power=None if edge.passes is None else rate_for_power(n, edge.passes, power),
        says=_of_verge(requirement, n, edge.passes, edge.fails),
    )


def _of_others(requirement: Requirement, scheme: Scheme, profile: str, n: int | None) -> Foresight:
    """Rules without a plan of their own: the smallest number that can decide, if any."""
    alpha = requirement.alpha or scheme.decision.alpha
    needed = max(smallest_sample(requirement, alpha) or 0, requirement.n_min)
    says = f"{requirement.rule}: nothing to plan"
    if needed and requirement.rule not in NOTHING_TO_DECIDE:
        says = f"{requirement.rule}: at least {needed}"
        if n is not None and n < needed:
            says = f"cannot conform: {n} items, and at least {needed} are needed"
    return Foresight(requirement=requirement.id, profile=profile, n=n, needed=needed, says=says)


def _early(requirement: Requirement, good: float, alpha: float, beta: float) -> int | None:
    measure, threshold = requirement.measure, requirement.threshold
    if measure.metric != "block_rate" or measure.strata or threshold is None:
        return None
    if threshold.at_least is None or threshold.at_most is not None:
        return None
    plan = SprtPlan(bad=threshold.at_least, good=good, alpha=alpha, beta=beta)
    return math.ceil(plan.expected_items(good))


def _good_side(requirement: Requirement) -> float:
    """The rate of good items that is asked: T, 1 - U, or the quantile of a duration."""
    threshold, quantile = requirement.threshold, requirement.measure.quantile
    if quantile is not None:
        return quantile
    if threshold is not None and threshold.at_least is not None:
        return threshold.at_least
    return 1 - (threshold.at_most or 0) if threshold is not None else 0


def _of_verge(requirement: Requirement, n: int, passes: int | None, fails: int | None) -> str:
    if n < requirement.n_min:
        what = _what(requirement)
        return f"cannot conform: {n} {what}, at least {requirement.n_min} are agreed"
    if passes is None:
        what = _what(requirement)
        return f"cannot conform: even a faultless service needs more than {n} {what}"
    word = f"conforms with at most {passes} wrong"
    return f"{word}, fails from {fails} on" if fails is not None else f"{word}, cannot fail"


def _what(requirement: Requirement) -> str:
    """What is counted: durations are of items."""
    return "domains" if requirement.measure.quantile is None else "items"


def _of_each(requirement: Requirement, n: int | None) -> str:
    if n is None:
        return "every item counts; the more, the stronger the claim"
    if n < max(1, requirement.n_min):
        return f"cannot conform: {n} items, at least {max(1, requirement.n_min)} are agreed"
    return f"every one of {n} items counts"


def _count(requirement: Requirement, scheme: Scheme, phase: str, supply: list[Supply]) -> int:
    """What the requirement counts; of the smallest group where each group must pass by itself.

    Registrable domains where a bound decides a rate, items for anything else.
    """
    groups = counted(requirement.measure, scheme.policy, phase, supply).values()
    by_item = requirement.rule in ITEM_BY_ITEM or _what(requirement) == "items"
    return min(one.items if by_item else one.domains for one in groups)
