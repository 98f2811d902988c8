"""The commands of a page, and the links between pages. ``test_tasks`` runs the tutorials."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMANDS = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The commands that a reader is told to type."""
    blocks = COMMANDS.findall(page.read_text(encoding="utf-8"))
    return [
        line.removeprefix("$ ")
        for block in blocks
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


def test_each_page_is_found_from_the_first_one() -> None:
    linked = set(re.findall(r"\]\(([^)#]+)\)", (DOCS / "README.md").read_text(encoding="utf-8")))
    kinds = ("tutorials", "how-to", "reference", "explanation")
    pages = {f"{kind}/{page.name}" for kind in kinds for page in (DOCS / kind).glob("*.md")}

    assert set() == pages - linked


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(DOCS)}: {target}"
        for page in (*DOCS.rglob("*.md"), DOCS.parent / "README.md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert [] == broken
