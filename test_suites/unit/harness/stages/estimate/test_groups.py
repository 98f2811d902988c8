"""The worst group stands for all: a pass asks each, a fail needs one, with Holm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as renewed

import pytest
from msgspec.structs import replace

from harness.model.metric import Span
from harness.model.scheme import Threshold
from harness.model.verdict import State, Verdict
from harness.stages.estimate import rates
from harness.stages.estimate.groups import (
    block_rate,
    block_rate_by_category,
    block_rate_by_language,
    block_rate_by_stratum,
    overblock_rate,
    overblock_rate_by_category,
)
from harness.stages.estimate.intervals import clopper_pearson
from harness.stages.estimate.scope import Selection
from test_suites.memory_fold import named

Make = Callable[..., Verdict]
Select = Callable[..., Selection]


def group(verdict: Make, code: str, good: int, bad: int, **more: str) -> list[Verdict]:
    """Items of a category, some blocked and some not."""
    states = [State.BLOCKED] * good + [State.ALLOWED] * bad
    return [verdict(f"{code}-{more}-{n}", code, state, **more) for n, state in enumerate(states)]


def drawn(verdicts: list[Verdict], pack: str) -> list[Verdict]:
    """The same of items that were drawn into a pack."""
    return [replace(one, item=replace(one.item, pack=pack)) for one in verdicts]


def test_the_worst_category_is_named_and_bounds_the_metric(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "HARM", 95, 5) + group(verdict, "GAMB.X", 60, 40)

    selection = select(verdicts, categories=("HARM", "GAMB"))
    taken = block_rate_by_category(selection)
    metric = taken.metric

    assert (metric.k, metric.n, metric.value) == (60, 100, 0.6)
    assert metric.lower == clopper_pearson(60, 100, 0.05).lower
    assert metric.upper == clopper_pearson(60, 100, 0.025).upper
    assert "worst of 2 groups: GAMB" in metric.method
    assert len(named(taken, selection)) == 45


def test_strata_and_languages_are_groups_too(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "DRUG", 99, 1, stratum="head", lang="en")
    verdicts += group(verdict, "DRUG", 50, 50, stratum="tail", lang="cy")

    assert "tail" in block_rate_by_stratum(select(verdicts)).metric.method
    assert "cy" in block_rate_by_language(select(verdicts)).metric.method


def test_rates_of_two_frames_are_not_made_one(verdict: Make, select: Select) -> None:
    verdicts = drawn(group(verdict, "DRUG", 90, 10, stratum="u"), "list 1")
    verdicts += drawn(group(verdict, "DRUG", 80, 20, stratum="p"), "list 2 as visited")

    metric = block_rate(select(verdicts)).metric

    assert (metric.k, metric.n) == (80, 100)
    assert metric.lower == clopper_pearson(80, 100, 0.05).lower
    assert "worst of 2 groups: items as visited" in metric.method
    one_frame = [one for one in verdicts if one.item.stratum == "u"]
    assert block_rate(select(one_frame)).metric.n == 100


def test_over_blocking_must_be_low_in_each_frame(verdict: Make, select: Select) -> None:
    verdicts = drawn(group(verdict, "ALW", 1, 99, stratum="u"), "list 1")
    verdicts += drawn(group(verdict, "ALW", 5, 95, stratum="p"), "list 2 as visited")

    alone = overblock_rate(select(verdicts)).metric
    each = overblock_rate_by_category(select(verdicts, categories=("ALW",))).metric

    assert alone.value == each.value == 0.05
    assert "ALW as visited" in each.method


def test_over_blocking_is_worst_where_it_is_highest(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "ALW.HEALTH", 1, 99) + group(verdict, "ALW.LGBT", 30, 70)

    metric = overblock_rate_by_category(select(verdicts, categories=("ALW",))).metric
    both = ("ALW.HEALTH", "ALW.LGBT")
    apart = overblock_rate_by_category(select(verdicts, categories=both)).metric

    assert metric.value == pytest.approx(0.155)
    assert apart.value == pytest.approx(0.3)
    assert apart.upper == clopper_pearson(30, 100, 0.05).upper
    assert apart.lower == clopper_pearson(30, 100, 0.025).lower


def test_a_group_that_nothing_is_known_of_forbids_a_pass(verdict: Make, select: Select) -> None:
    unknown = [verdict(f"u{n}", "GAMB", State.INSUFFICIENT) for n in range(9)]
    verdicts = group(verdict, "HARM", 100, 0) + unknown

    metric = block_rate_by_category(select(verdicts, categories=("HARM", "GAMB"))).metric

    assert metric.lower is None
    assert metric.n == 100


def test_no_group_is_no_rate(select: Select) -> None:
    assert block_rate_by_category(select([], categories=("HARM",))).metric.value is None


def asked(selection: Selection, at_least: float) -> Selection:
    """The same with a threshold."""
    limit = Threshold(at_least=at_least, provenance="proposed", source="test")
    return renewed(
        selection, requirement=selection.requirement.model_copy(update={"threshold": limit})
    )


def test_some_group_is_accused_by_bonferroni(verdict: Make, select: Select) -> None:
    verdicts = group(verdict, "HARM", 80, 20) + group(verdict, "GAMB", 95, 5)
    both = asked(select(verdicts, categories=("HARM", "GAMB")), at_least=0.9)
    one = asked(select(verdicts[:100], categories=("HARM",)), at_least=0.9)
    alone = rates.block_rate(one).metric.p_value

    assert alone is not None
    assert block_rate_by_category(both).metric.p_value == pytest.approx(2 * alone)
    assert block_rate_by_category(both).metric.method.endswith("fails by Bonferroni")
    assert block_rate_by_category(select(verdicts)).metric.p_value is None


def test_large_domains_of_any_group_weigh_on_all(verdict: Make, select: Select) -> None:
    """The category with the lowest rate has no domain of several items; another has."""
    large = group(verdict, "HARM", 30, 20, registrable="big.test") + group(verdict, "HARM", 100, 0)
    verdicts = large + group(verdict, "GAMB", 60, 40)
    metric = block_rate_by_category(select(verdicts, categories=("HARM", "GAMB"))).metric

    assert metric.spread is None
    assert metric.pooled == Span(130 / 150, 130 / 150)


def test_what_stands_in_the_way_is_that_of_the_worst_group(verdict: Make, select: Select) -> None:
    doubt = [verdict(f"u{n}", "HARM", State.INSUFFICIENT) for n in range(5)]
    verdicts = group(verdict, "HARM", 100, 0) + doubt + group(verdict, "GAMB", 97, 3)
    metric = block_rate_by_category(select(verdicts, categories=("HARM", "GAMB"))).metric

    assert metric.decided == Span(
        clopper_pearson(97, 100, 0.05).lower, clopper_pearson(100, 100, 0.05).upper
    )


def test_where_every_rate_meets_the_threshold_the_group_with_the_furthest_bound_is_shown(
    verdict: Make, select: Select
) -> None:
    """28 of 28 forbid the pass, not 970 of 1,000: the reason must speak of the former."""
    verdicts = group(verdict, "HARM", 970, 30) + group(verdict, "GAMB", 28, 0)
    both = select(verdicts, categories=("HARM", "GAMB"))

    assert block_rate_by_category(asked(both, at_least=0.9)).metric.n == 28
    assert block_rate_by_category(asked(both, at_least=0.98)).metric.n == 1000
    assert block_rate_by_category(both).metric.n == 1000
