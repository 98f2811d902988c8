"""Bounds of quantiles hold for times in spells and hosts; single blocks are order statistics."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from harness.estimate.interval_choice import is_in_runs, longest_stretch
from harness.estimate.intervals import p_below
from harness.estimate.quantile_bounds import TimedSample, median_of
from harness.model.order_statistic import quantile_of
from harness.model.smallest_sample import blocks_for


def sample(times: list[float], **changed: object) -> TimedSample:
    given_ = {"times": times, "quantile": 0.95, "alpha": 0.05} | changed
    return TimedSample(**given_)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "quantile", "value"),
    [
        (range(1, 61), 0.95, 57),
        (range(1, 31), 0.1, 3),
        ([1, 2, 3, 4], 0.5, 2),
        ([7], 0.99, 7),
        ([1, 2], 1.0, 2),
        ([], 0.5, None),
    ],
)
def test_a_quantile_is_the_smallest_value_that_enough_are_at_most(
    values: list[float], quantile: float, value: float | None
) -> None:
    assert quantile_of(values, quantile) == value


def test_later_values_count_and_have_no_size() -> None:
    assert quantile_of([1.0, 2.0, 3.0], 0.5, later=3) == 3.0
    assert quantile_of([1.0, 2.0, 3.0], 0.5, later=4) is None


@given(st.integers(1, 88), st.integers(0, 5), st.sampled_from([0.01, 0.05, 0.2]))
def test_single_blocks_give_order_statistics(n: int, unknown: int, alpha: float) -> None:
    """The ranks are those of Hahn and Meeker: binomial tails at the 90 % quantile."""
    shuffled = np.random.default_rng(n).permutation(n).astype(float).tolist()
    found = sample(shuffled, quantile=0.9, alpha=alpha, unknown=unknown, mark=math.inf)
    if found.spell > 1:
        return
    total = n + unknown
    most = [r for r in range(1, n + 1) if special.bdtrc(r - 1, total, 0.9) <= alpha]
    least = [r for r in range(n) if special.bdtr(r + unknown, total, 0.9) <= alpha]

    assert found.bounds.upper == (most[0] - 1 if most else None)
    assert found.bounds.lower == (least[-1] if least else None)


@pytest.mark.parametrize(("n", "beyond"), [(59, 0), (93, 1), (124, 2)])
def test_the_upper_bound_bears_as_many_slow_times_as_method_says(n: int, beyond: int) -> None:
    """METHOD (c): p95 <= L with n samples and r exceedances: 59/0, 93/1, 124/2."""

    def upper(n: int, beyond: int) -> float | None:
        times = [9.0 if place % 40 == 20 and place < 40 * beyond else 1.0 for place in range(n)]
        return sample(times, mark=5.0).bounds.upper

    assert upper(n, beyond) == 1.0
    assert upper(n, beyond + 1) != 1.0
    assert upper(n - 1, beyond) != 1.0


def test_unknown_times_are_the_worst_on_either_side() -> None:
    times = [float(n * 37 % 100) for n in range(100)]
    plain, doubtful = sample(times, quantile=0.5), sample(times, quantile=0.5, unknown=10)

    assert (doubtful.bounds.lower or 0) < (plain.bounds.lower or 0)
    assert (doubtful.bounds.upper or 0) > (plain.bounds.upper or 0)
    assert sample(times, unknown=50).bounds.upper is None
    assert sample([], unknown=5).bounds == (None, None)
    assert sample([]).value is None


@pytest.mark.parametrize("spell", [1, 8])
@pytest.mark.parametrize("hosts", [0, 40])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_a_quantile_is_above_a_mark_at_the_level_at_which_its_bound_is(
    spell: int, hosts: int, alpha: float
) -> None:
    random = np.random.default_rng(3)
    times = np.repeat(random.random(200 // spell), spell) + random.random(200) / 10
    owner = random.integers(hosts, size=200).tolist() if hosts else ()
    for mark in (0.2, 0.6, 0.7, 0.8, 0.9, 1.0):
        found = sample(times.tolist(), quantile=0.8, alpha=alpha, hosts=owner, mark=mark, unknown=2)
        lower, p_value = found.bounds.lower, found.p_above(mark)

        assert p_value is not None
        assert (lower is not None and lower > mark) == (p_value <= alpha)


def test_times_between_two_ends_are_late_for_one_bound_and_early_for_the_other() -> None:
    times = [math.inf if n % 20 == 0 else 5.0 for n in range(60)]
    found = sample(times, least=[2.0] * 60, quantile=0.8)

    assert (found.value, found.bounds) == (5.0, (2.0, 5.0))
    assert sample([math.inf] * 60).value is None
    assert sample([math.inf] * 60, least=[7.0] * 60).bounds == (7.0, None)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_the_longest_stretch_is_found_as_by_trying_all(slow: list[bool]) -> None:
    needed = (1 + sum(slow) / len(slow)) / 2
    tried = [
        end - start
        for start in range(len(slow))
        for end in range(start + 1, len(slow) + 1)
        if sum(slow[start:end]) >= needed * (end - start) - 1e-9
    ]

    assert longest_stretch(np.array(slow)) == max(tried, default=0)


def test_runs_tell_spells_from_single_slow_times() -> None:
    alone, together = np.arange(200) % 20 == 0, np.arange(200) < 10

    assert (is_in_runs(alone), is_in_runs(together)) == (False, True)
    assert not any(map(is_in_runs, (np.zeros(9, bool), np.ones(9, bool), np.ones(0, bool))))


def test_blocks_are_as_long_as_leaves_enough_of_them_or_as_the_spells_seen() -> None:
    quiet = [float(n % 7) for n in range(900)]
    spell = [*quiet[:300], *[50.0] * 30, *quiet[330:]]

    assert [sample(quiet[:n], mark=10.0).spell for n in (0, 60, 177, 178, 890)] == [1, 1, 1, 2, 10]
    assert sample(spell, mark=10.0).spell >= 30
    assert sample(spell, mark=60.0).spell == 900 // blocks_for(0.95, 0.05)
    assert sample([50.0] * 60, mark=10.0).bounds.lower == 50.0
    assert "up to 10 in a row" in sample(quiet, mark=10.0).method


def test_more_times_of_the_same_hosts_show_no_more() -> None:
    """Ten hosts of ten pages, of which one is slow throughout, are ten and not a hundred."""
    hosts = [n % 10 for n in range(100)]
    times = [5.0 if host == 0 else 1.0 for host in hosts]
    as_single, as_hosts = sample(times, quantile=0.8), sample(times, quantile=0.8, hosts=hosts)

    assert as_single.bounds.upper == 1.0
    assert as_hosts.bounds.upper is None
    assert "10 hosts" in as_hosts.method


@pytest.mark.parametrize("skew", [0.0, 2.0])
def test_the_bounds_of_a_median_cover_it_whatever_the_shape(skew: float) -> None:
    random, truth = np.random.default_rng(6), math.log(2) if skew else 0.0
    draw = random.exponential(size=(600, 30)) if skew else random.laplace(size=(600, 30))
    found = [median_of(row.tolist(), 0.05).bounds for row in draw]

    assert np.mean([(each.upper or 9) < truth for each in found]) <= 0.05 + 3 * 0.009
    assert np.mean([(each.lower or -9) > truth for each in found]) <= 0.05 + 3 * 0.009
    with pytest.raises(ValueError, match="median"):
        median_of([], 0.05)


def test_a_bound_moves_with_the_level() -> None:
    times = [float(n * 37 % 200) for n in range(200)]
    uppers = [sample(times, quantile=0.5, alpha=alpha).bounds.upper for alpha in (0.01, 0.05, 0.2)]

    assert all(upper is not None for upper in uppers)
    assert all((one or 0) > (other or 0) for one, other in pairwise(uppers))


def test_slow_times_in_few_spells_accuse_no_more_than_as_many_blocks() -> None:
    """60 times, of which 45 are slow in three spells: for a median, blocks of 12 and not of 4."""
    times = [1.0 if place % 20 < 15 else 0.0 for place in range(60)]
    found = sample(times, quantile=0.5, mark=0.5)

    assert found.spell == 4
    fast = {0.0: 1, 1 / 12: 1, 4 / 12: 1, 5 / 12: 2}
    assert found.p_above(0.5) == pytest.approx(p_below(fast, 0.5))
