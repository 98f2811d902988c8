"""Unbound configuration: ``local-zone`` and ``local-data`` (unbound.conf(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.import_entry import NULL_ADDRESSES, Entry, fault, host_entry, skip
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source

BLOCKS = frozenset(
    {
        "always_nxdomain",
        "always_null",
        "always_refuse",
        "always_nodata",
        "always_deny",
        "static",
        "deny",
        "refuse",
        "inform_deny",
        "block_a",
    }
)
"""Types of local zones that keep a name from being resolved."""

_REDIRECTS = ("redirect", "inform_redirect")
_ZONE = re.compile(r'local-zone:\s*"?([^"\s]+)"?\s+"?([a-z_]+)"?\s*$')
_DATA = re.compile(r"local-data:\s*(?:\"([^\"]*)\"|'([^']*)')\s*$")
_RECORD = re.compile(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(A|AAAA|CNAME)\s+(\S+)\s*$", re.IGNORECASE)
_SECTION = re.compile(r"[a-z-]+:$")
_COMMENT = re.compile(r"(^|\s)#.*$")


@LIST_IMPORTERS.register("unbound")
def read_unbound(source: Source) -> Iterator[Entry]:
    """Entries of an Unbound configuration; a local zone stands for all names below it, too.

    A zone of type ``redirect`` answers with its data, which may come later in the file.
    """
    waiting: dict[str, tuple[int | str, str]] = {}
    for number, text in source.lines():
        body = _COMMENT.sub("", text).strip()
        if not body or _SECTION.match(body):
            continue
        line = source.place(number)
        if body.startswith("local-zone:"):
            yield from _zone(line, body, waiting)
        elif body.startswith("local-data:"):
            yield from _data(line, body, waiting)
        else:
            yield skip(line, "option", body)
    for line, name in waiting.values():
        yield fault(line, "redirect without local-data", name)


def _zone(line: int | str, body: str, waiting: dict[str, tuple[int | str, str]]) -> Iterator[Entry]:
    found = _ZONE.match(body)
    if not found:
        yield fault(line, "not a local-zone", body)
        return
    name, kind = found.groups()
    if kind in _REDIRECTS:
        waiting[_key(name)] = (line, name)
    elif kind in BLOCKS:
        entry = host_entry(line, name, "suffix")
        yield entry._replace(spelling=entry.spelling.removeprefix("trailing dot").lstrip("; "))
    else:
        yield skip(line, f"{kind} is not a block", name.rstrip("."))


def _data(line: int | str, body: str, waiting: dict[str, tuple[int | str, str]]) -> Iterator[Entry]:
    found = _DATA.match(body)
    record = _RECORD.match((found[1] or found[2] or "") if found else "")
    if not record:
        yield (
            skip(line, "record of another type", body)
            if found
            else fault(line, "not a local-data", body)
        )
        return
    name, kind, target = record[1], record[2].upper(), record[3].rstrip(".")
    place, match, note = line, "exact", ""
    if _key(name) in waiting:
        place, name = waiting.pop(_key(name))
        match, note = "suffix", f"with line {line}"
    bare = name.rstrip(".")
    if kind == "CNAME":
        yield host_entry(place, bare, match, "rewrite", f"CNAME {target}", note)
    elif target in NULL_ADDRESSES:
        yield host_entry(place, bare, match, note=note)
    else:
        yield host_entry(place, bare, match, "rewrite", target, note)


def _key(name: str) -> str:
    return name.lower().rstrip(".")
