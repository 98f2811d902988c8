"""Squid ``dstdomain`` lists: ``.name`` stands for a name and all below it, ``name`` for itself."""

from __future__ import annotations

from collections.abc import Iterator

from corpora.import_entry import Entry, address_entry, host_entry
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source


@LIST_IMPORTERS.register("squid")
def read_squid(source: Source) -> Iterator[Entry]:
    """Entries of a dstdomain file."""
    for number, text in source.lines():
        for word in text.partition("#")[0].split():
            place = source.place(number)
            match = "suffix" if word.startswith(".") else "exact"
            yield address_entry(place, word) or host_entry(place, word.removeprefix("."), match)
