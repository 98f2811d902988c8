"""Own probabilities and quantiles against SciPy, exact fractions, and what defines them.

SciPy judges, and is itself less exact in places (1.18, seen against 45 to 70 digits). Its ``bdtr`` and
``bdtrc`` have relative errors of 1e-11 for thousands of items and of 1e-4 for millions, its ``betainc``
of 4e-12 for dozens and of 1e-10 for millions, its ``betaincinv`` of 5e-12 for millions. Where that
matters the judge is the sum of exact terms, or a continued fraction of another book in 45 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special, stats

from harness.estimate.distributions import (
    beta_cdf,
    beta_quantile,
    binomial_cdf,
    binomial_masses,
    binomial_rate,
    binomial_sf,
    hypergeometric_cdf,
    hypergeometric_masses,
    hypergeometric_sf,
    normal_cdf,
    normal_quantile,
    student_quantile,
)

EXACT = 1e-12
"""The greatest relative difference."""
SMALLEST = 1e-300
"""Of what is smaller, only that it is."""

levels = st.one_of(
    st.sampled_from([0.05, 0.95, 0.025, 0.975, 1e-9, 1 - 1e-9, 0.5]), st.floats(1e-9, 1 - 1e-9)
)
rates = st.one_of(st.floats(1e-9, 1 - 1e-9), st.floats(1e-9, 0.01), st.floats(0.99, 1 - 1e-9))


def is_same(found: float, judged: float | Fraction, within: float = EXACT) -> bool:
    exact = Fraction(judged)
    if abs(exact) < SMALLEST:
        return abs(found) < 2 * SMALLEST
    return abs(Fraction(found) / exact - 1) <= within


def counts(most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.integers(1, most).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@st.composite
def near(draw: st.DrawFn, most: int) -> tuple[int, int, float]:
    """Items, and a rate within 30 standard deviations of their share."""
    k, n = draw(counts(most))
    share = (k + 0.5) / (n + 1)
    apart = draw(st.floats(-30, 30)) * math.sqrt(share * (1 - share) / n)
    return k, n, min(1 - 1e-12, max(1e-12, share + apart))


def exact_at_most(k: int, n: int, rate: float) -> Fraction:
    p = Fraction(rate)
    return sum((comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(k + 1)), Fraction(0))


@given(near(60))
@example((0, 5, 0.5))
def test_small_binomial_tails_are_those_of_exact_fractions(sample: tuple[int, int, float]) -> None:
    k, n, rate = sample
    judged = exact_at_most(k, n, rate)

    assert is_same(binomial_cdf(k, n, rate), judged)
    assert is_same(binomial_sf(k, n, rate), 1 - judged)
    assert is_same(beta_cdf(k + 1, n - k + 1, rate), 1 - exact_at_most(k, n + 1, rate))


@given(near(2_000))
def test_binomial_tails_agree_with_scipy(sample: tuple[int, int, float]) -> None:
    """SciPy's ``betainc`` is exact to 1e-11 here."""
    k, n, rate = sample
    if k < n:
        assert is_same(binomial_sf(k, n, rate), float(special.betainc(k + 1, n - k, rate)), 1e-11)
        assert is_same(binomial_cdf(k, n, rate), float(special.betaincc(k + 1, n - k, rate)), 1e-11)


def decimal_tail(a: int, b: int, x: Decimal) -> Decimal:
    """The lower tail of Beta(a, b), of whole a and b, below its mean; to 30 digits.

    By the continued fraction of Numerical Recipes, 6.4, and by logarithms of Stirling's series.
    """
    ratio = ahead = 1 / (1 - (a + b) * x / (a + 1))
    back, m = Decimal(1), 0
    while m < 20_000:
        m += 1
        before = ratio
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            ahead = 1 / (1 + step * ahead)
            back = 1 + step / back
            ratio *= ahead * back
        if abs(ratio / before - 1) < Decimal("1e-32"):
            break
    log = decimal_log_factorial(a + b - 1) - decimal_log_factorial(a) - decimal_log_factorial(b - 1)
    return (log + a * x.ln() + b * (1 - x).ln()).exp() * ratio


def decimal_log_factorial(n: int) -> Decimal:
    if n < 200:
        return Decimal(math.factorial(n)).ln()
    terms = (
        (1, 12, 1),
        (-1, 360, 3),
        (1, 1260, 5),
        (-1, 1680, 7),
        (1, 1188, 9),
        (-691, 360360, 11),
    )
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")
    series = sum(
        (Decimal(up) / down / Decimal(n) ** power for up, down, power in terms), Decimal(0)
    )
    return (n + Decimal("0.5")) * Decimal(n).ln() - n + (2 * pi).ln() / 2 + series


