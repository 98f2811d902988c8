"""The README reads on a package index, and what it says of speed is what was measured."""

from __future__ import annotations

import re
import tomllib

import msgspec

from benchmarks.table import Report, missed
from test_suites.kit.rooms import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BASE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
REPOSITORY = BASE["Repository"]
LINKS = re.findall(r"\]\(([^)]+)\)", TEXT)


def test_each_link_is_absolute_and_leads_to_a_file_of_the_checkout() -> None:
    paths = [
        re.fullmatch(rf"{re.escape(REPOSITORY)}/(?:blob|raw)/main/([^#]+)(?:#.*)?", link)
        for link in LINKS
    ]

    assert len(LINKS) > 10
    assert [] == [link for link, path in zip(LINKS, paths, strict=True) if path is None]
    assert [] == [path[1] for path in paths if path and not (ROOT / path[1]).exists()]


def test_pictures_are_linked_as_files_and_pages_as_pages() -> None:
    for link in LINKS:
        assert ("/raw/" in link) == link.endswith(".png"), link


def test_figures_are_those_that_were_measured() -> None:
    page = (ROOT / "docs/reference/performance.md").read_text(encoding="utf-8")
    table = TEXT.partition("## How fast")[2].partition("##")[0]
    shown = re.findall(r"([\d.]+) (min|MiB|s|µs)\b", table)

    assert len(shown) >= 7
    assert [] == [(figure, unit) for figure, unit in shown if f"{figure} {unit}" not in page]
    (microseconds,) = (float(figure) for figure, unit in shown if unit == "µs")
    assert f"{round(1e6 / microseconds, -2):,.0f} a second" in table


def test_missed_goals_have_a_page_of_their_own() -> None:
    report = msgspec.json.decode((ROOT / "benchmarks/published.json").read_bytes(), type=Report)
    page = (ROOT / "docs/reference/missed-goals.md").read_text(encoding="utf-8")
    missing = {one.goal for topic in report.results.values() for one in topic if not one.is_met}

    assert missed(report) in page
    assert all(f"| {goal} |" in page for goal in missing)
