"""Import DNS block lists: hosts files, and dnsmasq and Unbound configurations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora import hostnames
from corpora.import_entry import (
    NULL_ADDRESSES,
    SHOWN_CHARACTERS,
    ImportEntry,
    host_entry,
    redirect_entry,
    rejected_entry,
    skipped_entry,
)
from corpora.importers import LIST_IMPORTERS
from corpora.source import Source

OWN_NAMES = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
    }
)
"""Names of the machine itself in a hosts file."""

_LEAST_FIELDS = 2


@LIST_IMPORTERS.register("hosts")
def read_hosts(source: Source) -> Iterator[ImportEntry]:
    """Entries of a hosts file (hosts(5)); a name does not cover names below it."""
    for number, text in source.lines():
        yield from host_line(source.line_label(number), text.partition("#")[0].split())


def host_line(line: int | str, fields: list[str]) -> Iterator[ImportEntry]:
    """Entries of the fields of one line."""
    if not fields:
        return
    address, *hosts = fields
    if not hostnames.is_address(address):
        yield rejected_entry(
            line, "no address at the beginning", " ".join(fields)[:SHOWN_CHARACTERS]
        )
    elif len(fields) < _LEAST_FIELDS:
        yield rejected_entry(line, "no name after the address", address)
    for host in hosts if hostnames.is_address(address) else ():
        if host.lower() not in OWN_NAMES and host not in NULL_ADDRESSES:
            entry = redirect_entry(line, host, "exact", address)
            changes = entry.changes.replace("trailing dot", "trailing dot removed")
            note = "non-null address" if entry.action == "rewrite" else entry.note
            yield entry._replace(changes=changes, note=note)


_NUMBER_WORDS = {2: "two", 3: "three", 4: "four"}
_SHORTEST_CNAME = 2


@LIST_IMPORTERS.register("dnsmasq")
def read_dnsmasq(source: Source) -> Iterator[ImportEntry]:
    """Entries of a dnsmasq configuration; a name covers all names below it."""
    for number, text in source.lines():
        body = "" if text.lstrip().startswith("#") else text.partition(" #")[0].strip()
        if body:
            yield from _entries(source.line_label(number), body)


def _entries(line: int | str, body: str) -> Iterator[ImportEntry]:
    option, _, value = body.partition("=")
    option, value = option.strip(), value.strip()
    if option == "cname":
        yield from _aliases(line, body, value)
    elif option not in ("address", "local", "server") or not value.startswith("/"):
        yield skipped_entry(line, "option", body)
    elif value.count("/") < _SHORTEST_CNAME:
        yield rejected_entry(line, "no closing slash", body)
    else:
        *hosts, target = value[1:].split("/")
        action, target, note = _meaning(option, target)
        several = f"{_NUMBER_WORDS.get(len(hosts), len(hosts))} names on a line"
        for position, host in enumerate(hosts):
            first = several if len(hosts) > 1 and not position else note
            yield host_entry(line, host, "suffix", action, target, first)


def _meaning(option: str, target: str) -> tuple[str, str, str]:
    """The action, its target and the note of an option."""
    if option == "local":
        return "block", "", "local"
    if option == "server":
        return (
            ("forward", target, "not a block")
            if target
            else ("block", "", "server without address")
        )
    if not target:
        return "block", "", "NXDOMAIN form"
    if target == "#" or target in NULL_ADDRESSES:
        return "block", "", ""
    return "rewrite", target, "non-null address"


def _aliases(line: int | str, body: str, value: str) -> Iterator[ImportEntry]:
    parts = [part.strip() for part in value.split(",")]
    if parts and parts[-1].isdigit():
        parts.pop()  # a time to live
    if len(parts) < _SHORTEST_CNAME or not hostnames.is_host(parts[-1].lower().rstrip(".")):
        yield rejected_entry(line, "cname without a target", body)
        return
    for alias in parts[:-1]:
        yield host_entry(line, alias, "exact", "rewrite", f"CNAME {parts[-1].rstrip('.')}")


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
"""Types of local zones that block a name."""

_REDIRECTS = ("redirect", "inform_redirect")
_ZONE = re.compile(r'local-zone:\s*"?([^"\s]+)"?\s+"?([a-z_]+)"?\s*$')
_DATA = re.compile(r"local-data:\s*(?:\"([^\"]*)\"|'([^']*)')\s*$")
_RECORD = re.compile(r"(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(A|AAAA|CNAME)\s+(\S+)\s*$", re.IGNORECASE)
_SECTION = re.compile(r"[a-z-]+:$")
_COMMENT = re.compile(r"(^|\s)#.*$")


@LIST_IMPORTERS.register("unbound")
def read_unbound(source: Source) -> Iterator[ImportEntry]:
    """Entries of an Unbound configuration; a local zone covers all names below it.

    A zone of type ``redirect`` answers with its data, which may come later in the file.
    """
    waiting: dict[str, tuple[int | str, str]] = {}
    for number, text in source.lines():
        body = _COMMENT.sub("", text).strip()
        if not body or _SECTION.match(body):
            continue
        line = source.line_label(number)
        if body.startswith("local-zone:"):
            yield from _zone(line, body, waiting)
        elif body.startswith("local-data:"):
            yield from _data(line, body, waiting)
        else:
            yield skipped_entry(line, "option", body)
    for line, name in waiting.values():
        yield rejected_entry(line, "redirect without local-data", name)


def _zone(
    line: int | str, body: str, waiting: dict[str, tuple[int | str, str]]
) -> Iterator[ImportEntry]:
    parsed = _ZONE.match(body)
    if not parsed:
        yield rejected_entry(line, "not a local-zone", body)
        return
    name, kind = parsed.groups()
    if kind in _REDIRECTS:
        waiting[_key(name)] = (line, name)
    elif kind in BLOCKS:
        entry = host_entry(line, name, "suffix")
        yield entry._replace(changes=entry.changes.removeprefix("trailing dot").lstrip("; "))
    else:
        yield skipped_entry(line, f"{kind} is not a block", name.rstrip("."))


def _data(
    line: int | str, body: str, waiting: dict[str, tuple[int | str, str]]
) -> Iterator[ImportEntry]:
    parsed = _DATA.match(body)
    record = _RECORD.match((parsed[1] or parsed[2] or "") if parsed else "")
    if not record:
        yield (
            skipped_entry(line, "record of another type", body)
            if parsed
            else rejected_entry(line, "not a local-data", body)
        )
        return
    name, kind, target = record[1], record[2].upper(), record[3].rstrip(".")
    first_line, match, note = line, "exact", ""
    if _key(name) in waiting:
        first_line, name = waiting.pop(_key(name))
        match, note = "suffix", f"with line {line}"
    bare = name.rstrip(".")
    if kind == "CNAME":
        yield host_entry(first_line, bare, match, "rewrite", f"CNAME {target}", note)
    elif target in NULL_ADDRESSES:
        yield host_entry(first_line, bare, match, note=note)
    else:
        yield host_entry(first_line, bare, match, "rewrite", target, note)


def _key(name: str) -> str:
    return name.lower().rstrip(".")
