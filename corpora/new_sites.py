"""New sites of an origin that become harmful one after the other, for UPD-03.

Until its time each is a harmless page at a name that nobody used before. Most are polled under the
names of their plain twins (``harness.model.plain_twin``), in a zone that a supplier does not know
to be used for tests. They are no pack, because no label holds for them all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from itertools import cycle, islice

from corpora.content_pages import CATEGORIES
from corpora.origin_pack import OriginPages
from corpora.synthetic_sites import unlisted_hosts
from harness.model.content_form import PageContent

NAME = "new-sites"
PLAIN_SITES = 32
"""Sites outside the canary zones; 29 are needed, and one or two may not be decided."""
KNOWN_SITES = 8
"""Sites in the canary zones, to compare."""
APART = 3 * 3600
"""Seconds from one site to the next, so that one update of a list does not decide them all."""


def new_sites(
    seed: str,
    taken: Collection[str] = (),
    categories: Collection[str] = CATEGORIES,
    *,
    plain: int = PLAIN_SITES,
    known: int = KNOWN_SITES,
) -> OriginPages:
    """Make the sites from ``seed``, on neutral hosts that are not among those ``taken``."""
    hosts = unlisted_hosts(seed, plain + known, taken)
    codes = islice(cycle(categories), plain + known)
    contents: dict[str, PageContent] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    for number, (host, code) in enumerate(zip(hosts, codes, strict=True)):
        # The sites in the canary zones are spread over the whole time.
        turn = number if number < plain else (number - plain) * max(1, plain // max(1, known))
        later = turn * APART
        contents[host] = PageContent(code=code, becomes="harmful", later=later)
        texts[host] = f"Leaflet {number + 1}."  # short: the marker must be near the top of the page
        rows.append(
            {
                "id": f"new-site-{number + 1:02}",
                "value": host,
                "registrable": host,
                "labels": code,
                "later": str(later),
                "place": "plain" if number < plain else "known",
            }
        )
    return OriginPages(contents=contents, texts=texts, rows=tuple(rows))


def new_sites_text(pages: OriginPages, at: datetime, plain_host: Callable[[str], str]) -> str:
    """Return the file of events of these sites, the first of which becomes harmful ``at`` (aware).

    ``plain_host`` gives the name of the plain twin of a host; empty if it has none.
    """
    lines = ["# New sites of the origin, for: accredit watch --events", "events:"]
    for row in pages.rows:
        host = (plain_host(row["value"]) if row["place"] == "plain" else "") or row["value"]
        when = (at + timedelta(seconds=int(row["later"]))).isoformat().replace("+00:00", "Z")
        lines.append(
            f"  - {{id: {row['id']}, kind: canary, at: {host}, category: {row['labels']}, "
            f'asks: block, when: "{when}"}}'
        )
    return "\n".join(lines) + "\n"
