"""Every part needs its own decided items, and none hides what another could not decide."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.model.coverage import (
    census_gaps,
    items_needed,
    left_out,
    named_parts,
    shortfalls,
    undecided,
)
from harness.model.metric import Metric, Part, Source
from harness.model.scheme import Threshold
from test_suites.kit.campaigns.example import example_metric, example_requirement

HIDDEN = Source("real", is_hidden=True)


def part(group: str, n: int, undecided: int = 0, **more: Any) -> Part:
    metric = example_metric(n, n, indeterminate=undecided, **more)
    return Part(group=group, source=HIDDEN, metric=metric)


def whole(*parts: Part) -> Metric:
    return replace(example_metric(100, 100), parts=parts)


def test_a_source_in_words() -> None:
    assert HIDDEN.words == "hidden real items"
    assert Source("content").words == "known content items"
    assert Source("agreed", is_hidden=True).words == Source().words == "agreed items"


def test_a_part_that_was_not_tried_is_named() -> None:
    found = shortfalls(example_requirement(), whole(part("PORN", 60), part("GAMB", 0)))

    assert found == ("GAMB, hidden real items: not tried",)


def test_a_part_with_too_few_is_named_with_what_it_needs() -> None:
    found = shortfalls(example_requirement(), whole(part("PORN", 28), part("GAMB", 29)))

    assert found == ("PORN, hidden real items: 28 decided, at least 29 are needed",)
    doubtful = shortfalls(example_requirement(), whole(part("PORN", 0, undecided=4)))
    assert doubtful == ("PORN, hidden real items: 0 decided, at least 29 are needed",)


@pytest.mark.parametrize(
    ("limits", "alpha", "needed"),
    [
        ({"at_least": 0.9}, 0.05, 29),
        ({"at_least": 0.98}, 0.01, 228),
        ({"at_most": 0.05}, 0.05, 59),
        ({"at_most": 0.005}, 0.01, 919),
        ({"at_least": 1}, 0.05, 5),
        ({"at_most": 0}, 0.05, 5),
    ],
)
def test_the_fewest_that_can_decide(limits: dict[str, Any], alpha: float, needed: int) -> None:
    threshold = Threshold(provenance="proposed", source="t", **limits)
    wanted = example_requirement(threshold=threshold, n_min=5)

    assert items_needed(wanted, alpha) == needed
    assert items_needed(wanted.model_copy(update={"n_min": 2000}), alpha) == 2000
    assert items_needed(wanted.model_copy(update={"n_min": 0, "rule": "census"}), alpha) == 1


def test_doubt_in_one_part_is_not_thinned_by_others() -> None:
    metric = whole(part("PORN", 900), part("GAMB", 94, undecided=6))

    (told,) = undecided(metric, 0.02)

    assert told.startswith("GAMB, hidden real items: 6 items (6 %) could not be decided")
    assert undecided(metric, 0.06) == ()


@pytest.mark.parametrize(
    ("n", "some", "is_told"),
    [(57, 3, False), (56, 4, True), (240, 10, True), (241, 9, False), (9_700, 300, True)],
)
def test_a_few_undecided_items_of_a_small_part_may_be_chance(
    n: int, some: int, is_told: bool
) -> None:
    """P[X >= 3] = 0.119 and P[X >= 4] = 0.034 for X ~ Bin(60, 0.02)."""
    metric = whole(part("PORN", n, undecided=some), part("GAMB", 900))

    assert bool(undecided(metric, 0.02)) is is_told
    assert bool(undecided(metric, 0.0))
    assert not undecided(metric, 1.0)


def test_a_single_part_needs_no_name() -> None:
    assert named_parts(whole(part("PORN", 3)))[0][0] == ""
    assert [name for name, _ in named_parts(whole(part("A", 1), part("B", 1)))] == [
        "A, hidden real items: ",
        "B, hidden real items: ",
    ]


def test_many_items_that_were_left_out_forbid_a_pass_and_show_the_worst() -> None:
    metric = replace(
        example_metric(88, 88), left_out={"down": 12, "not paired": 40}, worst=(0.801, 1.0)
    )

    (told,) = left_out(example_requirement(), metric, 0.05)

    assert told == (
        "12 of 140 items were left out (8.57 %); at most 5 % may be left out; "
        "if all of them had gone wrong, the bound would be 80.1 %"
    )
    assert left_out(example_requirement(), metric, 0.09) == ()
    assert left_out(example_requirement(), replace(metric, left_out={"not paired": 99}), 0.05) == ()


def test_a_census_lacks_what_was_not_tried_and_what_was_left_out() -> None:
    whole_list = replace(example_metric(0, 118), frame=120)

    assert census_gaps(replace(whole_list, n=120)) == ()
    assert census_gaps(whole_list) == ("118 of 120 entries were tried; all must be",)
    assert census_gaps(replace(whole_list, left_out={"down": 2})) == (
        "2 entries were left out; all must be tried",
    )


def test_a_handful_of_known_items_needs_no_proof_of_its_own() -> None:
    """It must not fall short, either."""
    good, bad = (
        Part(group="GAMB", source=Source(), metric=example_metric(k, 12), is_basis=False)
        for k in (12, 9)
    )

    assert shortfalls(example_requirement(), whole(part("GAMB", 60), good)) == ()
    assert shortfalls(example_requirement(), whole(part("GAMB", 60), bad)) == (
        "GAMB, agreed items: 9 of 12, which does not meet the requirement",
    )
