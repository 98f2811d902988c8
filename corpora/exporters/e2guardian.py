"""e2guardian lists: a folder with lists of sites, of URLs and of addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from corpora.list_export import LIST_EXPORTERS, addresses_of, hosts_of, urls_of, write_lines
from harness.errors import UsageError
from harness.model.corpus import Item

FILES: dict[str, Callable[[Iterable[Item]], Iterator[str]]] = {
    "bannedsitelist": hosts_of,
    "bannedurllist": urls_of,
    "bannedsiteiplist": addresses_of,
}


@LIST_EXPORTERS.register("e2guardian")
def export_e2guardian(items: Iterable[Item], out: Path) -> None:
    """Write the lists, those only that have an entry. A site stands for all names below it."""
    listed = list(items)
    entries = {name: list(of(listed)) for name, of in FILES.items()}
    if not any(entries.values()):
        msg = f"{out}: none of the items can be said in this format"
        raise UsageError(msg)
    categories = ", ".join(sorted({item.category for item in listed}))
    for name, lines in entries.items():
        if lines:
            write_lines(out / name, [f'#listcategory: "{categories}"', *lines])
