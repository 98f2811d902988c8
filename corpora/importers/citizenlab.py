"""Citizen Lab test lists: CSV with a URL and a category code.

See https://github.com/citizenlab/test-lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from corpora import hostnames
from corpora.import_entry import SHOWN, Entry, fault
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Record, Refused, Source

HEADER = ["url", "category_code", "category_description", "date_added", "source", "notes"]
SCHEME = "citizenlab"
_URL, _CODE, _DATE = 0, 1, 3


class _Listed(NamedTuple):
    """What a URL was listed as before."""

    line: int
    host: str
    code: str


@LIST_IMPORTERS.register("citizenlab")
def read_citizenlab(source: Source) -> Iterator[Entry]:
    """Entries of a test list. One address listed under two codes is a conflict."""
    records = source.records()
    header = next(records, None)
    if header is None or header.cells != HEADER:
        raise Refused(f"the header is not {','.join(HEADER)}")
    listed: dict[str, _Listed] = {}
    for record in records:
        if len(record.cells) == len(HEADER):
            yield _entry(source, record, listed)
        else:
            found = f"{len(record.cells)} cells instead of {len(HEADER)}"
            yield fault(source.place(record.first), found, ",".join(record.cells)[:SHOWN])


def _entry(source: Source, record: Record, listed: dict[str, _Listed]) -> Entry:
    line, cells = source.place(record.first), record.cells
    try:
        address = hostnames.to_address(cells[_URL].strip())
    except hostnames.BadName as error:
        return fault(line, str(error), cells[_URL])
    code = source.translate(SCHEME, cells[_CODE])
    wrong = [] if code else ["unknown code"]
    if not _is_date(cells[_DATE]):
        wrong.append("bad date")
    if wrong:
        note = "; ".join(wrong)
        return Entry(line, address.href, "url", "label", code, "error", note)
    bare = address.host.removeprefix("www.")
    before = listed.setdefault(
        bare + address.href.partition(address.host)[2], _Listed(record.first, address.host, code)
    )
    note = record.note
    if before.line == record.first or (before.host == address.host and before.code == code):
        return Entry(line, address.href, "url", "label", code, "ok", note)
    same = "same URL" if before.host == address.host else "same host"
    note = f"{same} as record {before.line}"
    if before.host != address.host:
        note += " without www" if address.host == bare else " with www"
    if before.code == code:
        return Entry(line, address.href, "url", "label", code, "duplicate", note)
    return Entry(line, address.href, "url", "label", code, "conflict", f"{note}, other code")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
