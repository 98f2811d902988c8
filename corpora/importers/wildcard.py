"""Wildcard lists ("Domains Wildcard"): ``*.name`` stands for a name and all below it."""

from __future__ import annotations

from collections.abc import Iterator

from corpora import hostnames
from corpora.import_entry import Entry, fault, host_entry
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source


@LIST_IMPORTERS.register("wildcard")
def read_wildcards(source: Source) -> Iterator[Entry]:
    """Entries of a wildcard list; whether ``*.name`` holds for the name is the source's say."""
    for number, text in source.lines():
        word = text.partition("#")[0].strip()
        if word:
            yield _entry(source.place(number), word)


def _entry(line: int | str, word: str) -> Entry:
    if "*" not in word:
        return host_entry(line, word, "exact")
    if word.startswith("*.") and "*" not in word[2:]:
        return host_entry(line, word[2:], "subdomains_and_self", note="state per source")
    glob = word.lower()
    if not hostnames.is_host(glob.replace("*", "x")):
        return fault(line, "invalid glob", word)
    return Entry(line, glob, "glob", "block", note="kept as glob")
