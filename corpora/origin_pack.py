"""Packs that an origin writes for its own hosts: items, and what each of these hosts shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from corpora.pack_writer import PackDetails, write_pack
from harness.model.content_form import PageContent
from harness.model.origin_zone import RANGE_ZONE, with_host


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPages:
    """Pages of an origin: content and text by host, and the rows of their pack.

    The hosts of ``rows`` are those in their column ``registrable``. Each of the origin's has a
    text, except hosts of the shipped packs, which an origin serves anyway.
    """

    contents: dict[str, PageContent]
    texts: dict[str, str]
    rows: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPack:
    """A pack that each origin writes, for ``audience`` alone.

    ``make`` returns its pages for a seed, on neutral hosts of the range that are not among those
    taken. The same seed gives the same pages. ``add`` returns those that later versions added;
    their hosts are chosen after all others, which therefore stay.
    """

    name: str
    title: str
    kind: Literal["agreed", "content"]
    make: Callable[[str, Collection[str]], OriginPages]
    audience: Literal["supplier", "assessor"] = "assessor"
    add: Callable[[str, Collection[str]], OriginPages] | None = None


def joined(several: Iterable[OriginPages]) -> OriginPages:
    """Return several collections of pages as one."""
    each = tuple(several)
    return OriginPages(
        contents={host: content for one in each for host, content in one.contents.items()},
        texts={host: text for one in each for host, text in one.texts.items()},
        rows=tuple(row for one in each for row in one.rows),
    )


def write_origin_pack(
    pack: OriginPack, pages: OriginPages, out: Path, seed: str, created: str
) -> None:
    """Write the pack of these pages; ``created`` is an RFC 3339 time. Raises OSError."""
    details = PackDetails(
        name=pack.name,
        version="1.0.0",
        title=pack.title,
        created=created,
        sources=({"title": "own work of the project", "x-licence": "CC0-1.0"},),
        frame="pages made for one origin",
        design="stratified",
        seed=seed,
        kind=pack.kind,
        audience=pack.audience,
    )
    write_pack(out, pages.rows, details)


def on_hosts(pages: OriginPages, host_of: Callable[[str], str]) -> OriginPages:
    """Return the same pages on other hosts; ``host_of`` gives the new host of each."""
    named = {*pages.texts, *(row["registrable"] for row in pages.rows)}
    hosts = {host: host_of(host) for host in named}
    return OriginPages(
        contents={hosts[host]: content for host, content in pages.contents.items()},
        texts={hosts[host]: text for host, text in pages.texts.items()},
        rows=tuple(
            _moved(row, hosts.get(row["registrable"], row["registrable"]), host_of)
            for row in pages.rows
        ),
    )


def _moved(row: dict[str, str], host: str, viewed: Callable[[str], str]) -> dict[str, str]:
    value = with_host(row["value"], row["registrable"], host)
    value = _VIEWED.sub(lambda found: viewed(found[0]), value)
    return row | {"value": value, "registrable": host}


_VIEWED = re.compile(rf"[a-z0-9-]+\.(?:canary|twin)\.{re.escape(RANGE_ZONE)}")
"""The host whose page a viewer shows, in its address."""
