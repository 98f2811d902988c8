"""The README reads on a package index, and what it says of speed is what was measured."""

from __future__ import annotations

import re
import tomllib

from test_suites.house.rooms import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BASE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
REPOSITORY = BASE["Repository"]
LINKS = re.findall(r"\]\(([^)]+)\)", TEXT)
ROW = re.compile(
    r"^\| (.+?) \| ([\d.,]+) ?(\S*) \| ([≤≥]) ([\d.,]+) ?\S* \| (yes|\*\*no\*\*) \|", re.MULTILINE
)
"""A goal of the page on performance: what, the figure, its unit, the side and the limit."""


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


def test_figures_are_those_that_were_measured_and_the_worst_miss_is_among_them() -> None:
    page = (ROOT / "docs/reference/performance.md").read_text(encoding="utf-8")
    goals = {
        (measured, limit): (
            float(limit) / float(measured) if side == "≥" else float(measured) / float(limit)
        )
        for _, measured, _, side, limit, met in ROW.findall(page)
        if met != "yes"
    }
    all_figures = {measured for _, measured, *_ in ROW.findall(page)}
    table = TEXT.partition("## How fast")[2].partition("##")[0]
    shown = re.findall(
        r"^\| .+ \| ([\d.]+) \S+ \| (?:met|missed \(([\d.]+) \S\)) \|$", table, re.MULTILINE
    )

    assert 5 == len(shown)
    assert {measured for measured, _ in shown} <= all_figures
    worst = max(goals, key=lambda goal: goals[goal])
    assert worst in shown
