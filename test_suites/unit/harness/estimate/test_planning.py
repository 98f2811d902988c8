"""METHOD tables 1 to 3 to the printed digit."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.estimate import planning
from harness.estimate.interval_choice import TrialShare
from harness.estimate.planning import (
    decision_limits,
    fewest_items,
    fixed_plan,
    items_for_power,
    power_at,
    power_with_undecided,
    rate_for_power,
    zero_miss_items,
)

MISSES = (0, 1, 2, 3, 5, 10, 20)
TABLE_1 = {
    0.90: (29, 46, 61, 76, 103, 167, 286),
    0.95: (59, 93, 124, 153, 208, 336, 577),
    0.98: (149, 236, 313, 386, 523, 845, 1449),
    0.99: (299, 473, 628, 773, 1049, 1693, 2902),
    0.995: (598, 947, 1258, 1549, 2100, 3389, 5808),
    0.999: (2995, 4742, 6294, 7752, 10511, 16959, 29058),
}
SIZES = (100, 200, 300, 500, 1000, 2000, 5000, 10000)
TABLE_2 = {
    0.90: "4/16(97.6) 12/28(95.6) 21/40(94.5) 38/62(93.7) 84/117(92.6) 177/223(91.9) "
    "464/536(91.2) 950/1051(90.9)",
    0.95: "1/10(99.5) 4/16(98.8) 8/22(98.2) 16/34(97.6) 38/63(96.9) 83/117(96.4) "
    "224/277(95.9) 463/537(95.6)",
    0.98: "-/6 0/8(99.95) 1/11(99.8) 4/16(99.5) 12/29(99.1) 29/52(98.8) 83/118(98.6) 176/224(98.4)",
    0.99: "-/4 -/6 0/7(99.96) 1/10(99.9) 4/16(99.8) 12/29(99.6) 38/63(99.4) 83/118(99.3)",
    0.999: "-/2 -/2 -/2 -/3 -/4 -/6 1/10(99.99) 4/16(99.98)",
}
TABLE_3 = {
    0.90: ((298, 21), (142, 8)),
    0.95: ((624, 22), (311, 9)),
    0.98: ((1567, 22), (782, 9)),
    0.99: ((3137, 22), (1568, 9)),
    0.995: ((6279, 22), (3138, 9)),
    0.999: ((31411, 22), (15702, 9)),
}


@pytest.mark.parametrize("threshold", TABLE_1)
def test_the_fewest_items_are_those_of_method_table_1(threshold: float) -> None:
    assert tuple(fewest_items(threshold, misses) for misses in MISSES) == TABLE_1[threshold]


def shown(threshold: float, n: int, printed: str) -> str:
    """A cell of table 2 as the reference prints it: rounded to two digits, then to one."""
    found = decision_limits(n, threshold)
    text = f"{'-' if found.passes is None else found.passes}/{found.fails}"
    if found.true_rate is None:
        return text
    rate = printed.partition("(")[2].rstrip(")")
    digits = Decimal(1).scaleb(-len(rate.partition(".")[2]))
    value = Decimal(f"{found.true_rate * 100:.2f}")
    return f"{text}({value.quantize(digits, ROUND_HALF_UP)})"


@pytest.mark.parametrize("threshold", TABLE_2)
def test_what_n_items_decide_is_that_of_method_table_2(threshold: float) -> None:
    for n, cell in zip(SIZES, TABLE_2[threshold].split(), strict=True):
        assert shown(threshold, n, cell) == cell


@pytest.mark.parametrize("threshold", TABLE_3)
def test_the_fixed_plans_are_those_of_method_table_3(threshold: float) -> None:
    for part, expected in zip((2, 3), TABLE_3[threshold], strict=True):
        plan = fixed_plan(threshold, 1 - (1 - threshold) / part)

        assert (plan.n, plan.misses) == expected


def test_acceptance_sampling_for_producers_is_too_lax() -> None:
    """METHOD: AQL 1.0, n = 200, Ac = 5 accepts 44 % of services that miss 3 %."""
    assert rate_for_power(200, 5, 0.44) == pytest.approx(0.97, abs=0.001)


def test_the_power_of_a_plan_is_what_it_was_planned_for() -> None:
    n = items_for_power(0.9, 0.95, power=0.9)

    assert power_at(n, 0.9, 0.95) >= 0.9
    assert power_at(50, 0.99, 1.0) == 0


@given(st.sampled_from([0.8, 0.9, 0.95, 0.99]), st.integers(1, 2000))
def test_pass_and_fail_never_overlap(threshold: float, n: int) -> None:
    found = decision_limits(n, threshold)
    passes = -1 if found.passes is None else found.passes

    assert found.fails is None or passes < found.fails
    if found.passes is not None:
        assert fewest_items(threshold, found.passes) <= n < fewest_items(threshold, passes + 1)


def test_proving_almost_no_failure_takes_very_many_items() -> None:
    """METHOD's 299,573 is the Poisson figure 2.99573 / 0.00001; the exact one is one less."""
    assert zero_miss_items(0.99999) == 299_572
    assert [zero_miss_items(rate) for rate in (0.9, 0.95, 0.99)] == [29, 59, 299]


def test_a_hundred_per_cent_is_no_matter_for_sampling() -> None:
    for plan in (
        lambda: fewest_items(1.0, 0),
        lambda: decision_limits(10, 1.0),
        lambda: zero_miss_items(1),
    ):
        with pytest.raises(ValueError, match="take a census"):
            plan()
    with pytest.raises(ValueError, match="cannot be shown"):
        items_for_power(0.9, 0.9)


@pytest.mark.parametrize(("rate", "lost"), [(0.95, 0.0), (0.98, 0.01), (1.0, 0.02)])
def test_undecided_items_take_power_away(rate: float, lost: float) -> None:
    """Beside a simulation of 4,000 campaigns, in the order of trial; its error is below 0.8 %."""
    chance = np.random.default_rng(5)
    surely = [stats.binom.sf(some - 1, 120, 0.02) <= 0.05 for some in range(121)]
    conforming = 0
    for is_lost, is_missed in chance.random((4_000, 2, 120)) < [[[lost], [1 - rate]]]:
        order = [
            None if gone else not missed for gone, missed in zip(is_lost, is_missed, strict=True)
        ]
        conforming += not surely[is_lost.sum()] and TrialShare(order).p_above(0.9) <= 0.05

    found = power_with_undecided(120, 0.9, rate, lost)
    assert found == pytest.approx(conforming / 4_000, abs=0.015)
    assert power_with_undecided(28, 0.9, rate, lost) == 0


@pytest.mark.parametrize("missed", [3, 6])
def test_so_many_random_orders_do_not_conform_as_simulated(missed: int) -> None:
    """Of 120 items up to six may be missed; the error of 4,000 orders is below 0.9 %."""
    order, chance = np.arange(120) >= missed, np.random.default_rng(5)
    drawn = (TrialShare(chance.permutation(order).tolist()).p_above(0.9) for _ in range(4_000))
    seen = sum(p_value > 0.05 for p_value in drawn) / 4_000

    assert seen > 0.02
    assert planning._refused(120, missed, 0.9, 0.05) == pytest.approx(seen, abs=0.012)


@pytest.mark.parametrize(("n", "true_rate"), [(120, 0.98), (250, 0.95), (447, 0.95)])
def test_orders_that_look_like_spells_cost_at_most_their_share(n: int, true_rate: float) -> None:
    counted, seen = power_at(n, 0.9, true_rate), power_with_undecided(n, 0.9, true_rate, 0.0)

    assert counted - 0.05 * counted <= seen < counted
