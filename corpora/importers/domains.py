"""Plain lists of domains: a name a line, which stands for all below it, too."""

from __future__ import annotations

from collections.abc import Iterator

from corpora import hostnames
from corpora.import_entry import Entry, address_entry, fault, host_entry
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source


@LIST_IMPORTERS.register("domains")
def read_domains(source: Source) -> Iterator[Entry]:
    """Entries of a list of domains; addresses, networks and URLs are borne.

    What a bare name stands for is a setting, which a list tells in its header, if it has one.
    """
    setting, is_first = "", True
    for number, text in source.lines():
        body, mark, _ = text.partition("#")
        words = body.split()
        if is_first and mark and not words:
            setting = "per list setting"
        is_first = False
        if len(words) > 1:
            yield fault(source.place(number), "more than one word", body.strip())
        elif words:
            comment = "inline comment" if mark else ""
            yield _entry(source.place(number), words[0], comment, setting)


def _entry(line: int | str, word: str, comment: str, setting: str) -> Entry:
    if hostnames.is_plain(word) and not hostnames.is_public_suffix(word):  # nearly every line
        note = "" if comment else setting
        return Entry(line, word, "suffix", "block", note=note, spelling=comment)
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
    spelling = "; ".join(part for part in (form, entry.spelling, comment) if part)
    return entry._replace(spelling=spelling, note="" if spelling else setting)


def _url(line: int | str, word: str) -> Entry:
    try:
        address = hostnames.to_address(word)
    except hostnames.BadName as error:
        return fault(line, str(error), word)
    return Entry(line, address.href, "url_prefix", "block", note="URL in a domain list")
