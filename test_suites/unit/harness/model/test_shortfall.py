"""Each reason names what really stands in the way: number, doubt, clusters, or large domains."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.model.coverage import (
    bounds_in_words,
    format_threshold,
    format_value,
    meets_threshold,
    misses_threshold,
    pooled_shortfall,
    shortfall,
)
from harness.model.metric import Metric, Span, Spread
from harness.model.scheme import Threshold

NINETY = Threshold(at_least=0.9, provenance="proposed", source="test")
FIVE = Threshold(at_most=0.05, provenance="proposed", source="test")


def metric(k: int, n: int, lower: float, upper: float, **more: object) -> Metric:
    taken = Metric(
        name="block_rate",
        unit="share",
        value=k / n,
        k=k,
        n=n,
        indeterminate=0,
        lower=lower,
        upper=upper,
        method="m",
        alpha=0.05,
    )
    return replace(taken, **more)  # type: ignore[arg-type]


def spread(domains: int, rate: float) -> Spread:
    return Spread(domains=domains, rate=rate, tried=domains, least=0, most=0)


def test_fewer_than_can_conform_are_too_few_whatever_else() -> None:
    few = metric(280, 280, 0.8985, 1, spread=spread(28, 1.0), alone=Span(0.99, 1))

    assert shortfall(few, NINETY, is_passing=True) == (
        "too few domains: 28 were decided, and at least 29 are needed to show at least 90 % with "
        "95 % confidence"
    )
    single = metric(28, 28, 0.8985, 1)
    assert shortfall(single, NINETY, is_passing=True).startswith("too few items: 28 were decided")
    assert "confidence" not in shortfall(metric(29, 29, 0.9, 1), NINETY, is_passing=True)
    assert "confidence" not in shortfall(replace(single, alpha=0.1), NINETY, is_passing=True)
    assert "confidence" not in shortfall(replace(single, name="m"), NINETY, is_passing=True)


def test_doubt_is_named_where_it_alone_forbids() -> None:
    doubtful = metric(95, 95, 0.88, 1, indeterminate=5, decided=Span(0.97, 1))

    assert shortfall(doubtful, NINETY, is_passing=True) == (
        "5 items could not be decided; without them the bounds would be clear enough "
        "(97 % to 100 %)"
    )
    also = replace(doubtful, decided=Span(0.89, 1))
    assert "too few to be sure" in shortfall(also, NINETY, is_passing=True)


def test_clusters_are_named_where_they_alone_forbid() -> None:
    pages = metric(470, 500, 0.88, 0.96, spread=spread(50, 0.93), alone=Span(0.918, 0.95))

    assert shortfall(pages, NINETY, is_passing=True) == (
        "pages of one domain are not independent, so 50 domains count; with one item a domain "
        "the bounds would be clear enough (91.8 % to 95 %)"
    )
    assert "50 domains are too few to be sure that the true rate is at least 90 %" in shortfall(
        replace(pages, alone=Span(0.89, 0.95)), NINETY, is_passing=True
    )


def test_what_forbids_an_accusation_is_named_as_well() -> None:
    doubtful = metric(80, 95, 0.7, 0.91, indeterminate=5, decided=Span(0.7, 0.89))
    pages = metric(80, 95, 0.7, 0.91, spread=spread(20, 0.8), alone=Span(0.7, 0.89))

    assert shortfall(doubtful, NINETY, is_passing=False).startswith("5 items could not be decided")
    assert shortfall(pages, NINETY, is_passing=False).startswith("pages of one domain")


def test_large_domains_that_fare_worse_outweigh_many_small_ones() -> None:
    platforms = metric(400, 600, 0.95, 1, pooled=Span(0.66, 0.7), indeterminate=3)

    assert pooled_shortfall(platforms, NINETY) == (
        "large domains fare worse: over all items (undecided items counted against the service) "
        "the rate is 66 %, and at least 90 % is required"
    )
    assert pooled_shortfall(replace(platforms, pooled=Span(0.9, 0.95)), NINETY) == ""
    assert pooled_shortfall(replace(platforms, pooled=None), NINETY) == ""
    assert "over all items the rate is 7 %, and at most 5 % is required" in pooled_shortfall(
        replace(platforms, indeterminate=0, pooled=Span(0.03, 0.07)), FIVE
    )


@pytest.mark.parametrize(
    ("low", "high", "meets", "fails"),
    [
        (0.9, 1.0, True, False),
        (0.89, 1.0, False, False),
        (0.5, 0.89, False, True),
        (None, None, False, False),
        (None, 0.5, False, True),
    ],
)
def test_a_span_meets_or_misses(
    low: float | None, high: float | None, *, meets: bool, fails: bool
) -> None:
    assert (
        meets_threshold(NINETY, Span(low, high)),
        misses_threshold(NINETY, Span(low, high)),
    ) == (meets, fails)


def test_a_range_has_two_sides() -> None:
    both = NINETY.model_copy(update={"at_most": 0.95})

    assert meets_threshold(both, Span(0.9, 0.95))
    assert not meets_threshold(both, Span(0.9, 0.96))
    assert misses_threshold(both, Span(0.96, 0.97))
    assert misses_threshold(both, Span(0.7, 0.8))
    assert format_threshold(both, "share") == "at least 90 % and at most 95 %"


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (None, "s", "no value"),
        (0.01, "s", "10 ms"),
        (1.5, "s", "1500 ms"),
        (90, "s", "90 s"),
        (43200, "s", "12 h"),
        (0.95, "share", "95 %"),
        (2, "ratio", "2"),
        (3, "items", "3 items"),
        (2, "grade", "grade B"),
        (6, "grade", "grade F"),
    ],
)
def test_numbers_are_shown_in_units_that_people_read(
    number: float | None, unit: str, words: str
) -> None:
    assert format_value(number, unit) == words


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.9, 0.97, "90 % to 97 %"),
        (0.9, None, "90 % or more"),
        (None, 0.97, "97 % or less"),
        (None, None, "no bounds"),
    ],
)
def test_a_bound_that_is_missing_is_said_in_words(
    low: float | None, high: float | None, words: str
) -> None:
    assert bounds_in_words(Span(low, high), "share") == words


@pytest.mark.parametrize(
    ("value", "limit", "words"),
    [
        (0.93, NINETY, "the true rate is at least 90 %"),
        (0.88, NINETY, "the true rate is below 90 %"),
        (0.04, FIVE, "the true rate is at most 5 %"),
        (0.06, FIVE, "the true rate is above 5 %"),
    ],
)
def test_a_sample_that_is_too_small_says_what_it_cannot_show(
    value: float, limit: Threshold, words: str
) -> None:
    taken = metric(50, 50, 0.01, 0.99, value=value, name="m")

    assert f"50 items are too few to be sure that {words}" in shortfall(
        taken, limit, is_passing=value in {0.93, 0.04}
    )
