"""Exporters for filtering products: e2guardian, hosts files, RPZ, Squid and UT1 trees."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from corpora import hostnames
from corpora.exporters import LIST_EXPORTERS, PAGE_FORMATS, PAGES_ONLY
from corpora.taxonomy import shipped
from harness.errors import UsageError
from harness.model.corpus import VECTOR, Item

HOST_KINDS = ("host", "suffix")
ADDRESS_KINDS = ("ip", "cidr")


def hosts_of(items: Iterable[Item]) -> Iterator[str]:
    """Each host once, in order: of hosts, suffixes, vectors, and URLs that are a whole site."""
    written: set[str] = set()
    for item in items:
        host = _host(item)
        if host and host not in written:
            written.add(host)
            yield host


def urls_of(items: Iterable[Item]) -> Iterator[str]:
    """Each URL below a site's root, once and without scheme, as squidGuard writes them."""
    written: set[str] = set()
    for item in pages_of(items):
        rest = hostnames.to_address(item.value).href.partition("://")[2]
        if rest not in written:
            written.add(rest)
            yield rest


def addresses_of(items: Iterable[Item]) -> Iterator[str]:
    """Each address and network, once."""
    values = (item.value for item in items if item.kind in ADDRESS_KINDS)
    return iter(dict.fromkeys(value for value in values if value))


def pages_of(items: Iterable[Item]) -> list[Item]:
    """Return the items that are single pages below a site's root; other items are whole sites."""
    return [item for item in items if item.kind == "url" and item.value and not _is_site(item)]


class LeftOut(NamedTuple):
    """How many items a format cannot list, and a sentence about them."""

    items: int
    sentence: str


def left_out(items: Iterable[Item], form: str) -> LeftOut:
    """Return what a format cannot list: single pages in most formats, whole sites in some."""
    listed = list(items)
    pages = len(pages_of(listed))
    if form in PAGES_ONLY:
        sites = len(listed) - pages
        return LeftOut(
            sites, f"{sites} items are whole sites, which {form} cannot list; the format squid can"
        )
    if form in PAGE_FORMATS:
        return LeftOut(0, "")
    formats = ", ".join(sorted(PAGE_FORMATS))
    return LeftOut(
        pages,
        f"{pages} items are single pages, which {form} cannot list; a supplier that loads only "
        f"this list misses them. Formats that can: {formats}",
    )


