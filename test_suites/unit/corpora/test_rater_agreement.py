"""Alpha has the published values, and silence is not agreement."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora.rater_agreement import measure_agreement

RATERS = {
    "A": ["1", "2", "3", "3", "2", "1", "4", "1", "2", ".", ".", "."],
    "B": ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", ".", "3"],
    "C": [".", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", "."],
    "D": ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", "."],
}
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers,
twelve units, missing data; nominal alpha is 0.743."""


def of(raters: dict[str, list[str]]) -> dict[str, list[str]]:
    width = len(next(iter(raters.values())))
    return {
        str(unit): [labels[unit] for labels in raters.values() if labels[unit] != "."]
        for unit in range(width)
    }


def test_the_published_value_is_met() -> None:
    agreement = measure_agreement(of(RATERS))

    assert agreement.alpha == pytest.approx(0.743, abs=0.0005)
    assert agreement.units == 11
    assert agreement.standing == "tentative"


def test_the_published_binary_value_is_met() -> None:
    """Section A of the same paper: two observers, ten units, alpha is 0.095."""
    jon = ["0", "1", "0", "0", "0", "0", "0", "0", "1", "0"]
    meg = ["1", "1", "1", "0", "0", "1", "0", "0", "0", "0"]

    assert measure_agreement(of({"jon": jon, "meg": meg})).alpha == pytest.approx(0.095, abs=0.0005)


def test_the_interval_holds_alpha_and_is_the_same_each_time() -> None:
    one, two = measure_agreement(of(RATERS)), measure_agreement(of(RATERS))

    assert one == two
    assert one.alpha is not None
    assert one.lower is not None
    assert one.upper is not None
    assert one.lower <= one.alpha <= one.upper
    assert measure_agreement(of(RATERS), seed="other") != one


@pytest.mark.parametrize(
    "ratings", [{}, {"a": ["X"]}, {"a": ["X"], "b": ["Y"]}, {"a": ["X", "X"], "b": ["X", "X"]}]
)
def test_where_nothing_can_be_said_nothing_is(ratings: dict[str, list[str]]) -> None:
    agreement = measure_agreement(ratings)

    assert (agreement.alpha, agreement.lower, agreement.upper) == (None, None, None)
    assert agreement.standing == "unknown"


def test_standings() -> None:
    same = {str(n): ["X", "X"] if n % 2 else ["Y", "Y"] for n in range(10)}
    apart = {str(n): ["X", "Y"] for n in range(10)}

    assert measure_agreement(same).standing == "reliable"
    assert measure_agreement(same).percent == 1
    assert measure_agreement(apart).standing == "unreliable"
    assert measure_agreement(apart).percent == 0


@given(
    st.dictionaries(st.text(max_size=3), st.lists(st.sampled_from("XYZ"), max_size=5), max_size=8),
)
def test_order_does_not_matter_and_alpha_is_at_most_one(
    ratings: dict[str, list[str]],
) -> None:
    shuffled = {item: labels[::-1] for item, labels in reversed(ratings.items())}

    one, two = measure_agreement(ratings, resamples=20), measure_agreement(shuffled, resamples=20)

    assert one.alpha == two.alpha
    assert one.alpha is None or one.alpha <= 1
