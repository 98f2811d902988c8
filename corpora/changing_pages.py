"""Pages of an origin whose content changes at one time: half become harmful, half harmless.

They are no pack, because no label holds for them all the time. ``events_text`` makes a file of
events for ``accredit watch``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import cycle, islice
from typing import Literal

from corpora.content_pages import CATEGORIES
from corpora.origin_pack import OriginPages
from corpora.synthetic_sites import unlisted_hosts
from harness.model.content_form import PageContent

NAME = "changing-pages"
EACH_WAY = 12
"""Pages that change each way; ten are needed, and one or two may not be decided."""
WAYS: tuple[Literal["harmful", "harmless"], ...] = ("harmful", "harmless")
ASKS = {"harmful": "block", "harmless": "allow"}


def changing_pages(
    seed: str, taken: Collection[str] = (), categories: Collection[str] = CATEGORIES
) -> OriginPages:
    """Make the pages from ``seed``, on neutral hosts that are not among those ``taken``."""
    hosts = iter(unlisted_hosts(seed, 2 * EACH_WAY, taken))
    contents: dict[str, PageContent] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for becomes in WAYS:
        for number, code in enumerate(islice(cycle(categories), EACH_WAY), 1):
            host = next(hosts)
            contents[host] = PageContent(code=code, becomes=becomes)
            texts[host] = f"Notice {number}."  # short: the marker must be near the top of the page
            rows.append(
                {
                    "id": f"becomes-{becomes}-{number:02}",
                    "value": host,
                    "registrable": host,
                    "labels": code,
                    "asks": ASKS[becomes],
                }
            )
    return OriginPages(contents=contents, texts=texts, rows=tuple(rows))


def events_text(pages: OriginPages, at: datetime) -> str:
    """The file of events of these pages, which change at ``at`` (aware)."""
    lines = ["# Pages of the origin whose content changes, for: accredit watch --events", "events:"]
    when = at.isoformat().replace("+00:00", "Z")
    lines += [
        f"  - {{id: {row['id']}, kind: content, at: {row['value']}, category: {row['labels']}, "
        f'asks: {row["asks"]}, when: "{when}"}}'
        for row in pages.rows
    ]
    return "\n".join(lines) + "\n"