def write_lines(path: Path, lines: Iterable[str], head: Sequence[str] = ()) -> None:
    """Write a list below its ``head``.

    Raises UsageError if there are no ``lines``, OSError if it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    count = 0
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(line + "\n" for line in head)
            for line in lines:
                stream.write(line + "\n")
                count += 1
        if not count:
            msg = f"{path}: the format cannot express any of the items"
            raise UsageError(msg)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _host(item: Item) -> str:
    if item.kind in HOST_KINDS or item.kind == VECTOR:
        return item.host
    if item.kind == "url" and item.value and _is_site(item):
        host = hostnames.to_address(item.value).host
        return "" if hostnames.is_address(host.strip("[]")) else host
    return ""


def _is_site(item: Item) -> bool:
    address = hostnames.to_address(item.value)
    return address.path == "/" and not address.href.partition(address.host)[2].strip("/")


FILES: dict[str, Callable[[Iterable[Item]], Iterator[str]]] = {
    "bannedsitelist": hosts_of,
    "bannedurllist": urls_of,
    "bannedsiteiplist": addresses_of,
}


@LIST_EXPORTERS.register("e2guardian")
def export_e2guardian(items: Iterable[Item], out: Path) -> None:
    """Write a folder of lists, without empty ones. A site covers all names below it."""
    listed = list(items)
    entries = {name: list(select(listed)) for name, select in FILES.items()}
    if not any(entries.values()):
        msg = f"{out}: the format cannot express any of the items"
        raise UsageError(msg)
    categories = ", ".join(sorted({item.category for item in listed}))
    for name, lines in entries.items():
        if lines:
            write_lines(out / name, lines, [f'#listcategory: "{categories}"'])


NOWHERE = "0.0.0.0"  # noqa: S104 - written into a list, not bound


@LIST_EXPORTERS.register("hosts")
def export_hosts(items: Iterable[Item], out: Path) -> None:
    """Write a hosts file. It covers no names below a host: the format cannot express that."""
    write_lines(out, (f"{NOWHERE} {host}" for host in hosts_of(items)))


HEAD = (
    "$TTL 300",
    "@ SOA localhost. root.localhost. 1 3600 600 86400 300",
    "@ NS localhost.",
)


@LIST_EXPORTERS.register("rpz")
def export_rpz(items: Iterable[Item], out: Path) -> None:
    """Write a response policy zone for any zone name. A suffix covers all names below it."""
    listed = list(items)
    wide = set(hosts_of(item for item in listed if item.kind == "suffix"))
    write_lines(out, _records(listed, wide), HEAD)


def _records(items: list[Item], wide: set[str]) -> Iterator[str]:
    for host in hosts_of(items):
        yield f"{host} CNAME ."
        if host in wide:
            yield f"*.{host} CNAME ."


@LIST_EXPORTERS.register("squid")
def export_squid(items: Iterable[Item], out: Path) -> None:
    """Write a dstdomain file.

    A name below another one is left out, because Squid warns about names it covers already.
    """
    listed = list(items)
    wide = set(hosts_of(item for item in listed if item.kind == "suffix"))
    write_lines(out, _lines(listed, wide))


@LIST_EXPORTERS.register("squid-urls")
def export_squid_urls(items: Iterable[Item], out: Path) -> None:
    """Write a url_regex file of single pages, for HTTP and for HTTPS that Squid opens.

    Squid decodes a URL once before it compares it, so the patterns are of decoded URLs. It has no
    whole sites: those are for the format ``squid``.
    """
    write_lines(out, map(_pattern, urls_of(items)))


def _pattern(url: str) -> str:
    """Return a POSIX extended expression of a URL without its scheme; blanks as a class."""
    text = unquote(url)
    letters = (f"\\{each}" if each in _SPECIAL else each for each in text)
    return f"^https?://{''.join(letters).replace(' ', '[[:space:]]')}$"


_SPECIAL = frozenset(".[]{}()*+?^$|\\")


def _lines(items: list[Item], wide: set[str]) -> Iterator[str]:
    for host in hosts_of(items):
        if not _is_covered(host, wide):
            yield f".{host}" if host in wide else host


def _is_covered(host: str, wide: set[str]) -> bool:
    while host := host.partition(".")[2]:
        if host in wide:
            return True
    return False


@LIST_EXPORTERS.register("ut1")
def export_ut1(items: Iterable[Item], out: Path) -> None:
    """Write a tree of categories, with UT1's name of each category, or its code if UT1 has none."""
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
        msg = f"{out}: the format cannot express any of the items"
        raise UsageError(msg)


@LIST_EXPORTERS.register("unbound")
def export_unbound(items: Iterable[Item], out: Path) -> None:
    """Write a file for Unbound to include. Each name is answered NXDOMAIN, with all below it."""
    zones = (f'  local-zone: "{host}." always_nxdomain' for host in hosts_of(items))
    write_lines(out, zones, ("server:",))


@LIST_EXPORTERS.register("csv")
def export_csv(items: Iterable[Item], out: Path) -> None:
    """Write a table with the columns value, kind, category and name (of the category)."""
    kinds = (*HOST_KINDS, "url", *ADDRESS_KINDS)
    rows = dict.fromkeys(
        (item.host, "host", item.category)
        if item.kind == VECTOR
        else (item.value, item.kind, item.category)
        for item in items
        if (item.host if item.kind == VECTOR else item.value and item.kind in kinds)
    )
    names = shipped().categories
    with StringIO(newline="") as table:
        writer = csv.writer(table, lineterminator="\n")
        for value, kind, code in rows:
            writer.writerow((value, kind, code, names[code].name if code in names else ""))
        write_lines(out, table.getvalue().splitlines(), ("value,kind,category,name",))


def _names() -> dict[str, str]:
    """The first UT1 name of each code."""
    names: dict[str, str] = {}
    for label, code in shipped().labels_of("ut1").items():
        names.setdefault(code, label)
    return names
