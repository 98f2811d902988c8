"""Which items count: by category, stratum, phase and policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.estimate.item_selection import (
    Selection,
    Sources,
    counts_category,
    counts_item,
    is_asked,
    select_results,
)
from harness.estimate.outcome_groups import results_by_profile
from harness.model.corpus import Item
from harness.model.scheme import Measure, Policy, Requirement
from harness.model.verdict import Verdict
from test_suites.kit.campaigns.memory_fold import MemoryFold

POLICY = Policy.model_validate(
    {
        "id": "p",
        "title": "p",
        "provenance": "seen",
        "source": "s",
        "rows": {
            "DRUG": {"ks2": "block", "staff": "allow"},
            "ALW": {"ks2": "allow", "staff": "allow"},
            "CTRL": {"ks2": "allow", "staff": "allow"},
        },
    }
)


@pytest.mark.parametrize(
    ("measure", "category", "expected"),
    [
        ({}, "DRUG", True),
        ({}, "CTRL", False),
        ({"categories": ("CTRL",)}, "CTRL", True),
        ({"categories": ("DRUG",)}, "DRUG.DEEP", True),
        ({"categories": ("DRUG",)}, "DRUGSTORE", False),
        ({"expectation": "block"}, "DRUG", True),
        ({"expectation": "block"}, "ALW", False),
        ({"expectation": "allow"}, "ALW.EDU", True),
        ({"expectation": "allow"}, "UNKNOWN", False),
    ],
)
def test_a_category_counts_where_it_is_named_and_expected(
    measure: dict[str, object], category: str, *, expected: bool
) -> None:
    wanted = Measure.model_validate({"metric": "m", **measure})

    assert counts_category(wanted, POLICY, category, "ks2") is expected


def test_an_item_counts_in_its_phases_and_strata() -> None:
    item = Item(id="i", value="i.test", labels=("ALW",), phases=("ks2", "ks3"), stratum="head")

    assert counts_item(Measure(metric="m"), item, "ks2")
    assert not counts_item(Measure(metric="m"), item, "ks1")
    assert counts_item(Measure(metric="m", strata=("head",)), item, "ks2")
    assert not counts_item(Measure(metric="m", strata=("tail",)), item, "ks2")


def test_a_requirement_is_asked_where_the_policy_expects_it_of_some_category() -> None:
    block = Measure(metric="m", categories=("DRUG",), expectation="block")

    assert is_asked(block, POLICY, (), "ks2")
    assert not is_asked(block, POLICY, (), "staff")
    assert is_asked(Measure(metric="m", expectation="block"), POLICY, (), "staff")


def test_what_is_selected_is_what_counts(verdict: Callable[..., Verdict]) -> None:
    verdicts = [verdict("a"), verdict("b", "ALW"), verdict("c", phases=("ks4",))]
    profile_results = results_by_profile(MemoryFold(verdicts).counts)["proxy", "ks2"]
    wanted = Requirement(
        id="URL-04",
        title="t",
        area="url",
        severity="Crit",
        rule="guarded",
        measure=Measure(metric="m", categories=("DRUG",), expectation="block"),
    )

    assert [
        result.group.number
        for result in select_results(wanted, POLICY, profile_results, "ks2", Sources())
    ] == [0]


def test_a_selection_knows_its_measure(select: Callable[..., Selection]) -> None:
    assert select([], probes=("dns",)).measure.probes == ("dns",)
