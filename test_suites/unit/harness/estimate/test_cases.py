"""A case is open if one of its items got through, and every wanted case must be tried."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.estimate.cases import image_hit_rate, viewers_exposing
from harness.estimate.item_selection import Selection
from harness.model.content_form import VIEWERS
from harness.model.verdict import State, Verdict

Make = Callable[..., Verdict]
Select = Callable[..., Selection]


def shown_by(verdict: Make, viewer: str, *states: State, code: str = "DRUG") -> list[Verdict]:
    """Pages that a viewer shows, and what came of each."""
    stratum = f"{code}/{viewer}"
    return [verdict(f"{viewer}-{n}", code, one, stratum=stratum) for n, one in enumerate(states)]


def all_stopped(verdict: Make, *left_out: str) -> list[Verdict]:
    stopped = (State.BLOCKED, State.BLOCKED)
    return [
        one
        for viewer in VIEWERS
        if viewer not in left_out
        for one in shown_by(verdict, viewer, *stopped)
    ]


def test_nothing_is_open_if_every_page_of_every_viewer_is_blocked(
    verdict: Make, select: Select
) -> None:
    measured = viewers_exposing(select(all_stopped(verdict)))
    metric = measured.metric

    assert (metric.name, metric.value, metric.k, metric.n) == ("viewers_exposing", 0.0, 0, 6)
    assert (metric.lower, metric.upper, metric.indeterminate) == (0.0, 0.0, 0)
    assert [part.group for part in metric.parts] == sorted(one.words for one in VIEWERS.values())
    assert not measured.adverse


def test_one_page_opens_its_viewer_whatever_became_of_the_others(
    verdict: Make, select: Select
) -> None:
    viewer = "viewer:cache"
    found = shown_by(verdict, viewer, State.BLOCKED, State.ALLOWED, State.INSUFFICIENT)

    measured = viewers_exposing(select(all_stopped(verdict, viewer) + found))

    assert (measured.metric.value, measured.metric.n) == (1.0, 6)
    assert len(measured.adverse) == 1


@pytest.mark.parametrize("state", [State.INSUFFICIENT, State.ALTERED])
def test_a_page_that_was_not_decided_leaves_its_viewer_undecided(
    verdict: Make, select: Select, state: State
) -> None:
    viewer = "viewer:feed"
    found = shown_by(verdict, viewer, State.BLOCKED, state)

    metric = viewers_exposing(select(all_stopped(verdict, viewer) + found)).metric

    assert (metric.k, metric.n, metric.indeterminate) == (0, 5, 1)
    assert (metric.lower, metric.upper) == (0.0, 1.0)


@pytest.mark.parametrize("states", [(), (State.DOWN, State.DOWN)])
def test_a_viewer_that_was_not_tried_is_an_empty_part(
    verdict: Make, select: Select, states: tuple[State, ...]
) -> None:
    viewer = "viewer:amp"
    found = shown_by(verdict, viewer, *states)

    metric = viewers_exposing(select(all_stopped(verdict, viewer) + found)).metric

    assert metric.n == 5
    assert ["an AMP cache"] == [part.group for part in metric.parts if not part.metric.n]


def test_a_page_that_was_down_beside_others_takes_nothing_away(
    verdict: Make, select: Select
) -> None:
    viewer = "viewer:amp"
    found = shown_by(verdict, viewer, State.BLOCKED, State.DOWN)

    metric = viewers_exposing(select(all_stopped(verdict, viewer) + found)).metric

    assert (metric.n, metric.left_out) == (6, {})


def test_harmless_twins_and_other_pages_do_not_count(verdict: Make, select: Select) -> None:
    twins = [
        verdict("t", "ALW.DRUGED", State.ALLOWED, stratum="twin:DRUG/viewer:cache"),
        verdict("p", "DRUG", State.ALLOWED, stratum="DRUG/gzip"),
    ]

    metric = viewers_exposing(select(all_stopped(verdict) + twins)).metric

    assert (metric.value, metric.n) == (0.0, 6)


def test_only_copies_of_the_agreed_image_count_as_recognised(verdict: Make, select: Select) -> None:
    images = shown_by(verdict, "image", *[State.BLOCKED] * 3, State.ALLOWED)
    others = [
        verdict("t", "ALW.SEXED", State.ALLOWED, stratum="twin:DRUG/image"),
        verdict("p", "DRUG", State.BLOCKED, stratum="DRUG"),
    ]

    measured = image_hit_rate(select(images + others))

    assert (measured.metric.name, measured.metric.k, measured.metric.n) == ("image_hit_rate", 3, 4)
    assert len(measured.adverse) == 1
    assert image_hit_rate(select(others)).metric.value is None


def test_without_any_viewer_nothing_is_measured(verdict: Make, select: Select) -> None:
    metric = viewers_exposing(select([verdict("p", "DRUG", State.BLOCKED)])).metric

    assert (metric.value, metric.n, metric.lower) == (None, 0, None)
