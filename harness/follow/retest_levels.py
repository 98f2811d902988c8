"""At which levels the re-tests of a plan are judged, and what the next one needs, in words.

Each re-test that decided a fresh item spends its level, whatever came of it: also one that was cut
short, left undecided and extended, or verified a fix that did not hold. Nothing is spent by a
re-test that was postponed, or that decided no fresh item.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.action_plan import FIXED, ActionPlan, Finding
from harness.model.metric_spec import spec_of
from harness.model.retest_schedule import (
    SampleRule,
    chance_of_passing,
    confidence,
    level_of_try,
    proposed_size,
)
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import EACH_COUNTS, NOT_COUNTED, smallest_for_rate

LITTLE = 0.005
"""A smaller probability is printed as none."""

SHOWN = 4
"""How many levels are printed."""


def has_level(requirement: Requirement) -> bool:
    """Whether a sample decides a requirement, at a level."""
    return requirement.rule not in EACH_COUNTS | NOT_COUNTED


def level_of_requirement(requirement: Requirement, scheme: Scheme) -> float:
    """The one-sided level at which a sample decides a requirement."""
    return requirement.alpha or scheme.decision.alpha


def sample_rule(requirement: Requirement, alpha: float) -> SampleRule | None:
    """How a sample decides a requirement at level ``alpha``; ``None`` where each item counts."""
    if not has_level(requirement):
        return None
    spec, threshold = spec_of(requirement.measure.metric), requirement.threshold
    rates = [0.0]
    if spec.is_rate and threshold is not None and threshold.at_least is not None:
        rates.append(threshold.at_least)
    if spec.is_rate and threshold is not None and threshold.at_most is not None:
        rates.append(1 - threshold.at_most)
    return SampleRule(
        alpha=alpha,
        rate=max(rates),
        n_min=requirement.n_min,
        by_group=spec.is_rate and spec.counts_items and bool(spec.decides_by_worst),
    )


def rule_in(scheme: Scheme) -> SampleRule | None:
    """How a sample decides the only requirement of a scheme."""
    (requirement,) = scheme.requirements
    return sample_rule(requirement, level_of_requirement(requirement, scheme))


def groups_of(rule: SampleRule, categories: int) -> int:
    """How many categories have to pass, each by itself."""
    return max(1, categories) if rule.by_group else 1


def size_for_try(rule: SampleRule, number: int, categories: int) -> int:
    """Fresh items of each category with which a good fix passes a try; 0 where none is planned.

    Where all categories are one sample, they share the items.
    """
    groups = groups_of(rule, categories)
    size = proposed_size(rule, number, groups) or 0
    return size if rule.by_group else -(-size // max(1, categories))


def chance_of_try(rule: SampleRule, number: int, size: int, categories: int) -> float | None:
    """The probability that a good fix passes a try with ``size`` fresh items of each category."""
    items = size if rule.by_group else size * max(1, categories)
    return chance_of_passing(rule, number, items, groups_of(rule, categories))


def level_words(plan: ActionPlan, finding: Finding) -> tuple[str, ...]:
    """The levels of a plan's re-tests, what is spent, and what the next one needs.

    Nothing where each item counts, or if it is not known how a sample decides.
    """
    rule = finding.rule
    if rule is None or plan.is_ended:
        return ()
    ahead = () if plan.state in FIXED else _next(rule, plan, finding)
    return (_schedule(rule, plan.tries), *ahead)


def _next(rule: SampleRule, plan: ActionPlan, finding: Finding) -> Iterator[str]:
    """Say what the next re-test of a plan needs, and with which probability a good fix passes."""
    number, categories = plan.tries + 1, len(finding.categories)
    size, level = size_for_try(rule, number, categories), level_of_try(rule.alpha, number)
    if not size:
        return
    what = f"fresh items{' of each category' if categories > 1 else ''}"
    least = max(rule.n_min, smallest_for_rate(rule.rate, level) or 0)
    least = least if rule.by_group else -(-least // max(1, categories))
    if finding.rests_on_items:
        least = max(least, finding.sampled)
    else:
        what = "trials of a new campaign"
    most = max(size, least, plan.extension)
    said = (
        f"the next one, at {confidence(level)}, needs at least {least} {what}; with {most}, as "
        f"proposed, {forecast(rule, number, most, categories)}"
    )
    if least < most:
        said += f", with {least} {_share(chance_of_try(rule, number, least, categories))}"
    yield said


def forecast(rule: SampleRule, number: int, size: int, categories: int) -> str:
    """Say with which probability a good fix passes a try with ``size`` fresh items a category."""
    chance = _share(chance_of_try(rule, number, size, categories))
    required = f"{rule.rate * 100:.4g} %"
    return (
        f"a fix that is right in {rule.good * 100:.4g} % ({required} is required) passes {chance}"
    )


def _share(chance: float | None) -> str:
    """A probability in words."""
    if chance is None or chance < LITTLE:
        return "next to never"
    return f"in {chance * 100:.3g} %"


def _schedule(rule: SampleRule, spent: int) -> str:
    """The levels in words: what all re-tests together spend, and each by itself."""
    levels = ", ".join(
        f"{number}. {confidence(level_of_try(rule.alpha, number))}"
        for number in range(1, SHOWN + 1)
    )
    tried = f"{spent} {'is' if spent == 1 else 'are'} spent" if spent else "none is spent"
    return (
        f"all re-tests of this plan together let a service at the limit pass in at most "
        f"{rule.alpha * 100:.4g} %: {levels}, and so on (number k has 1/(k(k+1)) of it); {tried}"
    )
