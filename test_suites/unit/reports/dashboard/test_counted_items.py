"""Which items count for an outcome: categories of the policy, kinds of items, and what is missed."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.outcome import CategoryRate
from harness.model.scheme import Measure
from reports.dashboard.counted_items import counted_categories, counted_kinds, missed_state
from test_suites.kit.campaigns.example import example_metric, example_outcome, example_requirement


def rate(category: str, expects: str, **fields: Any) -> CategoryRate:
    made: dict[str, Any] = {
        "category": category, "expects": expects, "profile": "ks2", "line": "proxy",
        "blocked": 1, "allowed": 0, "altered": 0, "down": 0, "insufficient": 0,
        "lower": None, "upper": None,
    }  # fmt: skip
    return CategoryRate(**made | fields)


RATES = (
    rate("DRUG", "block"), rate("DRUG.PROMO", "block"), rate("DRUG.INFO", "allow"),
    rate("GAMB", "block"), rate("CTRL", "block"), rate("DRUG.SALE", "block", line="resolver"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "found"),
    [
        (Measure(metric="block_rate", categories=("DRUG",), expectation="block"),
         ("DRUG", "DRUG.PROMO")),
        (Measure(metric="block_rate", categories=("DRUG",)), ("DRUG", "DRUG.PROMO", "DRUG.INFO")),
        (Measure(metric="block_rate", expectation="block"), ("DRUG", "DRUG.PROMO", "GAMB")),
        (Measure(metric="block_rate", categories=("CTRL",)), ("CTRL",)),
        (Measure(metric="age_bands_missing", categories=("DRUG",)), ()),
    ],
)  # fmt: skip
def test_categories_are_those_of_the_measure_and_the_policy(
    measure: Measure, found: tuple[str, ...]
) -> None:
    requirement = example_requirement(measure=measure)
    outcome = example_outcome(requirement=requirement, kind="real")
    assert found == counted_categories(outcome, RATES)


@pytest.mark.parametrize(
    ("metric", "kinds"),
    [
        ("block_rate", ("agreed", "real")),
        ("content_block_rate", ("content",)),
        ("first_byte_overhead", ("agreed", "content", "real")),
    ],
)
def test_kinds_are_those_that_the_requirement_rests_on(metric: str, kinds: tuple[str, ...]) -> None:
    requirement = example_requirement(measure=Measure(metric=metric))
    assert kinds == counted_kinds(example_outcome(requirement=requirement))


@pytest.mark.parametrize(
    ("metric", "state"),
    [("block_rate", "allowed"), ("missed", "allowed"), ("overblock_rate", "blocked"),
     ("first_byte_overhead", "")],
)  # fmt: skip
def test_the_missed_state_follows_from_what_is_counted(metric: str, state: str) -> None:
    assert state == missed_state(example_metric(name=metric))
