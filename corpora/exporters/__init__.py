"""Exporters: one list format a file."""

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
"""Writes items as a list that a filtering product loads: a new file, or a new folder.

Raises UsageError if none of the items can be expressed in the format, OSError.
"""

LIST_EXPORTERS = PluginTable[ListExporter]("exporters", "corpora.exporters", of="lists")


def hosts_of(items: Iterable[Item]) -> Iterator[str]:
    """Each host once, in order: of hosts and suffixes, and of URLs that are a whole site."""
    seen: set[str] = set()
    for item in items:
        host = _host(item)
        if host and host not in seen:
            seen.add(host)
            yield host


def urls_of(items: Iterable[Item]) -> Iterator[str]:
    """Each URL that is part of a site, once and without scheme, as squidGuard writes them."""
    seen: set[str] = set()
    for item in items:
        if item.kind == "url" and item.value and not _is_site(item):
            rest = hostnames.to_address(item.value).href.partition("://")[2]
            if rest not in seen:
                seen.add(rest)
                yield rest


def addresses_of(items: Iterable[Item]) -> Iterator[str]:
    """Each address and network, once."""
    values = (item.value for item in items if item.kind in ADDRESS_KINDS)
    return iter(dict.fromkeys(value for value in values if value))


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a list. Raises UsageError if it would hold nothing, OSError if it cannot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    count = 0
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as stream:
            for line in lines:
                stream.write(line + "\n")
                count += not line.startswith(("#", ";", "$", "@"))
        if not count:
            msg = f"{path}: none of the items can be said in this format"
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
