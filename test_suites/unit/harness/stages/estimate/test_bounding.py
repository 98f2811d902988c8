"""Exact where items are independent, wider where they are not."""

from __future__ import annotations

from harness.model.corpus import Item
from harness.model.scheme import DecisionRule
from harness.stages.estimate.bounding import Bounded, bounded, design_effect
from harness.stages.estimate.clusters import clustered
from harness.stages.estimate.intervals import Bounds, worst_case
from harness.stages.estimate.sequential import anytime_bounds


def items(count: int, start: int = 0, pages: int = 1) -> list[Item]:
    """Items, several pages to a domain."""
    return [
        Item(
            id=f"i{start + n}",
            value=f"http://d{(start + n) // pages}.test/{n}",
            labels=("DRUG",),
            registrable=f"d{(start + n) // pages}.test",
        )
        for n in range(count)
    ]


def of(yes: list[Item], no: list[Item], doubt: list[Item], rule: DecisionRule) -> Bounded:
    return bounded(yes, no, doubt, rule, 0.05)


def test_one_item_a_domain_is_exact() -> None:
    found = of(items(90), items(8, 90), items(2, 98), "guarded")

    assert found.bounds == worst_case(90, 98, 2, 0.05)
    assert found.method.startswith("Clopper-Pearson")


def test_several_pages_of_a_domain_widen_the_bounds() -> None:
    found = of(items(90, pages=10), items(10, 90, pages=10), [], "guarded")
    plain = worst_case(90, 100, 0, 0.05)

    assert (found.bounds.lower or 0) < (plain.lower or 0)
    assert (found.bounds.upper or 0) > (plain.upper or 0)
    assert "design effect" in found.method
    assert "over 10 domains" in found.method


def test_a_doubtful_page_of_a_shared_domain_counts_as_worst_on_either_side() -> None:
    sure = of(items(90, pages=10), items(10, 90, pages=10), [], "guarded").bounds
    doubt = of(items(90, pages=10), items(9, 90, pages=10), items(1, 99, pages=10), "guarded")

    assert (doubt.bounds.lower or 0) <= (sure.lower or 0) + 1e-9
    assert (doubt.bounds.upper or 0) >= (sure.upper or 0)


def test_surveillance_may_look_at_any_time() -> None:
    found = of(items(90), items(10, 90), items(5, 100), "sequential")

    assert found.bounds == Bounds(
        anytime_bounds(90, 105, 0.05).lower, anytime_bounds(95, 105, 0.05).upper
    )
    assert found.method.startswith("e-process")


def test_at_any_time_pages_of_one_domain_say_no_more_than_the_domain() -> None:
    several = of(items(90, pages=10), items(10, 90, pages=10), [], "sequential")
    single = of(items(90), items(10, 90), [], "sequential").bounds

    effect = clustered([(10, 10)] * 9 + [(0, 10)]).design_effect
    assert several.bounds == anytime_bounds(90 / effect, 100 / effect, 0.05)
    assert effect > 10
    assert (several.bounds.lower or 0) < (single.lower or 0)
    assert (several.bounds.upper or 0) > (single.upper or 0)
    assert several.method.endswith("over 10 domains")
    doubt = of(items(90, pages=10), items(9, 90, pages=10), items(1, 99, pages=10), "sequential")
    assert (doubt.bounds.lower or 0) <= (several.bounds.lower or 0)
    assert (doubt.bounds.upper or 0) >= (several.bounds.upper or 0)


def test_nothing_counted_bounds_nothing() -> None:
    assert of([], [], items(3), "guarded").bounds == (None, None)
    assert of([], [], items(3), "sequential").bounds == (None, None)


def test_the_design_effect_is_one_for_independent_items() -> None:
    assert design_effect([(item, n % 3 > 0) for n, item in enumerate(items(60))]) < 1.05
    assert design_effect([(item, n < 30) for n, item in enumerate(items(60, pages=10))]) > 5
