"""Pages kept as data for calibration: our own in many languages, and recorded ones if at hand."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = Path("shared/data/blockpages/pages_dev.jsonl")
"""Recorded block pages, beside a folder that holds this repository; not part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPage:
    """A page, what it is called in reports, and whether it is a block page."""

    name: str
    body: str
    status: int = 200
    blocked: bool = False

    @property
    def line(self) -> bytes:
        """The page as a line of the format ``page``."""
        return json.dumps({"id": self.name, "status": self.status, "body": self.body}).encode()

    @property
    def held_out(self) -> bool:
        """Whether the page is of the half that no word or weight was chosen by."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 1


def own_pages(file: str, *, blocked: bool) -> list[KeptPage]:
    """The pages of a file beside this one: ``[[page]]`` with language, title, body, status."""
    document = tomllib.loads((HERE / file).read_text(encoding="utf-8"))
    return [
        KeptPage(
            name=f"{number}. {page['language']}: {page.get('kind') or page['title']}",
            body=f"<html><head><title>{page['title']}</title></head>"
            f"<body>{page['body']}</body></html>",
            status=page.get("status", 200),
            blocked=blocked,
        )
        for number, page in enumerate(document["page"], 1)
    ]


def recorded_pages() -> list[KeptPage]:
    """The recorded pages; none where they are not at hand."""
    found = next(
        (path for folder in HERE.parents if (path := folder / RECORDED).is_file()),
        None,
    )
    if found is None:
        return []
    pages = map(json.loads, found.read_text(encoding="utf-8").splitlines())
    return [
        KeptPage(name=page["id"], body=page["body"], blocked=page["label"] == "blocked")
        for page in pages
    ]
