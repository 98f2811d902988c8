"""``accredit scheme plan``: how many items a campaign needs, and what it can decide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.cli.item_supply import ItemGroup, count_by_group, group_items, groups_for
from harness.estimate.item_selection import is_asked
from harness.estimate.planning import (
    decision_limits,
    items_for_power,
    power_with_undecided,
    rate_for_power,
)
from harness.estimate.stopping_tests import SprtPlan
from harness.model.corpus import Item
from harness.model.log_case import COUNTED, requests_for
from harness.model.metric import CANNOT_MEASURE
from harness.model.metric_spec import spec_of
from harness.model.people_metric_specs import JUDGED_BY_PEOPLE
from harness.model.scheme import ITEM_BY_ITEM, Requirement, Scheme
from harness.model.smallest_sample import smallest_sample

BY_RATE = frozenset({"guarded", "quantile"})
NOTHING_TO_DECIDE = frozenset({"report", "gate"})
HALF = 0.5
"""A planned service makes half the misses that the threshold allows (METHOD table 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What one requirement can decide for one profile.

    ``n`` are available (``None`` if no campaign was named); ``needed`` are required so that a
    service of ``good_rate`` passes with the wanted power in all binding rows that a sample decides,
    each of whose groups is a test of its own: ``tests`` are those of this row, such as categories,
    of which each needs as many. ``chance`` is the probability with which it passes this row on what
    is available; it alone counts that misses look by chance as if they came in spells
    (docs/reference/power.md). Both numbers count registrable domains where the requirement is about
    a rate of items, because each domain counts once, and items otherwise. Of requests, ``n`` are
    those that ``accredit log send`` makes without ``--requests``, of those with and without a mark
    of a test the fewer, because each must conform; other trials that are made for the requirement
    alone are never available.
    Rates are those of right results: 1 - U for a requirement of at most U. ``passes`` is the
    largest number of errors that still conforms, ``fails`` the smallest that does not.
    ``early`` is how many items a campaign that may stop early needs on average for a service of
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
    tests: int = 1
    chance: float | None = None

    def as_data(self) -> dict[str, Any]:
        """A dictionary for JSON."""
        return asdict(self)


def forecast(
    scheme: Scheme,
    phases: Mapping[str, str],
    items: Iterable[Item] | None,
    power: float,
) -> tuple[Forecast, ...]:
    """Forecast every requirement for every profile; ``phases`` maps profiles to school phases.

    ``power`` is the probability with which a good service passes all sampled rows together. They
    are taken as independent, so that each of m tests has power ** (1 / m).
    """
    tried = None if items is None else group_items(items)
    asked = [
        (requirement, profile, phase)
        for requirement in scheme.requirements
        for profile, phase in phases.items()
        if requirement.is_for(profile, phase)
        if is_asked(requirement.measure, scheme.policy, (), phase)
    ]
    tests = sum(
        _tests(requirement, scheme, phase, tried)
        for requirement, _, phase in asked
        if requirement.binding and requirement.rule in BY_RATE
    )
    power_of_each = power ** (1 / max(1, tests))
    return tuple(
        _forecast_one(requirement, scheme, profile, phase, tried, power_of_each)
        for requirement, profile, phase in asked
    )


def chance_of_all(rows: Iterable[Forecast]) -> tuple[float, int]:
    """The probability with which a good service passes all sampled rows, and their number."""
    chances = [row.chance for row in rows if row.chance is not None]
    return math.prod(chances), len(chances)


def _tests(
    requirement: Requirement, scheme: Scheme, phase: str, items: list[ItemGroup] | None
) -> int:
    """How many groups have to pass, each by itself."""
    spec = spec_of(requirement.measure.metric)
    if not spec.counts_items:
        return 1
    about = groups_for(spec.name, items or [])
    return len(count_by_group(requirement.measure, scheme.policy, phase, about))


def _forecast_one(
    requirement: Requirement,
    scheme: Scheme,
    profile: str,
    phase: str,
    items: list[ItemGroup] | None,
    power: float,
) -> Forecast:
    spec = spec_of(requirement.measure.metric)
    if not spec.is_implemented:
        says = f"cannot be decided: {CANNOT_MEASURE}"
        return Forecast(requirement=requirement.id, profile=profile, says=says)
    if spec.name in JUDGED_BY_PEOPLE:
        says = "people judge it (accredit assess)"
        return Forecast(requirement=requirement.id, profile=profile, says=says)
    has_items = items is not None and spec.counts_items
    n = _count(requirement, scheme, phase, items or []) if has_items else _sent(spec.name, scheme)
    if requirement.rule in ITEM_BY_ITEM:
        return Forecast(
            requirement=requirement.id,
            profile=profile,
            n=n,
            needed=max(1, requirement.n_min),
            says=_each_item_text(requirement, n),
        )
    if requirement.rule not in BY_RATE or requirement.threshold is None:
        return _forecast_minimum(requirement, scheme, profile, n)
    tests = _tests(requirement, scheme, phase, items)
    return replace(_forecast_rate(requirement, scheme, profile, n, power, tests), tests=tests)


def _forecast_rate(
    requirement: Requirement, scheme: Scheme, profile: str, n: int | None, power: float, tests: int
) -> Forecast:
    threshold = _good_side(requirement)
    if not 0 < threshold < 1:
        says = "cannot be decided by a sample: take a census"
        return Forecast(requirement=requirement.id, profile=profile, n=n, says=says)
    alpha = requirement.alpha or scheme.decision.alpha
    good = 1 - (1 - threshold) * HALF
    needed = max(items_for_power(threshold, good, power, alpha), requirement.n_min)
    if n is not None and not spec_of(requirement.measure.metric).counts_items:
        needed = n
    early = _early(requirement, good, alpha, 1 - power)
    if n is None:
        each = f" of each of {tests} groups" if tests > 1 else ""
        says = f"{needed} {_what(requirement)}{each}, so that a service at {good:.4g} passes"
        says += f" with power {power:.3g}"
        return Forecast(
            requirement=requirement.id,
            profile=profile,
            needed=needed,
            early=early,
            good_rate=good,
            says=says,
        )
    edge = decision_limits(n, threshold, alpha, power)
    return Forecast(
        requirement=requirement.id,
        profile=profile,
        n=n,
        needed=needed,
        early=early,
        good_rate=good,
        passes=None if n < requirement.n_min else edge.passes,
        fails=edge.fails,
        rate_for_power=None if edge.passes is None else rate_for_power(n, edge.passes, power),
        says=_decision_text(requirement, n, edge.passes, edge.fails),
        chance=power_with_undecided(n, threshold, good, 0.0, alpha=alpha) ** tests
        if requirement.binding
        else None,
    )


def _forecast_minimum(
    requirement: Requirement, scheme: Scheme, profile: str, n: int | None
) -> Forecast:
    """Forecast a rule without power planning: the smallest number that can decide, if any."""
    alpha = requirement.alpha or scheme.decision.alpha
    needed = max(smallest_sample(requirement, alpha) or 0, requirement.n_min)
    says = f"{requirement.rule}: nothing to plan"
    if needed and requirement.rule not in NOTHING_TO_DECIDE:
        says = f"{requirement.rule}: at least {needed}"
        if n is not None and n < needed:
            says = f"cannot conform: {n} items; at least {needed} are needed"
    return Forecast(requirement=requirement.id, profile=profile, n=n, needed=needed, says=says)


def _early(requirement: Requirement, good: float, alpha: float, beta: float) -> int | None:
    measure, threshold = requirement.measure, requirement.threshold
    if measure.metric != "block_rate" or measure.strata or threshold is None:
        return None
    if threshold.at_least is None or threshold.at_most is not None:
        return None
    plan = SprtPlan(bad=threshold.at_least, good=good, alpha=alpha, beta=beta)
    return math.ceil(plan.expected_items(good))


def _good_side(requirement: Requirement) -> float:
    """The required rate of right results: T, 1 - U, or the quantile of a duration."""
    threshold, quantile = requirement.threshold, requirement.measure.quantile
    if quantile is not None:
        return quantile
    if threshold is not None and threshold.at_least is not None:
        return threshold.at_least
    return 1 - (threshold.at_most or 0) if threshold is not None else 0


def _decision_text(requirement: Requirement, n: int, passes: int | None, fails: int | None) -> str:
    if n < requirement.n_min:
        what = _what(requirement)
        return f"cannot conform: {n} {what}; the agreed minimum is {requirement.n_min}"
    if passes is None:
        what = _what(requirement)
        return f"cannot conform: {n} {what} are too few even for a faultless service"
    limit = f"conforms with at most {passes} wrong"
    limit += f", fails with {fails} or more" if fails is not None else ", cannot fail"
    if requirement.measure.metric not in COUNTED:
        return limit
    each = (
        " each with and without a mark" if requirement.measure.metric == "events_recorded" else ""
    )
    return f"{n} of accredit log send{each}: {limit}"


def _sent(metric: str, scheme: Scheme) -> int | None:
    """How many requests of a line and profile ``accredit log send`` makes for a metric, if any."""
    if metric not in COUNTED:
        return None
    number = requests_for((row.measure.metric, row.n_min) for row in scheme.requirements)
    return int(number * COUNTED[metric])


def _what(requirement: Requirement) -> str:
    """What the requirement counts: domains for a rate, items for a duration.

    Where no items are counted, as in a log, trials are made for the requirement alone.
    """
    if not spec_of(requirement.measure.metric).counts_items:
        return "trials of its own"
    return "domains" if requirement.measure.quantile is None else "items"


def _each_item_text(requirement: Requirement, n: int | None) -> str:
    if n is None:
        return "every item counts; more items make a stronger claim"
    if n < max(1, requirement.n_min):
        return f"cannot conform: {n} items; the agreed minimum is {max(1, requirement.n_min)}"
    return f"each of {n} items counts"


def _count(requirement: Requirement, scheme: Scheme, phase: str, supply: list[ItemGroup]) -> int:
    """How many the requirement counts; in the smallest group, where each group must pass.

    Registrable domains where a bound decides a rate, items for anything else.
    """
    about = groups_for(requirement.measure.metric, supply)
    groups = count_by_group(requirement.measure, scheme.policy, phase, about).values()
    by_item = requirement.rule in ITEM_BY_ITEM or _what(requirement) == "items"
    return min(group.items if by_item else group.domains for group in groups)
