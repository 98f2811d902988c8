"""A Squid ``dstdomain`` list: ``.name`` stands for a name and all below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from corpora.list_export import LIST_EXPORTERS, hosts_of, write_lines
from harness.model.corpus import Item


@LIST_EXPORTERS.register("squid")
def export_squid(items: Iterable[Item], out: Path) -> None:
    """Write a dstdomain file.

    A name below another is left out, for Squid complains of those it already covers.
    """
    listed = list(items)
    wide = set(hosts_of(item for item in listed if item.kind == "suffix"))
    write_lines(out, _lines(listed, wide))


def _lines(items: list[Item], wide: set[str]) -> Iterator[str]:
    for host in hosts_of(items):
        if not _is_covered(host, wide):
            yield f".{host}" if host in wide else host


def _is_covered(host: str, wide: set[str]) -> bool:
    while host := host.partition(".")[2]:
        if host in wide:
            return True
    return False
