"""URLhaus database dumps (https://urlhaus.abuse.ch/api/): live malware, so counted only."""

from __future__ import annotations

from collections.abc import Iterator

from corpora import hostnames
from corpora.import_entry import Entry, fault
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Line, Source

CODE = "MALW.MAL"
_URL, _STATUS, _CELLS = 2, 3, 9


@LIST_IMPORTERS.register("urlhaus")
def read_urlhaus(source: Source) -> Iterator[Entry]:
    """Entries of a dump, all in quarantine: nothing of it may be probed."""
    for record in source.records(_rows(source)):
        line, cells = source.place(record.first), record.cells
        if len(cells) != _CELLS:
            yield fault(line, f"{len(cells)} cells instead of {_CELLS}")
            continue
        try:
            address = hostnames.to_address(cells[_URL])
        except hostnames.BadName as error:
            yield fault(line, str(error))
            continue
        is_online = cells[_STATUS] == "online"
        note = "online malware: never probed; count only" if is_online else cells[_STATUS]
        yield Entry(line, address.href, "url", "label", CODE, "quarantine", note)


def _rows(source: Source) -> Iterator[Line]:
    return (line for line in source.lines() if not line.text.startswith("#"))
