"""A UT1 (squidGuard) tree: a folder a category, with domains, urls and usage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from corpora.list_export import LIST_EXPORTERS, addresses_of, hosts_of, urls_of, write_lines
from corpora.taxonomy import shipped
from harness.errors import UsageError
from harness.model.corpus import Item

SCHEME = "ut1"


@LIST_EXPORTERS.register(SCHEME)
def export_ut1(items: Iterable[Item], out: Path) -> None:
    """Write a tree. A category goes by UT1's name for it, or by its code if UT1 has none."""
    folders: dict[str, list[Item]] = defaultdict(list)
    names = _names()
    for item in items:
        folders[names.get(item.category, item.category.lower())].append(item)
    written = 0
    for folder, members in sorted(folders.items()):
        lists = {
            "domains": list(chain(hosts_of(members), addresses_of(members))),
            "urls": list(urls_of(members)),
        }
        for name, lines in lists.items():
            if lines:
                write_lines(out / folder / name, sorted(lines))
                written += 1
        if any(lists.values()):
            write_lines(out / folder / "usage", ["black"])
    if not written:
        msg = f"{out}: none of the items can be said in this format"
        raise UsageError(msg)


def _names() -> dict[str, str]:
    """The first UT1 name of each code."""
    found: dict[str, str] = {}
    for label, code in shipped().labels_of(SCHEME).items():
        found.setdefault(code, label)
    return found
