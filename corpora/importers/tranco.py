"""Ranked lists in the shape of Tranco's: ``rank,domain`` (https://tranco-list.eu)."""

from __future__ import annotations

from collections.abc import Iterator

from corpora.import_entry import Entry, fault, host_entry
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Source

_CELLS = 2
_RANK_DIGITS = 12


@LIST_IMPORTERS.register("tranco")
def read_ranks(source: Source) -> Iterator[Entry]:
    """Entries of a ranked list; ranks must grow."""
    last = 0
    for record in source.records():
        line = source.place(record.first)
        if len(record.cells) != _CELLS:
            yield fault(line, "not rank,domain", ",".join(record.cells))
            continue
        rank, domain = (cell.strip() for cell in record.cells)
        if not domain:
            yield fault(line, "empty domain")
        elif not (rank.isascii() and rank.isdigit() and len(rank) <= _RANK_DIGITS):
            yield fault(line, "rank not a number", domain)
        else:
            entry = host_entry(line, domain, "suffix", "rank", str(int(rank)))
            if entry.status == "ok" and int(rank) <= last:
                entry = entry._replace(status="error", note="rank not increasing")
            last = max(last, int(rank))
            yield entry
