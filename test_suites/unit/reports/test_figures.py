"""Figures: well-formed, the same each time, told in words, and never flattering."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from harness.model.outcome import CategoryRate
from reports import figures
from reports.figures import Limit
from test_suites.example import example_assessment

NAME = "{http://www.w3.org/2000/svg}"
LIMITS = {"GAMB": Limit(at_least=0.9), "ALW.HEAL": Limit(at_most=0.05)}
ASSESSMENT = example_assessment()
DRAWINGS: list[Callable[[], str]] = [
    lambda: figures.block_rates(ASSESSMENT.rates, LIMITS, "Blocked"),
    lambda: figures.latency(ASSESSMENT.latencies),
    lambda: figures.mechanisms(ASSESSMENT.mechanisms),
    lambda: figures.block_rates((), {}, "Nothing"),
    lambda: figures.latency({"control": ()}),
    lambda: figures.mechanisms({}),
]


def rate(code: str, blocked: int, allowed: int, insufficient: int = 0) -> CategoryRate:
    return CategoryRate(
        category=code,
        profile="ks2",
        line="proxy",
        blocked=blocked,
        allowed=allowed,
        altered=0,
        down=0,
        insufficient=insufficient,
        lower=None,
        upper=None,
    )


@pytest.mark.parametrize("draw", DRAWINGS)
def test_is_well_formed_and_told_in_words(draw: Callable[[], str]) -> None:
    root = ET.fromstring(draw())

    about = {element.get("id"): element.text for element in root[:2]}
    assert root.tag == f"{NAME}svg"
    assert root.get("role") == "img"
    assert [about[name] for name in (root.get("aria-labelledby") or "").split()] == [
        element.text for element in root[:2]
    ]
    assert all(about.values())
    assert root.get("width") is None
    assert root.get("viewBox")


@pytest.mark.parametrize("draw", DRAWINGS)
def test_the_same_numbers_give_the_same_bytes(draw: Callable[[], str]) -> None:
    assert draw() == draw()


def test_ids_of_two_figures_never_meet() -> None:
    ids = [
        element.get("id")
        for draw in DRAWINGS[:3]
        for element in ET.fromstring(draw()).iter()
        if element.get("id")
    ]

    assert len(ids) == len(set(ids))


def test_references_lead_to_ids_that_exist() -> None:
    for draw in DRAWINGS:
        root = ET.fromstring(draw())
        ids = {element.get("id") for element in root.iter()}
        used = [e.get("{http://www.w3.org/1999/xlink}href") for e in root.iter()]
        assert {name[1:] for name in used if name} <= ids


def test_nothing_is_fetched() -> None:
    for draw in DRAWINGS:
        svg = draw().replace("http://www.w3.org/", "")
        assert "http" not in svg
        assert "<script" not in svg


def test_counts_and_names_are_in_the_words() -> None:
    svg = figures.block_rates(ASSESSMENT.rates, LIMITS, "Blocked")

    assert "Gambling: 100 of 100 blocked" in svg
    assert "Drugs and substance misuse: 80 of 100 blocked" in svg
    assert ">80/100</text>" in svg


def test_what_is_undecided_is_not_drawn_as_nought() -> None:
    svg = figures.block_rates([rate("GAMB", 0, 0, 7)], LIMITS, "Blocked")

    assert "Gambling: undecided" in svg
    assert "0/0" not in svg


def test_what_must_be_blocked_comes_first() -> None:
    rates = [rate("ALW.HEAL", 0, 9), rate("GAMB", 9, 0), rate("ADLT", 9, 0)]
    svg = figures.block_rates(rates, LIMITS, "Blocked")
    words = svg[svg.index("<desc") : svg.index("</desc>")]

    assert words.index("Gambling") < words.index("ALW.HEAL") < words.index("Tasteless")


def test_a_title_from_outside_is_only_text() -> None:
    svg = figures.latency({"<script>alert(1)</script>": [0.1]}, "</title><script>x</script> $y$")

    ET.fromstring(svg)
    assert "<script" not in svg


def test_waits_far_apart_get_a_logarithmic_scale() -> None:
    assert "logarithmic" in figures.latency({"control": [0.001], "proxy": [5.0]})
    assert "logarithmic" not in figures.latency({"control": [0.01], "proxy": [0.02]})


def test_waits_are_told_as_median_and_late() -> None:
    svg = figures.latency({"control": [place / 1000 for place in range(1, 101)]})

    assert "control: median 51.0 ms, 95 of 100 within 96.0 ms" in svg


def test_letters_that_the_font_lacks_are_left_to_the_browser() -> None:
    assert "学校" in figures.latency({"学校": [0.1, 0.2]})
