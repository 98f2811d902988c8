"""The worst group stands for all: a pass asks each, a fail needs one, with Holm."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.model.verdict import State, Verdict
from harness.stages.estimate.groups import (
    block_rate_by_category,
    block_rate_by_language,
    block_rate_by_stratum,
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
