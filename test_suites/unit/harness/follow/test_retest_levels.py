"""What a supplier is told beforehand of the levels and sizes of re-tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.follow.retest_levels import (
    chance_of_try,
    level_words,
    rule_in,
    sample_rule,
    size_for_try,
)
from harness.model.action_plan import ActionPlan, Finding, PlanState, RetestResult
from harness.model.retest_schedule import POWER, SampleRule
from test_suites.unit.harness.follow.test_retest import scheme, tried

RULE = SampleRule(alpha=0.05, rate=0.9, n_min=29, by_group=True)
BAD = RetestResult.DOES_NOT_CONFORM


@pytest.mark.parametrize(
    ("differing", "expected"),
    [
        ({}, SampleRule(alpha=0.05, rate=0.95, n_min=59, by_group=True)),
        ({"alpha": 0.01}, SampleRule(alpha=0.01, rate=0.95, n_min=59, by_group=True)),
        ({"rule": "census"}, None),
        (
            {
                "measure": {"metric": "overblock_rate"},
                "threshold": {"at_most": 0.05, "provenance": "proposed", "source": "s"},
            },
            SampleRule(alpha=0.05, rate=0.95, n_min=59, by_group=True),
        ),
        (
            {
                "rule": "quantile",
                "measure": {"metric": "first_byte_overhead", "quantile": 0.95},
                "threshold": {"at_most": 0.5, "provenance": "proposed", "source": "s"},
            },
            SampleRule(alpha=0.05, n_min=59),
        ),
    ],
)
def test_how_a_sample_decides_follows_from_the_requirement(
    differing: dict[str, object], expected: SampleRule | None
) -> None:
    found = rule_in(scheme(**differing))

    assert found == expected
    (requirement,) = scheme().requirements
    assert sample_rule(requirement, 0.01) == SampleRule(
        alpha=0.01, rate=0.95, n_min=59, by_group=True
    )


@pytest.mark.parametrize("categories", [1, 3])
def test_a_row_that_pools_its_categories_shares_the_items(categories: int) -> None:
    pooled = SampleRule(alpha=0.05, rate=0.9)
    size = size_for_try(pooled, 1, categories)

    assert size == -(-231 // categories)
    assert (chance_of_try(pooled, 1, size, categories) or 0) >= POWER
    assert size_for_try(RULE, 1, 3) > 231


def test_levels_sizes_and_the_probability_are_told_beforehand(
    plan: ActionPlan, finding: Finding
) -> None:
    asked = replace(finding, rule=RULE, sampled=30)
    first, second = level_words(plan, asked)

    assert "1. 97.5 %, 2. 99.1667 %, 3. 99.5833 %, 4. 99.75 %" in first
    assert first.endswith("none is spent")
    assert second == (
        "the next one, at 97.5 %, needs at least 36 fresh items; with 231, as proposed, a fix that "
        "is right in 95 % (90 % is required) passes in 81.6 %, with 36 in 15.8 %"
    )
    spent, third = level_words(tried(plan, BAD, BAD), asked)
    assert spent.endswith("2 are spent")
    assert third.startswith(
        "the next one, at 99.5833 %, needs at least 53 fresh items; with 343, as"
    )
    assert (
        "needs at least 300 fresh items; with 300, as"
        in level_words(plan, replace(asked, sampled=300))[1]
    )


def test_nothing_is_told_where_each_item_counts_or_the_plan_is_over(
    plan: ActionPlan, finding: Finding
) -> None:
    asked = replace(finding, rule=RULE)

    assert level_words(plan, finding) == (), "not known in records of earlier versions"
    assert level_words(replace(plan, state=PlanState.CLOSED), asked) == ()
    assert len(level_words(replace(plan, state=PlanState.VERIFIED), asked)) == 1
    assert len(level_words(plan, replace(asked, rule=SampleRule(alpha=0.05)))) == 1
