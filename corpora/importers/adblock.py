"""Import Adblock Plus and AdGuard filter lists: the rules about hosts and URL prefixes.

See https://adguard-dns.io/kb/general/dns-filtering-syntax/. Rules that hide page elements or depend
on the type of request are skipped, because services are judged by host and URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from corpora import hostnames
from corpora.importers import LIST_IMPORTERS
from corpora.importers.dns_lists import host_line
from corpora.source import (
    SHOWN_CHARACTERS,
    ImportEntry,
    Source,
    host_entry,
    rejected_entry,
    skipped_entry,
)

_COSMETIC = re.compile(r"#[@?$%]*#|\$\$")
_REGEX = re.compile(r"(/.+/)(?:\$([^/]*))?$")


class _Rule(NamedTuple):
    """A rule in its parts: ``@@`` or not, the pattern, the modifiers."""

    is_exception: bool
    pattern: str
    options: tuple[str, ...]


@LIST_IMPORTERS.register("adblock")
def read_adblock(source: Source) -> Iterator[ImportEntry]:
    """Entries of a filter list."""
    lines_of: dict[str, int] = {}
    for number, raw in source.lines():
        text, line = raw.strip(), source.line_label(number)
        if not text or text.startswith(("!", "[", "# ")) or text == "#":
            continue
        if _COSMETIC.search(text) and not text.startswith("/"):
            yield skipped_entry(line, "cosmetic", text)
            continue
        fields = text.partition(" #")[0].split()
        if len(fields) > 1 and hostnames.is_address(fields[0]):
            note = "hosts line in adblock list"
            for entry in host_line(line, fields):
                yield entry if entry.note else entry._replace(note=note)
            continue
        rule = _parse(text)
        yield _entry(line, text, rule, lines_of)
        lines_of.setdefault(rule.pattern, number)


def _parse(text: str) -> _Rule:
    is_exception = text.startswith("@@")
    body = text.removeprefix("@@")
    regex = _REGEX.match(body)
    if regex:
        pattern, modifiers = regex[1], regex[2] or ""
    else:
        pattern, _, modifiers = body.partition("$")
    options = tuple(part.strip() for part in modifiers.split(",") if part.strip())
    return _Rule(is_exception, pattern, options)


def _entry(line: int | str, text: str, rule: _Rule, lines_of: dict[str, int]) -> ImportEntry:
    entry = _pattern(line, text, rule.pattern)
    if entry.status != "ok":
        return entry
    if rule.is_exception:
        entry = entry._replace(action="allow", note="exception")
    rewrite = next((each for each in rule.options if each.startswith("dnsrewrite=")), None)
    if "badfilter" in rule.options:
        note = "badfilter cancels nothing above"
        if rule.pattern in lines_of:
            note = f"badfilter cancels line {lines_of[rule.pattern]} form without options only"
        return entry._replace(action="cancel", status="ok_with_modifier", note=note)
    others = [option for option in rule.options if option != rewrite]
    if rewrite and not rule.is_exception:
        entry = _rewritten(entry, rewrite.partition("=")[2])
    if others:
        note = "; ".join([entry.note, *others] if entry.note else others)
        return entry._replace(status="ok_with_modifier", note=note[:SHOWN_CHARACTERS])
    return entry


def _pattern(line: int | str, text: str, pattern: str) -> ImportEntry:
    """The entry of a pattern, as a block."""
    if _REGEX.match(pattern):
        return ImportEntry(line, pattern, "regex", "block")
    if pattern.startswith("||"):
        return _anchored(line, text, pattern[2:], "suffix")
    if pattern.startswith("|") and "://" in pattern:
        return _url(line, text, pattern[1:])
    if pattern.startswith("|"):
        return _anchored(line, text, pattern[1:], "exact")
    if hostnames.is_host(pattern.lower()) and "." in pattern:
        return host_entry(line, pattern, "exact", note="plain domain")
    is_rule = any(mark in pattern for mark in "*/^")
    return (
        skipped_entry(line, "not host level", text)
        if is_rule
        else rejected_entry(line, "not a rule", text)
    )


def _anchored(line: int | str, text: str, body: str, match: str) -> ImportEntry:
    """``host^``, or ``host/path``."""
    host, slash, path = body.partition("/")
    if slash:
        path = path.removesuffix("|").removesuffix("^")
        if "*" in path or "^" in path:
            return skipped_entry(line, "not host level", text)
        entry = host_entry(line, host, "url_prefix")
        return entry if entry.status == "error" else entry._replace(value=f"{entry.value}/{path}")
    host = host.removesuffix("|").removesuffix("^")
    if "*" in host:
        if hostnames.is_host(host.lower().replace("*", "x")):
            return ImportEntry(line, host.lower(), "glob", "block", note="kept as glob")
        return skipped_entry(line, "not host level", text)
    return host_entry(line, host, match)


def _url(line: int | str, text: str, body: str) -> ImportEntry:
    try:
        address = hostnames.to_address(body.removesuffix("|").removesuffix("^"))
    except hostnames.BadName as error:
        return rejected_entry(line, str(error), text)
    return ImportEntry(line, address.href, "url_prefix", "block")


def _rewritten(entry: ImportEntry, value: str) -> ImportEntry:
    """``NOERROR;CNAME;name``, ``NXDOMAIN;;``, or a bare address or name."""
    code, _, rest = value.partition(";")
    kind, _, target = rest.partition(";")
    if rest and code.upper() == "NOERROR" and kind and target:
        shown = target if kind.upper() in ("A", "AAAA") else f"{kind.upper()} {target}"
        return entry._replace(action="rewrite", target=shown[:SHOWN_CHARACTERS])
    if code.upper() in ("NXDOMAIN", "REFUSED", "SERVFAIL"):
        return entry._replace(target=code.upper())
    if hostnames.is_address(value):
        return entry._replace(action="rewrite", target=value)
    return entry._replace(action="rewrite", target=f"CNAME {value}"[:SHOWN_CHARACTERS])
