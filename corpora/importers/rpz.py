"""Import response policy zones (RPZ, draft-vixie-dnsop-dns-rpz)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from corpora.import_entry import ImportEntry, host_entry, rejected_entry, skipped_entry
from corpora.importers import LIST_IMPORTERS
from corpora.source import Line, Source

_CLASSES = ("IN", "CH", "HS")
_TRIGGERS = ("rpz-nsdname", "rpz-nsip", "rpz-client-ip")
_LEAST_WORDS = 2
_PARENTHESES = 100
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
            yield _entry(line, text, origin)


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
        if not depth or len(parts) > _PARENTHESES:
            yield Line(first, " ".join(parts))
            parts, depth = [], 0
    if any(part.strip() for part in parts):
        yield Line(first, " ".join(parts))


def _entry(line: int | str, text: str, origin: str) -> ImportEntry:
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
    if len(words) < _LEAST_WORDS:
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
