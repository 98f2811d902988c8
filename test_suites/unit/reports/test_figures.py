"""Figures: well-formed, the same each time, told in words, and never flattering."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.outcome import CategoryRate
from harness.model.scheme import Measure, Threshold
from reports import figures
from reports.figures import Drawing, Limit
from reports.requirement_table import Status, areas
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_outcome,
    example_requirement,
)

NAME = "{http://www.w3.org/2000/svg}"
LIMITS = {"GAMB": Limit(at_least=0.9), "ALW.HEAL": Limit(at_most=0.05)}
ASSESSMENT = example_assessment()
DRAWINGS: list[Callable[[], Drawing]] = [
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
def test_is_well_formed_and_told_in_words(draw: Callable[[], Drawing]) -> None:
    root = ET.fromstring(draw().svg)

    about = {element.get("id"): element.text for element in root[:2]}
    assert root.tag == f"{NAME}svg"
    assert root.get("role") == "img"
    assert [about[name] for name in (root.get("aria-labelledby") or "").split()] == [
        element.text for element in root[:2]
    ]
    assert all(about.values())
    assert root.get("width")
    assert root.get("viewBox")


@pytest.mark.parametrize("draw", DRAWINGS)
def test_the_same_numbers_give_the_same_bytes(draw: Callable[[], Drawing]) -> None:
    assert draw() == draw()


def test_a_drawing_is_a_picture_as_well() -> None:
    for draw in DRAWINGS:
        assert draw().png.startswith(b"\x89PNG")


def test_every_chart_is_written_as_png_and_svg(tmp_path: Path) -> None:
    paths = figures.write_figures(ASSESSMENT, tmp_path / "charts")

    names = {path.stem for path in paths}
    assert {path.name for path in paths} == {
        f"{name}.{end}" for name in names for end in ("png", "svg")
    }
    assert {"blocked-ks2-proxy", "delay", "means-of-blocking"} <= names
    assert any(name.startswith("requirements-") for name in names)
    for path in paths:
        assert path.read_bytes()
        if path.suffix == ".svg":
            ET.parse(path)


def test_names_of_profiles_and_lines_never_leave_the_folder(tmp_path: Path) -> None:
    hostile = replace(rate("GAMB", 1, 1), profile="../../x", line="/etc/passwd")
    paths = figures.write_figures(example_assessment(rates=(hostile,)), tmp_path / "charts")

    assert {tmp_path / "charts"} == {path.parent for path in paths}
    assert tmp_path / "charts/blocked-x-etc-passwd.svg" in paths


def test_entries_of_a_test_list_are_never_called_the_real_list(tmp_path: Path) -> None:
    for path in figures.write_figures(ASSESSMENT, tmp_path):
        if path.suffix == ".svg":
            assert "IWF" not in path.read_text()


def test_what_failed_differs_in_form_from_what_is_undecided() -> None:
    (area,) = (each for each in areas(ASSESSMENT, binding=True) if each.title == "Harmful websites")
    svg = figures.requirements(area).svg

    assert "does not conform" in svg
    assert "not decided" in svg
    assert "stroke-dasharray" in svg


@pytest.mark.parametrize("status", ["conforms", "does-not-conform", "insufficient"])
def test_the_bar_of_what_is_undecided_alone_is_empty_and_dashed(status: Status) -> None:
    (area,) = (each for each in areas(ASSESSMENT, binding=True) if each.title == "Harmful websites")
    row = next(each for each in area.rows if each.chart is not None and each.chart.bar is not None)
    assert row.chart is not None
    row = replace(row, chart=replace(row.chart, status=status))

    svg = figures.requirements(replace(area, rows=(row,), folded=())).svg

    colour = {"conforms": figures.BLUE, "does-not-conform": figures.ORANGE}.get(status, "")
    filled = {each for each in (figures.BLUE, figures.ORANGE) if f"fill: {each.lower()}" in svg}
    assert filled == ({colour} if colour else set())
    assert ("stroke-dasharray" in svg) == (status == "insufficient")


def test_references_lead_to_ids_that_exist() -> None:
    for draw in DRAWINGS:
        root = ET.fromstring(draw().svg)
        ids = {element.get("id") for element in root.iter()}
        used = [e.get("{http://www.w3.org/1999/xlink}href") for e in root.iter()]
        assert {name[1:] for name in used if name} <= ids


def test_nothing_is_fetched() -> None:
    for draw in DRAWINGS:
        svg = draw().svg.replace("http://www.w3.org/", "")
        assert "http" not in svg
        assert "<script" not in svg


def test_counts_and_names_are_in_the_words() -> None:
    svg = figures.block_rates(ASSESSMENT.rates, LIMITS, "Blocked").svg

    assert "Gambling: 100 of 100 blocked" in svg
    assert "Drugs and substance misuse: 80 of 100 blocked" in svg
    assert ">80 of 100</text>" in svg


def test_what_is_undecided_is_not_drawn_as_nought() -> None:
    svg = figures.block_rates([rate("GAMB", 0, 0, 7)], LIMITS, "Blocked").svg

    assert "Gambling: undecided" in svg
    assert "0 of 0" not in svg


def test_what_must_be_blocked_comes_first() -> None:
    rates = [rate("ALW.HEAL", 0, 9), rate("GAMB", 9, 0), rate("ADLT", 9, 0)]
    svg = figures.block_rates(rates, LIMITS, "Blocked").svg
    words = svg[svg.index("<desc") : svg.index("</desc>")]

    assert words.index("Gambling") < words.index("ALW.HEAL") < words.index("Tasteless")


def test_a_title_from_outside_is_only_text() -> None:
    svg = figures.latency(
        {"<script>alert(1)</script>": [0.1]}, "</title><script>x</script> $y$"
    ).svg

    ET.fromstring(svg)
    assert "<script" not in svg


def test_waits_far_apart_get_a_logarithmic_scale() -> None:
    assert "logarithmic" in figures.latency({"control": [0.001], "proxy": [5.0]}).svg
    assert "logarithmic" not in figures.latency({"control": [0.01], "proxy": [0.02]}).svg


def test_waits_are_told_as_median_and_late() -> None:
    svg = figures.latency({"control": [place / 1000 for place in range(1, 101)]}).svg

    assert "control: median 50.0 ms, 95 of 100 within 95.0 ms" in svg


def test_the_curve_of_waits_ends_when_all_pages_had_started() -> None:
    """The axis ends at 102 per cent, so the curve ends just below its upper edge."""
    svg = figures.latency({"control": [0.01, 0.02, 0.03, 0.04]}).svg
    paths = [
        one.get("d") or "" for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")
    ]
    heights = [[float(y) for y in re.findall(r"[ML] \S+ (\S+)", path)] for path in paths]
    axes = next(
        each
        for each, path in zip(heights[1:], paths[1:], strict=True)
        if path.rstrip().endswith("z")
    )
    # four steps up, each after a step to the right
    (curve,) = (each for each in heights if len(set(each)) == 4 and len(each) >= 7)
    bottom, top = max(axes), min(axes)
    shares = sorted({(bottom - height) / (bottom - top) * 102 for height in curve})

    assert [25, 50, 75, 100] == pytest.approx(shares, abs=0.1)


def test_letters_that_the_font_lacks_are_left_to_the_browser() -> None:
    assert "学校" in figures.latency({"学校": [0.1, 0.2]}).svg


def test_a_census_that_allows_some_sets_no_limit_for_a_category() -> None:
    allows = example_requirement(
        "ILL-01",
        rule="census",
        measure=Measure(metric="missed", categories=("ILL",)),
        threshold=Threshold(at_most=2, provenance="seen", source="x"),
    )
    outcome = example_outcome(requirement=allows)

    assert figures.limits_of([outcome], example_assessment().rates) == {}


def test_limits_come_from_the_requirements() -> None:
    census = example_requirement(
        "ILL-01",
        rule="census",
        measure=Measure(metric="missed", categories=("ILL",)),
        threshold=Threshold(at_most=0, provenance="seen", source="x"),
    )
    over = example_requirement(
        "OVB-01",
        measure=Measure(metric="overblock_rate", categories=("ALW",)),
        threshold=Threshold(at_most=0.05, provenance="seen", source="x"),
    )
    strict = example_requirement(threshold=Threshold(at_least=0.98, provenance="seen", source="x"))
    report = example_requirement(
        measure=Measure(metric="block_rate", categories=("PORN",)), threshold=None
    )
    outcomes = [
        example_outcome(requirement=each)
        for each in (example_requirement(), census, over, strict, report)
    ]

    limits = figures.limits_of(outcomes, example_assessment().rates)

    assert limits == {
        "GAMB": Limit(at_least=0.98),
        "ILL.CSAM": Limit(at_least=1.0),
        "ALW.HEAL": Limit(at_most=0.05),
    }
