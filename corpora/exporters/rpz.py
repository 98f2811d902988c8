"""A response policy zone that answers NXDOMAIN (RPZ, draft-vixie-dnsop-dns-rpz)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from corpora.list_export import LIST_EXPORTERS, hosts_of, write_lines
from harness.errors import UsageError
from harness.model.corpus import Item

HEAD = (
    "$TTL 300",
    "@ SOA localhost. root.localhost. 1 3600 600 86400 300",
    "@ NS localhost.",
)


@LIST_EXPORTERS.register("rpz")
def export_rpz(items: Iterable[Item], out: Path) -> None:
    """Write a zone, to be loaded under any name. A suffix covers the names below it, too."""
    listed = list(items)
    wide = set(hosts_of(item for item in listed if item.kind == "suffix"))
    lines = list(_records(listed, wide))
    if not lines:
        msg = f"{out}: none of the items can be said in this format"
        raise UsageError(msg)
    write_lines(out, [*HEAD, *lines])


def _records(items: list[Item], wide: set[str]) -> Iterator[str]:
    for host in hosts_of(items):
        yield f"{host} CNAME ."
        if host in wide:
            yield f"*.{host} CNAME ."