@pytest.mark.parametrize("n", [300, 10_000, 1_000_000, 10_000_000])
@pytest.mark.parametrize("share", [1e-5, 0.001, 0.05, 0.3, 0.5, 0.98])
@pytest.mark.parametrize("apart", [-30, -6, -1.6, -0.01, 0.01, 1.6, 6, 30])
def test_tails_of_ten_million_items_are_those_of_many_digits(
    n: int, share: float, apart: float
) -> None:
    k = int(n * share)
    rate = (k + 1) / (n + 1) - apart * math.sqrt(share * (1 - share) / n)
    if not 1e-9 < rate < 1 - 1e-9:
        return
    with localcontext() as context:
        context.prec = 45
        x, mean = Decimal(rate), Decimal(k + 1) / (n + 1)
        is_low = x < mean
        a, b = (k + 1, n - k) if is_low else (n - k, k + 1)
        judged = decimal_tail(a, b, x if is_low else 1 - x)
    small = (binomial_sf if is_low else binomial_cdf)(k, n, rate)
    large = (binomial_cdf if is_low else binomial_sf)(k, n, rate)

    assert is_same(small, Fraction(judged))
    assert is_same(large, 1 - Fraction(judged))


def test_scipys_bdtr_is_the_less_exact_one() -> None:
    """Why the judge of many items is not SciPy's ``bdtr``: it is 1e-11 off."""
    ways = below = 7**8_000
    for x in range(900):
        ways = ways * (8_000 - x) // ((x + 1) * 7)
        below += ways
    judged = Fraction(below, 8**8_000)

    assert is_same(binomial_cdf(900, 8_000, 1 / 8), judged, 1e-14)
    assert is_same(float(special.betaincc(901, 7_100, 1 / 8)), judged, 1e-14)
    assert not is_same(float(special.bdtr(900, 8_000, 1 / 8)), judged, 5e-12)


@given(st.integers(1, 300), st.floats(1e-6, 1 - 1e-6), st.data())
def test_masses_are_those_of_scipy(n: int, rate: float, data: st.DataObject) -> None:
    most = data.draw(st.integers(0, n))
    judged = stats.binom.pmf(np.arange(most + 1), n, rate)

    assert np.allclose(binomial_masses(most, n, rate), judged, rtol=1e-11, atol=1e-290)


def test_masses_of_certain_items_and_of_many() -> None:
    assert binomial_masses(2, 3, 0.0).tolist() == [1, 0, 0]
    assert binomial_masses(3, 3, 1.0).tolist() == [0, 0, 0, 1]
    masses = binomial_masses(1_000_000, 1_000_000, 0.3)
    assert is_same(float(masses.sum()), 1.0)
    assert is_same(float(masses[:300_001].sum()), binomial_cdf(300_000, 1_000_000, 0.3))


@given(counts(100_000), levels)
@example((7, 10_000_000), 0.05)
@example((9_999_990, 10_000_000), 0.95)
@example((5_000_000, 10_000_000), 0.975)
def test_quantiles_of_whole_parameters_agree_with_scipy(
    sample: tuple[int, int], level: float
) -> None:
    k, n = sample

    found = beta_quantile(k + 1, n - k + 1, level)

    assert is_same(found, float(special.betaincinv(k + 1, n - k + 1, level)), 2 * EXACT)


@given(st.floats(0.02, 1e6), st.floats(0.02, 1e6), levels)
@example(0.02, 1e6, 1e-9)
@example(0.5, 0.5, 0.999)
@example(1.0, 7.5, 1 - 1e-9)
@example(3.25, 1.0, 1e-9)
def test_quantiles_of_effective_sizes_agree_with_scipy(a: float, b: float, level: float) -> None:
    within = 2 * EXACT if a + b < 1e5 else 1e-11

    assert is_same(beta_quantile(a, b, level), float(special.betaincinv(a, b, level)), within)


@given(st.floats(0.05, 1e7), st.floats(0.05, 1e7), levels)
def test_a_quantile_has_its_level(a: float, b: float, level: float) -> None:
    """So far as neighbouring numbers can: their levels differ by the density."""
    found = beta_quantile(a, b, level)
    low, high = math.nextafter(found, 0), min(1.0, math.nextafter(found, 2))
    spread = beta_cdf(a, b, high) - beta_cdf(a, b, low)

    assert abs(beta_cdf(a, b, found) - level) <= 4 * spread + 2e-13


@given(counts(5_000), st.floats(0.01, 0.99))
def test_the_rate_of_a_binomial_has_its_level(sample: tuple[int, int], level: float) -> None:
    k, n = sample
    if k < n:
        rate = binomial_rate(k, n, level)
        assert is_same(rate, float(special.betaincinv(k + 1, n - k, 1 - level)), 1e-11)
        assert is_same(binomial_cdf(k, n, rate), level, 1e-10)


def test_without_a_miss_a_bound_is_a_power() -> None:
    assert beta_quantile(30, 1, 0.05) == 0.05 ** (1 / 30)
    assert is_same(beta_quantile(1, 10_000_000, 0.95), -math.expm1(math.log(0.05) / 1e7), 1e-15)
    assert beta_quantile(2, 3, 0.0) == 0
    assert beta_quantile(2, 3, 1.0) == 1


