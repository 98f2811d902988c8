"""Import plain lists: domains, wildcards, ranks, keyed digests, Squid and e2guardian lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora import hostnames
from corpora.importers import LIST_IMPORTERS
from corpora.source import (
    ImportEntry,
    Source,
    address_entry,
    host_entry,
    rejected_entry,
    skipped_entry,
)


@LIST_IMPORTERS.register("domains")
def read_domains(source: Source) -> Iterator[ImportEntry]:
    """Entries of a list of domains, which may hold addresses, networks and URLs as well.

    What a bare name covers is a setting; lists with a header state it there.
    """
    setting, is_first = "", True
    for number, text in source.lines():
        body, mark, _ = text.partition("#")
        words = body.split()
        if is_first and mark and not words:
            setting = "per list setting"
        is_first = False
        if len(words) > 1:
            yield rejected_entry(source.line_label(number), "more than one word", body.strip())
        elif words:
            comment = "inline comment" if mark else ""
            yield _entry(source.line_label(number), words[0], comment, setting)


def _entry(line: int | str, word: str, comment: str, setting: str) -> ImportEntry:
    if hostnames.is_plain(word) and not hostnames.is_public_suffix(word):  # nearly every line
        note = "" if comment else setting
        return ImportEntry(line, word, "suffix", "block", note=note, changes=comment)
    if "://" in word:
        return _url(line, word)
    address = address_entry(line, word)
    if address is not None:
        return address
    if "/" in word:
        host, _, rest = word.partition("/")
        entry = host_entry(line, host, "url_prefix", note="URL in a domain list")
        return entry if entry.status == "error" else entry._replace(value=f"{entry.value}/{rest}")
    form = ""
    if word.startswith("*."):
        word, form = word[2:], "wildcard"
    elif word.startswith("."):
        word, form = word[1:], "leading dot"
    entry = host_entry(line, word, "suffix")
    if entry.status == "error":
        return entry
    changes = "; ".join(part for part in (form, entry.changes, comment) if part)
    return entry._replace(changes=changes, note="" if changes else setting)


def _url(line: int | str, word: str) -> ImportEntry:
    try:
        address = hostnames.to_address(word)
    except hostnames.BadName as error:
        return rejected_entry(line, str(error), word)
    return ImportEntry(line, address.href, "url_prefix", "block", note="URL in a domain list")


@LIST_IMPORTERS.register("wildcard")
def read_wildcards(source: Source) -> Iterator[ImportEntry]:
    """Entries of a wildcard list; whether ``*.name`` includes the name depends on its source."""
    for number, text in source.lines():
        word = text.partition("#")[0].strip()
        if word:
            yield _wildcard_entry(source.line_label(number), word)


def _wildcard_entry(line: int | str, word: str) -> ImportEntry:
    if "*" not in word:
        return host_entry(line, word, "exact")
    if word.startswith("*.") and "*" not in word[2:]:
        return host_entry(line, word[2:], "subdomains_and_self", note="state per source")
    glob = word.lower()
    if not hostnames.is_host(glob.replace("*", "x")):
        return rejected_entry(line, "invalid glob", word)
    return ImportEntry(line, glob, "glob", "block", note="kept as glob")


_CELLS = 2
_RANK_DIGITS = 12


@LIST_IMPORTERS.register("tranco")
def read_ranks(source: Source) -> Iterator[ImportEntry]:
    """Entries of a ranked list (``rank,domain``); ranks must increase."""
    last = 0
    for record in source.records():
        line = source.line_label(record.first)
        if len(record.cells) != _CELLS:
            yield rejected_entry(line, "not rank,domain", ",".join(record.cells))
            continue
        rank, domain = (cell.strip() for cell in record.cells)
        if not domain:
            yield rejected_entry(line, "empty domain")
        elif not (rank.isascii() and rank.isdigit() and len(rank) <= _RANK_DIGITS):
            yield rejected_entry(line, "rank not a number", domain)
        else:
            entry = host_entry(line, domain, "suffix", "rank", str(int(rank)))
            if entry.status == "ok" and int(rank) <= last:
                entry = entry._replace(status="error", note="rank not increasing")
            last = max(last, int(rank))
            yield entry


DIGEST = re.compile(r"hmac-sha256:[A-Za-z0-9._-]{1,64}:[0-9a-f]{64}")


@LIST_IMPORTERS.register("hmac_feed")
def read_digests(source: Source) -> Iterator[ImportEntry]:
    """Entries of a feed of keyed digests; ``--label`` gives their category."""
    for number, text in source.lines():
        word = text.strip()
        if not word or word.startswith("#"):
            continue
        line = source.line_label(number)
        if DIGEST.fullmatch(word):
            yield ImportEntry(line, word, "hmac", "block")
        else:
            yield rejected_entry(line, "not a keyed digest; not shown")


@LIST_IMPORTERS.register("squid")
def read_squid(source: Source) -> Iterator[ImportEntry]:
    """Entries of a Squid dstdomain file."""
    for number, text in source.lines():
        for word in text.partition("#")[0].split():
            line = source.line_label(number)
            match = "suffix" if word.startswith(".") else "exact"
            yield address_entry(line, word) or host_entry(line, word.removeprefix("."), match)


_CATEGORY = re.compile(r'#\s*listcategory:\s*"([^"]*)"', re.IGNORECASE)
_BLANKET = "*"


@LIST_IMPORTERS.register("e2guardian_url")
def read_urls(source: Source) -> Iterator[ImportEntry]:
    """Entries of an e2guardian URL list (no schemes); an entry covers all URLs it begins."""
    for line, word, note in _words(source):
        host, slash, path = word.partition("/")
        entry = host_entry(line, host, "url_prefix", note=note)
        yield entry if entry.status == "error" else entry._replace(value=entry.value + slash + path)


@LIST_IMPORTERS.register("e2guardian_site")
def read_sites(source: Source) -> Iterator[ImportEntry]:
    """Entries of an e2guardian site list; an entry covers all names below it."""
    for line, word, note in _words(source):
        address = address_entry(line, word)
        if address is not None:
            yield address._replace(note=note)
        else:
            yield host_entry(line, word.removeprefix("."), "suffix", note=note)


def _words(source: Source) -> Iterator[tuple[int | str, str, str]]:
    """Line, word and note of each entry; other lines are added to the source's faults."""
    note = ""
    for number, text in source.lines():
        category = _CATEGORY.match(text)
        if category:
            note = f"category {category[1]}"
        body = text.partition("#")[0].strip()
        if not body:
            continue
        line = source.line_label(number)
        if body.lower().startswith(".include<"):
            source.faults.append(_include(line, body))
        elif body.startswith(_BLANKET):
            source.faults.append(skipped_entry(line, "blanket block", body))
        elif len(body.split()) > 1:
            source.faults.append(rejected_entry(line, "more than one word", body))
        else:
            yield line, body, note


def _include(line: int | str, body: str) -> ImportEntry:
    """The entry for an include, which is never followed: a list must be self-contained."""
    target = body[len(".include<") :].rstrip(">")
    if target.startswith("/") or ".." in target.split("/"):
        return rejected_entry(line, "include outside corpus root refused", body)
    return skipped_entry(line, "include is not followed", body)
