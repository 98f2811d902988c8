"""The table of list exporters, and what they share: hosts, URLs and addresses of items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from corpora import hostnames
from harness.errors import UsageError
from harness.model.corpus import Item
from harness.plugins import PluginTable

HOST_KINDS = ("host", "suffix")
ADDRESS_KINDS = ("ip", "cidr")


ListExporter = Callable[[Iterable[Item], Path], None]
"""Writes items as a list that a filtering product loads: a new file or folder.

Raises UsageError if none of the items can be expressed in the format, OSError.
"""

LIST_EXPORTERS = PluginTable[ListExporter]("exporters", "corpora.exporters", of="lists")


def hosts_of(items: Iterable[Item]) -> Iterator[str]:
    """Each host once, in order: of hosts and suffixes, and of URLs that are a whole site."""
    written: set[str] = set()
    for item in items:
        host = _host(item)
        if host and host not in written:
            written.add(host)
            yield host


def urls_of(items: Iterable[Item]) -> Iterator[str]:
    """Each URL below a site's root, once and without scheme, as squidGuard writes them."""
    written: set[str] = set()
    for item in items:
        if item.kind == "url" and item.value and not _is_site(item):
            rest = hostnames.to_address(item.value).href.partition("://")[2]
            if rest not in written:
                written.add(rest)
                yield rest


def addresses_of(items: Iterable[Item]) -> Iterator[str]:
    """Each address and network, once."""
    values = (item.value for item in items if item.kind in ADDRESS_KINDS)
    return iter(dict.fromkeys(value for value in values if value))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a list. Raises UsageError if it would be empty, OSError if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    count = 0
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as stream:
            for line in lines:
                stream.write(line + "\n")
                count += not line.startswith(("#", ";", "$", "@"))
        if not count:
            msg = f"{path}: the format cannot express any of the items"
            raise UsageError(msg)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _host(item: Item) -> str:
    if item.kind in HOST_KINDS:
        return item.host
    if item.kind == "url" and item.value and _is_site(item):
        host = hostnames.to_address(item.value).host
        return "" if hostnames.is_address(host.strip("[]")) else host
    return ""


def _is_site(item: Item) -> bool:
    address = hostnames.to_address(item.value)
    return address.path == "/" and not address.href.partition(address.host)[2].strip("/")
