"""Exact where items are independent, wider where they are not."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.estimate.e_process import anytime_bounds
from harness.estimate.interval_choice import (
    EXACT,
    ClusteredRate,
    RateBounds,
    TrialShare,
    clustered_rate,
    count_by_domain,
    design_effect,
    is_in_runs,
    rate_bounds,
)
from harness.estimate.intervals import (
    Bounds,
    clopper_pearson,
    lower_bound,
    p_below,
    upper_bound,
    worst_case,
)
from harness.estimate.outcome_groups import GroupResult
from harness.model.metric import Span, Spread
from harness.model.outcome_group import DomainComposition, OutcomeGroup
from harness.model.scheme import DecisionRule, Threshold

NINETY = Threshold(at_least=0.9, provenance="proposed", source="t")


def results(*sizes: int) -> list[GroupResult]:
    """Fates 0, 1 and 2, of so many items each."""
    groups = [
        OutcomeGroup(
            number=n,
            line="l",
            category="X",
            stratum="",
            lang="",
            phases=("*",),
            items=size,
            probe_states=(),
        )
        for n, size in enumerate(sizes)
    ]
    return [GroupResult(group=group, profile="ks2", probe_states=()) for group in groups]


def of(
    yes: int,
    no: int,
    doubt: int,
    rule: DecisionRule,
    pages: int = 1,
    alpha: float = 0.05,
    threshold: Threshold | None = None,
) -> RateBounds:
    """Bounds of so many items, several pages to a domain."""
    made = domains(yes, no, doubt, pages=pages)
    first, second, third = ([result] for result in results(yes, no, doubt))
    return rate_bounds(made, first, second, third, rule, alpha, threshold)


def domains(*sizes: int, pages: int) -> list[tuple[DomainComposition, int]]:
    """Items of fate after fate, so many to a domain."""
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    made = [
        tuple(sorted(Counter(groups[start : start + pages]).items()))
        for start in range(0, len(groups), pages)
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
    assert found.method == (
        "Gaffke, 10 domains counted once each, one-sided, indeterminates worst case, "
        "design effect 11.11"
    )
    assert found.alone == pytest.approx(plain)
    assert found.spread == Spread(domains=10, rate=0.9, tried=10, least=9.0, most=9.0)
    assert found.pooled == Span(0.9, 0.9)


def test_domains_that_are_all_or_nothing_are_clopper_pearson_over_domains() -> None:
    assert of(90, 10, 0, "guarded", 10).bounds == clopper_pearson(9, 10, 0.05)
    assert of(200, 0, 0, "guarded", 10).bounds == clopper_pearson(20, 20, 0.05)


def test_a_mixed_domain_counts_with_its_own_rate() -> None:
    found = of(95, 5, 0, "guarded", 10)

    assert found.bounds.lower == lower_bound({1.0: 9, 0.5: 1}, 0.05)
    assert found.bounds.upper == upper_bound({1.0: 9, 0.5: 1}, 0.05)
    assert found.spread is not None
    assert found.spread.rate == pytest.approx(0.95)


def test_the_rate_by_domain_is_not_the_pooled_one_where_a_large_domain_fares_worse() -> None:
    first, second, third = ([result] for result in results(40, 60, 0))
    made: list[tuple[DomainComposition, int]] = [(((0, 1),), 40), (((1, 60),), 1)]
    found = rate_bounds(made, first, second, third, "guarded", 0.05)

    assert found.pooled == Span(0.4, 0.4)
    assert found.spread is not None
    assert found.spread.rate == pytest.approx(40 / 41)
    assert (found.bounds.lower or 0) > 0.85


def test_doubt_inside_a_domain_is_open_below_and_blocked_above() -> None:
    """The value of the method: 40 domains of five blocked and five undecided items."""
    first, second, third = ([result] for result in results(200, 0, 200))
    made: list[tuple[DomainComposition, int]] = [(((0, 5), (2, 5)), 40)]
    found = rate_bounds(made, first, second, third, "guarded", 0.05)

    assert found.bounds == pytest.approx((0.46392, 1), abs=1e-5)
    assert found.decided == Span(*clopper_pearson(40, 40, 0.05))


def test_a_domain_that_is_wholly_in_doubt_widens_and_does_not_count() -> None:
    first, second, third = ([result] for result in results(30, 0, 6))
    made: list[tuple[DomainComposition, int]] = [(((0, 1),), 30), (((2, 3),), 2)]
    found = rate_bounds(made, first, second, third, "guarded", 0.05)

    assert found.spread == Spread(domains=30, rate=1.0, tried=32, least=30.0, most=32.0)
    assert found.bounds == (clopper_pearson(30, 32, 0.05).lower, 1.0)
    assert found.decided == Span(*clopper_pearson(30, 30, 0.05))
    assert found.pooled == Span(30 / 36, 1.0)


def test_the_assumption_about_items_without_a_domain_is_told() -> None:
    alone = [
        replace(result, group=msgspec.structs.replace(result.group, alone=True))
        for result in results(9)
    ]
    found = rate_bounds([(((0, 1),), 9)], alone, [], [], "guarded", 0.05)

    assert found.method.endswith("9 items without a registrable domain are taken as independent")
    assert found.unnamed == 9
    assert of(9, 0, 0, "guarded").unnamed == 0
    assert "registrable" not in of(9, 0, 0, "guarded").method


LEAST = Threshold(at_least=0.9, provenance="proposed", source="test")
MOST = Threshold(at_most=0.1, provenance="proposed", source="test")
RULES: list[DecisionRule] = ["guarded", "sequential"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pages", [1, 3])
@pytest.mark.parametrize("counts", [(170, 28, 2), (150, 40, 10), (185, 14, 1), (30, 160, 10)])
def test_a_row_is_accused_at_the_level_at_which_its_bound_passes_the_mark(
    rule: DecisionRule, pages: int, counts: tuple[int, int, int]
) -> None:
    for threshold in (LEAST, MOST):
        found = of(*counts, rule, pages, 0.05, threshold)
        assert found.p_value is not None
        for alpha in (0.001, 0.01, 0.05, 0.3):
            lower, upper = of(*counts, rule, pages, alpha).bounds
            is_beyond = (upper or 0) < 0.9 if threshold is LEAST else (lower or 0) > 0.1
            assert is_beyond == (found.p_value < alpha), (alpha, threshold)


def test_a_range_is_accused_at_half_the_level_on_either_side() -> None:
    both = LEAST.model_copy(update={"at_most": 0.95})
    one = of(80, 20, 0, "guarded", threshold=LEAST).p_value or 0
    two = of(80, 20, 0, "guarded", threshold=both).p_value or 0

    assert two == pytest.approx(2 * one)


def test_a_mark_that_no_chance_explains_accuses_by_one_item() -> None:
    none = MOST.model_copy(update={"at_most": 0.0})
    all_ = LEAST.model_copy(update={"at_least": 1.0})
    for rule in RULES:
        for yes, no, threshold, wanted in (
            (1, 99, none, 0),
            (0, 99, none, 1),
            (99, 1, all_, 0),
            (99, 0, all_, 1),
        ):
            assert of(yes, no, 0, rule, threshold=threshold).p_value == wanted


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


def test_at_any_time_each_domain_counts_once() -> None:
    several = of(95, 5, 0, "sequential", 10)
    single = of(95, 5, 0, "sequential").bounds

    assert several.bounds == Bounds(*anytime_bounds(9.5, 10, 0.05))
    assert (several.bounds.lower or 0) < (single.lower or 0)
    assert (several.bounds.upper or 0) > (single.upper or 0)
    assert several.method.startswith("e-process, 10 domains counted once each, one-sided at any")
    doubt = of(90, 9, 1, "sequential", 10)
    assert doubt.bounds.lower == anytime_bounds(9, 10, 0.05).lower
    assert doubt.bounds.upper == pytest.approx(anytime_bounds(9.1, 10, 0.05).upper)


def test_nothing_counted_bounds_nothing() -> None:
    assert of(0, 0, 3, "guarded").bounds == (None, None)
    assert of(0, 0, 3, "sequential").bounds == (None, None)


def test_the_design_effect_is_one_for_independent_items() -> None:
    yes, no = ([result] for result in results(40, 20))

    assert design_effect(domains(40, 20, pages=1), yes, no) < 1.05
    assert design_effect(domains(40, 20, pages=10), yes, no) > 5


def test_domains_of_other_items_do_not_count() -> None:
    yes, no, _ = ([result] for result in results(4, 4, 4))

    assert {(2, 2, 0): 2} == count_by_domain(
        [(((0, 2), (1, 2), (2, 2)), 2), (((2, 1),), 9)], (yes, no, [])
    )


def test_nothing_counted_has_the_method_of_exact_bounds_and_nothing_else() -> None:
    assert of(0, 0, 3, "guarded") == RateBounds(bounds=Bounds(None, None), method=EXACT)


def test_domains_of_one_composition_are_added_up_where_doubt_is_left_out() -> None:
    """Two fates of doubtful items: both domains have one block beside them."""
    first, second, third, fourth = results(4, 1, 1, 2)
    made: list[tuple[DomainComposition, int]] = [
        (((0, 1), (2, 1)), 1), (((0, 1), (3, 2)), 1), (((0, 2),), 1), (((1, 1),), 1),
    ]  # fmt: skip
    found = rate_bounds(made, [first], [second], [third, fourth], "guarded", 0.05)

    assert found.spread is not None
    assert (found.spread.domains, found.spread.tried) == (4, 4)
    assert found.spread.rate == pytest.approx(3 / 4)
    assert (found.spread.least, found.spread.most) == pytest.approx((1 / 2 + 1 / 3 + 1, 3))
    assert found.pooled == pytest.approx((4 / 8, 7 / 8))
    assert found.decided == pytest.approx(clopper_pearson(3, 4, 0.05))
    low, high = clopper_pearson(4, 8, 0.05).lower, clopper_pearson(7, 8, 0.05).upper
    assert found.alone == pytest.approx((low, high))
    assert "4 domains counted once each" in found.method
    effect = clustered_rate([(1, 1), (1, 1), (2, 2), (0, 1)]).design_effect
    assert f"design effect {effect:.2f}" in found.method


def test_what_is_decided_alone_and_by_items_is_bounded_at_any_time_as_well() -> None:
    found = of(30, 3, 3, "sequential", pages=3)

    assert found.decided is not None
    assert found.alone is not None
    assert found.decided == pytest.approx(anytime_bounds(10, 11, 0.05))
    low, high = anytime_bounds(30, 36, 0.05).lower, anytime_bounds(33, 36, 0.05).upper
    assert found.alone == pytest.approx((low, high))
    assert of(30, 3, 3, "sequential").spread is None
    assert of(30, 3, 3, "sequential").alone is None


def test_a_p_value_is_never_above_one() -> None:
    both = Threshold(at_least=0.4, at_most=0.6, provenance="proposed", source="t")
    none = Threshold(at_least=0.0, at_most=1.0, provenance="proposed", source="t")

    assert of(5, 5, 0, "guarded", threshold=both).p_value == 1.0
    assert of(5, 5, 0, "guarded", threshold=none).p_value == 1.0
    assert of(5, 5, 0, "sequential", threshold=both).p_value == 1.0


def test_clusters_of_nothing_are_no_clusters() -> None:
    assert clustered_rate([(0, 0)]) == ClusteredRate(k=0, n=0, clusters=0, design_effect=1.0)
    assert clustered_rate([(2, 4)]) == ClusteredRate(k=2, n=4, clusters=1, design_effect=4.0)
    assert clustered_rate([(2, 2), (4, 4)]) == ClusteredRate(
        k=6, n=6, clusters=2, design_effect=3.0
    )
    mixed = clustered_rate([(2, 2), (0, 2), (1, 2)])
    assert (mixed.k, mixed.n, mixed.clusters) == (3, 6, 3)
    assert mixed.design_effect == pytest.approx(3 / 2 * 2 / 36 / (1 / 24))
    assert mixed.effective_n == pytest.approx(6 / mixed.design_effect)


def test_misses_in_a_row_are_one_spell_and_scattered_ones_are_not() -> None:
    """Of 300 items 15 are missed: in five spells of three (of five, mostly), or far apart."""
    groups = results(285, 15)
    spells = [int(place % 60 < 3) for place in range(300)]

    def found(order: Sequence[int], rule: DecisionRule = "guarded") -> RateBounds:
        domains: list[tuple[DomainComposition, int]] = [(((0, 1),), 285), (((1, 1),), 15)]
        return rate_bounds(
            domains, groups[:1], groups[1:], [], rule, 0.05, NINETY, order=lambda _: order
        )

    scattered = found([int(place % 20 == 0) for place in range(300)])
    assert scattered.bounds == clopper_pearson(285, 300, 0.05)
    assert scattered.alone is None
    in_row = found(spells)
    blocks = {1.0: 55, 0.4: 5}
    assert in_row.bounds == (lower_bound(blocks, 0.05), upper_bound(blocks, 0.05))
    assert in_row.alone == Span(*clopper_pearson(285, 300, 0.05))
    assert "the rarer result comes in spells: 60 blocks of 5 count once" in in_row.method
    assert found(spells, "sequential").alone is None


def test_more_is_needed_to_accuse_for_spells_than_for_scattered_misses() -> None:
    scattered, in_row = (
        TrialShare(place % every >= missed for place in range(300))
        for every, missed in ((5, 1), (60, 12))
    )

    assert scattered.p_below(0.9) < 1e-6
    blocks = {1.0: 10, 0.4: 5}
    assert in_row.p_below(0.9) == p_below(blocks, 0.9) > 0.05
    assert in_row.bounds(0.05) == (lower_bound(blocks, 0.05), upper_bound(blocks, 0.05))
    assert in_row.alone(0.05) == Span(*clopper_pearson(240, 300, 0.05))


def test_undecided_trials_are_the_worst_on_either_side_and_one_miss_is_no_spell() -> None:
    doubt = TrialShare([True] * 95 + [None] * 5 + [True] * 100)

    assert (doubt.k, doubt.n, doubt.undecided) == (195, 195, 5)
    assert doubt.bounds(0.05) == (lower_bound({1.0: 21, 4 / 9: 1}, 0.05), 1.0)
    assert TrialShare([True] * 99 + [False]).method == "Clopper-Pearson"
    assert TrialShare([]).bounds(0.05) == (None, None)
    assert TrialShare([None]).p_below(0.9) == 1.0


@given(st.lists(st.sampled_from([True, False, None]), max_size=80))
def test_bounds_by_spells_are_never_narrower(found: list[bool | None]) -> None:
    trials = TrialShare(found)
    bounds = trials.bounds(0.05)
    single = worst_case(trials.k, trials.n, trials.undecided, 0.05)
    if not trials.n:
        return

    assert bounds.lower is not None
    assert bounds.upper is not None
    assert single.lower is not None
    assert single.upper is not None
    assert bounds.lower <= single.lower + 1e-9
    assert bounds.upper >= single.upper - 1e-9


@pytest.mark.parametrize("rare", [2, 3, 4])
def test_whether_misses_come_in_spells_is_decided_by_the_exact_distribution(rare: int) -> None:
    """Every order of 12 trials, counted: in spells if as few runs come in at most 5 % of them."""
    orders = [np.isin(np.arange(12), places) for places in itertools.combinations(range(12), rare)]
    runs = [int(each[0]) + int((each[1:] & ~each[:-1]).sum()) for each in orders]

    for each, own in zip(orders, runs, strict=True):
        by_chance = sum(other <= own for other in runs) / len(runs)
        assert is_in_runs(each) is (by_chance <= 0.05)
