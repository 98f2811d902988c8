"""Import DNS block lists: hosts files, dnsmasq and Unbound configurations, response policy zones.

Response policy zones (RPZ) follow draft-vixie-dnsop-dns-rpz.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from corpora import hostnames
from corpora.importers import LIST_IMPORTERS
from corpora.source import (
    NULL_ADDRESSES,
    SHOWN_CHARACTERS,
    ImportEntry,
    Line,
    Source,
    host_entry,
    redirect_entry,
    rejected_entry,
    skipped_entry,
)

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
"""An address or type, and a name or data."""


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


_CLASSES = ("IN", "CH", "HS")
_TRIGGERS = ("rpz-nsdname", "rpz-nsip", "rpz-client-ip")
_MOST_LINES = 100
"""The largest number of lines of a record."""


class _Record(NamedTuple):
    owner: str
    type: str
    data: str


class _Action(NamedTuple):
    """What a zone does with queries for a name."""

    action: str
    target: str = ""
    note: str = ""


@LIST_IMPORTERS.register("rpz")
def read_rpz(source: Source) -> Iterator[ImportEntry]:
    """Entries of a zone file. Absolute owners are taken relative to ``$ORIGIN``."""
    origin = ""
    for number, text in _joined(source):
        line = source.line_label(number)
        words = text.split()
        if text.startswith("$"):
            if words[0].upper() == "$ORIGIN" and len(words) > 1:
                origin = words[1].rstrip(".").lower()
            elif words[0].upper() != "$TTL":
                yield rejected_entry(line, f"{words[0][:20].lower()} refused", text)
        elif not text[0].isspace() and words[0] != "@":
            yield _record_entry(line, text, origin)


def _joined(source: Source) -> Iterator[Line]:
    """Lines without comments; lines within parentheses are joined."""
    parts: list[str] = []
    first = depth = 0
    for number, text in source.lines():
        body = text.partition(";")[0]
        if not depth and not body.strip():
            continue
        first = first if depth else number
        depth = max(depth + body.count("(") - body.count(")"), 0)
        parts.append(body.replace("(", " ").replace(")", " "))
        if not depth or len(parts) > _MOST_LINES:
            yield Line(first, " ".join(parts))
            parts, depth = [], 0
    if any(part.strip() for part in parts):
        yield Line(first, " ".join(parts))


def _record_entry(line: int | str, text: str, origin: str) -> ImportEntry:
    record = _record(text)
    if record is None:
        return rejected_entry(line, "not a record", text.strip())
    owner = record.owner.lower()
    if owner.endswith("."):
        owner = owner.rstrip(".").removesuffix(f".{origin}" if origin else "")
    first, _, trigger = owner.rpartition(".")
    if trigger in _TRIGGERS:
        return skipped_entry(line, f"{trigger} trigger", owner)
    action = _action(record)
    if action is None:
        return skipped_entry(line, f"{record.type} is no policy", owner)
    if trigger == "rpz-ip":
        network = _network(first)
        if not network:
            return rejected_entry(line, "not an address", owner)
        note = action.note or "response IP trigger"
        return ImportEntry(line, network, "answer_ip", action.action, action.target, "ok", note)
    match = "subdomains" if owner.startswith("*.") else "exact"
    bare = owner.removeprefix("*.")
    return host_entry(line, bare, match, action.action, action.target, action.note)


def _record(text: str) -> _Record | None:
    owner, *words = text.split()
    while words and (words[0].isdigit() or words[0].upper() in _CLASSES):
        words.pop(0)
    if len(words) < _LEAST_FIELDS:
        return None
    return _Record(owner, words[0].upper(), " ".join(words[1:]))


def _action(record: _Record) -> _Action | None:
    data = record.data.lower()
    if record.type == "CNAME":
        known = {
            ".": _Action("block", "NXDOMAIN"),
            "*.": _Action("block", "NODATA"),
            "rpz-passthru.": _Action("allow", "", "passthru"),
            "rpz-drop.": _Action("block", "DROP"),
            "rpz-tcp-only.": _Action("rewrite", "TCP-ONLY", "not a block"),
        }
        return known.get(data) or _Action("rewrite", f"CNAME {data.rstrip('.')}")
    if record.type in ("A", "AAAA"):
        return _Action("rewrite", data)
    return None


def _network(labels: str) -> str:
    """``32.10.2.0.192`` as ``192.0.2.10/32``; empty if it is not a network."""
    prefix, *reverse = labels.split(".")
    parts = reverse[::-1]
    try:
        if "zz" in parts or len(parts) > 4:  # noqa: PLR2004 - four parts are IPv4
            text = ":".join(parts).replace("zz", "").replace(":::", "::")
            text = f":{text}" if text.startswith(":") and not text.startswith("::") else text
            text = f"{text}:" if text.endswith(":") and not text.endswith("::") else text
        else:
            text = ".".join(parts)
        return str(ipaddress.ip_network(f"{text}/{int(prefix)}", strict=False))
    except ValueError:
        return ""
