"""Metrics of a whole line, counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.estimate.item_selection import Selection
from harness.estimate.line_metrics import (
    clean_blocked_per_harmful,
    control_success,
    design_effect,
    discordant,
    indeterminate_share,
    sentinel_agreement,
    wrong_cells,
)
from harness.model.metric import Metric
from harness.model.outcome import Precondition
from harness.model.verdict import State, Verdict
from test_suites.kit.campaigns.memory_fold import named

Make = Callable[..., Verdict]
Select = Callable[..., Selection]
A, B, D, Q = State.ALLOWED, State.BLOCKED, State.DOWN, State.INSUFFICIENT


def test_a_verdict_must_not_depend_on_the_way(verdict: Make, select: Select) -> None:
    verdicts = [verdict("same", state=B), verdict("same", state=B, probe="web_https")]
    verdicts += [verdict("two", state=B), verdict("two", state=A, probe="web_https")]
    verdicts += [verdict("odd", state=B), verdict("odd", state=Q, probe="web_https")]
    verdicts += [verdict("once", state=B), verdict("dead", state=D)]

    selection = select(verdicts)
    measured = discordant(selection)

    assert (measured.metric.k, measured.metric.n, measured.metric.indeterminate) == (1, 2, 1)
    assert named(measured, selection) == ("two",)
    assert measured.adverse[0].probes == ("web_https",)
    assert measured.metric.left_out == {"down": 1}


def test_each_cell_is_held_against_the_policy(verdict: Make, select: Select) -> None:
    verdicts = [verdict(f"d{n}") for n in range(5)] + [verdict("g", "GAMB"), verdict("p", "PORN")]
    verdicts += [verdict("open", "PORN", A), verdict("over", "ALW", B)]
    selection = replace(select(verdicts), codes=("DRUG", "GAMB", "PORN", "HARM", "CTRL"))

    measured = wrong_cells(selection)
    metric = measured.metric

    assert (metric.k, metric.n, metric.indeterminate) == (2, 3, 2)
    assert (metric.value, metric.upper) == (2, 4)
    assert named(measured, selection) == ("open", "over")


def test_a_branch_of_the_policy_is_a_cell_only_with_items_of_its_own(
    verdict: Make, select: Select
) -> None:
    leaves = [verdict(f"n{n}", "PORN.NUDE") for n in range(5)]
    selection = replace(select(leaves), codes=("PORN", "PORN.NUDE"))

    assert wrong_cells(selection).metric.indeterminate == 0
    both = replace(select([*leaves, verdict("p", "PORN")]), codes=selection.codes)
    assert wrong_cells(both).metric.indeterminate == 1
    assert wrong_cells(replace(select([]), codes=("DRUG",))).metric.value is None


def test_clean_pages_blocked_for_each_harmful_one(verdict: Make, select: Select) -> None:
    """Stark's rates: 91.1 % and 22.6 % at a prevalence of 1.1 % make 22.3."""
    verdicts = [verdict(f"h{n}", state=B if n < 911 else A) for n in range(1000)]
    verdicts += [verdict(f"c{n}", "ALW", B if n < 226 else A) for n in range(1000)]

    metric = clean_blocked_per_harmful(select(verdicts)).metric

    assert metric.value == pytest.approx(22.3, abs=0.05)
    assert "1.1%" in metric.method
    assert clean_blocked_per_harmful(select([verdict("h")])).metric.value is None


def test_the_quality_of_our_own_evidence(verdict: Make, select: Select) -> None:
    verdicts = [verdict("a"), verdict("b", state=A), verdict("c", state=D), verdict("d", state=Q)]

    controlled = control_success(select(verdicts)).metric
    assert (controlled.value, controlled.n, controlled.left_out) == (1, 2, {"down": 1})
    assert indeterminate_share(select(verdicts)).metric.value == pytest.approx(1 / 3)
    assert control_success(select([])).metric.value is None
    assert indeterminate_share(select([])).metric.value is None


def test_the_design_effect_is_reported(verdict: Make, select: Select) -> None:
    alone = [verdict(f"i{n}", state=B if n % 2 else A) for n in range(40)]
    shared = [
        verdict(f"i{n}", state=B if n < 20 else A, registrable=f"d{n // 10}") for n in range(40)
    ]

    assert design_effect(select(alone)).metric.value == pytest.approx(1, abs=0.05)
    assert (design_effect(select(shared)).metric.value or 0) > 5
    assert design_effect(select([])).metric.value is None


def test_the_filter_was_on_around_every_batch(select: Select) -> None:
    def agreement(**batches: int) -> Metric:
        places = [
            Precondition(
                name=name.replace("_", "-"),
                line="proxy",
                profile="ks2",
                held=name in ("sentinels", "not_filtered_by_this_probe"),
                detail="",
                batches=number,
            )
            for name, number in batches.items()
        ]
        return sentinel_agreement(replace(select([]), preconditions=tuple(places))).metric

    on, off = agreement(sentinels=9), agreement(sentinels=9, filter_is_on=1)
    never, dead = agreement(filter_is_on=9), agreement(sentinels=9, origin_answers=1)

    never_by_one_probe = agreement(sentinels=9, not_filtered_by_this_probe=9)

    assert (on.value, on.n, on.indeterminate) == (1, 9, 0)
    assert (never_by_one_probe.value, never_by_one_probe.n) == (0.5, 18)
    assert (off.value, off.indeterminate) == (0.9, 0)
    assert (never.value, never.n, never.indeterminate) == (None, 0, 9)
    assert (dead.value, dead.lower, dead.indeterminate) == (1, 0.9, 1)
    assert agreement().value is None
