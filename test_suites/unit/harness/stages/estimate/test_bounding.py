"""Exact where items are independent, wider where they are not."""

from __future__ import annotations

from collections import Counter

from harness.model.fate import Fate, MakeUp
from harness.model.scheme import DecisionRule
from harness.stages.estimate.bounding import Bounded, bounded, design_effect, shares
from harness.stages.estimate.clusters import clustered
from harness.stages.estimate.fold import Lot
from harness.stages.estimate.intervals import Bounds, worst_case
from harness.stages.estimate.sequential import anytime_bounds


def lots(*sizes: int) -> list[Lot]:
    """Fates 0, 1 and 2, of so many items each."""
    fates = [
        Fate(
            number=n,
            line="l",
            category="X",
            stratum="",
            lang="",
            phases=("*",),
            items=size,
            sights=(),
        )
        for n, size in enumerate(sizes)
    ]
    return [Lot(fate=fate, profile="ks2", sights=()) for fate in fates]


def of(yes: int, no: int, doubt: int, rule: DecisionRule, pages: int = 1) -> Bounded:
    """Bounds of so many items, several pages to a domain."""
    made = domains(yes, no, doubt, pages=pages)
    first, second, third = ([lot] for lot in lots(yes, no, doubt))
    return bounded(made, first, second, third, rule, 0.05)


def domains(*sizes: int, pages: int) -> list[tuple[MakeUp, int]]:
    """Items of fate after fate, so many to a domain."""
    fates = [fate for fate, size in enumerate(sizes) for _ in range(size)]
    made = [
        tuple(sorted(Counter(fates[start : start + pages]).items()))
        for start in range(0, len(fates), pages)
    ]
    return list(Counter(made).items())


def test_one_item_a_domain_is_exact() -> None:
    found = of(90, 8, 2, "guarded")

    assert found.bounds == worst_case(90, 98, 2, 0.05)
    assert found.method.startswith("Clopper-Pearson")


def test_several_pages_of_a_domain_widen_the_bounds() -> None:
    found = of(90, 10, 0, "guarded", 10)
    plain = worst_case(90, 100, 0, 0.05)

    assert (found.bounds.lower or 0) < (plain.lower or 0)
    assert (found.bounds.upper or 0) > (plain.upper or 0)
    assert "design effect" in found.method
    assert "over 10 domains" in found.method


def test_a_doubtful_page_of_a_shared_domain_counts_as_worst_on_either_side() -> None:
    sure = of(90, 10, 0, "guarded", 10).bounds
    doubt = of(90, 9, 1, "guarded", 10)

    assert (doubt.bounds.lower or 0) <= (sure.lower or 0) + 1e-9
    assert (doubt.bounds.upper or 0) >= (sure.upper or 0)


def test_surveillance_may_look_at_any_time() -> None:
    found = of(90, 10, 5, "sequential")

    assert found.bounds == Bounds(
        anytime_bounds(90, 105, 0.05).lower, anytime_bounds(95, 105, 0.05).upper
    )
    assert found.method.startswith("e-process")


def test_at_any_time_pages_of_one_domain_say_no_more_than_the_domain() -> None:
    several = of(90, 10, 0, "sequential", 10)
    single = of(90, 10, 0, "sequential").bounds

    effect = clustered([(10, 10)] * 9 + [(0, 10)]).design_effect
    assert several.bounds == anytime_bounds(90 / effect, 100 / effect, 0.05)
    assert effect > 10
    assert (several.bounds.lower or 0) < (single.lower or 0)
    assert (several.bounds.upper or 0) > (single.upper or 0)
    assert several.method.endswith("over 10 domains")
    doubt = of(90, 9, 1, "sequential", 10)
    assert (doubt.bounds.lower or 0) <= (several.bounds.lower or 0)
    assert (doubt.bounds.upper or 0) >= (several.bounds.upper or 0)


def test_nothing_counted_bounds_nothing() -> None:
    assert of(0, 0, 3, "guarded").bounds == (None, None)
    assert of(0, 0, 3, "sequential").bounds == (None, None)


def test_the_design_effect_is_one_for_independent_items() -> None:
    yes, no = ([lot] for lot in lots(40, 20))

    assert design_effect(domains(40, 20, pages=1), yes, no) < 1.05
    assert design_effect(domains(40, 20, pages=10), yes, no) > 5


def test_domains_of_other_items_do_not_count() -> None:
    yes, no, _ = ([lot] for lot in lots(4, 4, 4))

    assert {(2, 2, 0): 2} == shares([(((0, 2), (1, 2), (2, 2)), 2), (((2, 1),), 9)], (yes, no, []))