@given(st.one_of(st.integers(1, 200), st.integers(1, 10_000_000)), st.floats(1e-7, 1 - 1e-7))
@example(1, 0.95)
@example(99, 0.5)
@example(10_000, 0.95)
def test_students_quantiles_agree_with_scipy(freedom: int, level: float) -> None:
    """Near 1/2 the level itself has few digits."""
    few = 1e-15 / abs(level - 0.5) if level != 0.5 else 0

    found = student_quantile(freedom, level)

    assert math.isclose(found, float(special.stdtrit(freedom, level)), rel_tol=EXACT + few)


@given(st.floats(-37, 37), st.floats(1e-300, 1 - 1e-9))
def test_the_normal_law_agrees_with_scipy(deviation: float, level: float) -> None:
    assert is_same(normal_cdf(deviation), float(special.ndtr(deviation)))
    assert math.isclose(
        normal_quantile(level), float(special.ndtri(level)), rel_tol=EXACT, abs_tol=1e-15
    )


@st.composite
def drawn_lists(draw: st.DrawFn, most: int) -> tuple[int, int, int, int]:
    """A number found, near the expected one; the sizes of a list, its marked and its drawn ones."""
    population = draw(st.integers(1, most))
    some = st.one_of(st.integers(0, population), st.integers(0, min(40, population)))
    marked, drawn = draw(some), draw(some.map(lambda one: population - one) | some)
    middle = marked * drawn // population
    spread = 3 + 6 * math.isqrt(middle)
    return draw(st.integers(middle - spread, middle + spread)), population, marked, drawn


@given(drawn_lists(600))
@example((0, 6000, 1, 5700))
@example((150, 600, 300, 300))
@example((140, 600, 300, 300))
def test_hypergeometric_tails_are_those_of_whole_numbers(sample: tuple[int, int, int, int]) -> None:
    k, population, marked, drawn = sample
    least, most = max(0, drawn + marked - population), min(marked, drawn)
    ways = [comb(marked, x) * comb(population - marked, drawn - x) for x in range(least, most + 1)]
    below = Fraction(sum(ways[: max(0, k + 1 - least)]), sum(ways))

    assert is_same(hypergeometric_cdf(k, population, marked, drawn), below)
    assert is_same(hypergeometric_sf(k, population, marked, drawn), 1 - below)
    masses = hypergeometric_masses(population, marked, drawn)
    assert len(masses) == len(ways)
    assert all(is_same(float(a), Fraction(b, sum(ways))) for a, b in zip(masses, ways, strict=True))


def test_a_level_of_one_in_twenty_is_met_exactly() -> None:
    assert hypergeometric_cdf(0, 1000, 1, 950) == 0.05
    assert hypergeometric_cdf(0, 40, 38, 1) == 0.05


@pytest.mark.parametrize("apart", [-6, -1.6, 0, 1.6, 6])
def test_hypergeometric_tails_of_many_items_agree_with_scipy(apart: float) -> None:
    population, marked, drawn = 100_000, 4_000, 30_000
    k = int(1200 + apart * 28.4)
    judged = stats.hypergeom.cdf(k, population, marked, drawn)

    assert is_same(hypergeometric_cdf(k, population, marked, drawn), judged, 1e-11)


def test_what_cannot_be_drawn_is_certain_or_impossible() -> None:
    assert (binomial_cdf(-1, 5, 0.5), binomial_sf(-1, 5, 0.5)) == (0, 1)
    assert (binomial_cdf(5, 5, 0.5), binomial_sf(5, 5, 0.5)) == (1, 0)
    assert (binomial_cdf(2, 5, 0.0), binomial_cdf(2, 5, 1.0)) == (1, 0)
    assert (beta_cdf(2, 3, 0.0), beta_cdf(2, 3, 1.0)) == (0, 1)
    assert hypergeometric_cdf(1, 10, 9, 8) == hypergeometric_sf(8, 10, 9, 8) == 0
    assert student_quantile(7, 0.5) == 0


@pytest.mark.parametrize(
    "asked",
    [
        lambda: binomial_cdf(1, 2, 1.5),
        lambda: binomial_sf(1, -2, 0.5),
        lambda: binomial_masses(3, 2, 0.5),
        lambda: binomial_rate(1, 1, 0.5),
        lambda: beta_cdf(1, 2, -0.5),
        lambda: beta_cdf(0, 2, 0.5),
        lambda: beta_quantile(1, math.inf, 0.5),
        lambda: beta_quantile(1, 2, math.nan),
        lambda: student_quantile(3, 1.0),
        lambda: normal_quantile(0.0),
        lambda: hypergeometric_cdf(1, 2, 3, 1),
    ],
)
def test_what_is_no_distribution_is_refused(asked: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"no (binomial|beta|probability)|cannot be"):
        asked()
