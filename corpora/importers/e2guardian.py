"""e2guardian lists: ``bannedurllist`` and ``bannedsitelist`` (e2guardian's list formats)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpora.import_entry import Entry, address_entry, fault, host_entry, skip
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source

_CATEGORY = re.compile(r'#\s*listcategory:\s*"([^"]*)"', re.IGNORECASE)
_BLANKET = "*"


@LIST_IMPORTERS.register("e2guardian_url")
def read_urls(source: Source) -> Iterator[Entry]:
    """Entries of a list of URLs without scheme; an entry stands for all that begins with it."""
    for line, word, note in _words(source):
        host, slash, path = word.partition("/")
        entry = host_entry(line, host, "url_prefix", note=note)
        yield entry if entry.status == "error" else entry._replace(value=entry.value + slash + path)


@LIST_IMPORTERS.register("e2guardian_site")
def read_sites(source: Source) -> Iterator[Entry]:
    """Entries of a list of sites; an entry stands for all names below it, too."""
    for line, word, note in _words(source):
        address = address_entry(line, word)
        if address is not None:
            yield address._replace(note=note)
        else:
            yield host_entry(line, word.removeprefix("."), "suffix", note=note)


def _words(source: Source) -> Iterator[tuple[int | str, str, str]]:
    """Line, word and note of each entry; what is none is noted in the source's faults."""
    note = ""
    for number, text in source.lines():
        category = _CATEGORY.match(text)
        if category:
            note = f"category {category[1]}"
        body = text.partition("#")[0].strip()
        if not body:
            continue
        line = source.place(number)
        if body.lower().startswith(".include<"):
            source.faults.append(_include(line, body))
        elif body.startswith(_BLANKET):
            source.faults.append(skip(line, "blanket block", body))
        elif len(body.split()) > 1:
            source.faults.append(fault(line, "more than one word", body))
        else:
            yield line, body, note


def _include(line: int | str, body: str) -> Entry:
    """Includes are never followed: a list must say what it holds."""
    target = body[len(".include<") :].rstrip(">")
    if target.startswith("/") or ".." in target.split("/"):
        return fault(line, "include outside corpus root refused", body)
    return skip(line, "include is not followed", body)
