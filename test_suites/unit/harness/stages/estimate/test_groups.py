"""The worst group stands for all: a pass asks each, a fail needs one, with Holm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from harness.model.verdict import State, Verdict
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
    assert "worst of 2 groups: agreed items as visited" in metric.method
    one_frame = [one for one in verdicts if one.item.stratum == "u"]
    assert block_rate(select(one_frame)).metric.n == 100


def test_over_blocking_must_be_low_in_each_frame(verdict: Make, select: Select) -> None:
    verdicts = drawn(group(verdict, "ALW", 1, 99, stratum="u"), "list 1")
    verdicts += drawn(group(verdict, "ALW", 5, 95, stratum="p"), "list 2 as visited")

    alone = overblock_rate(select(verdicts)).metric
    each = overblock_rate_by_category(select(verdicts, categories=("ALW",))).metric

    assert alone.value == each.value == 0.05
    assert "ALW, agreed items as visited" in each.method


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
