"""CSV tables with a column of domains or URLs and a column of labels, under known names.

Samples of UT1 and of the Blocklist Project come like this, and so may anybody's own list with
a column ``canonical_code``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from corpora import hostnames
from corpora.import_entry import SHOWN, Entry, address_entry, fault, host_entry
from corpora.read_list import LIST_IMPORTERS
from corpora.source import Refused, Source

VALUES = ("value", "domain", "url")
"""What the column of values may be called."""

LABELS = {"ut1_category": "ut1", "blp_list": "blocklistproject", "canonical_code": ""}
"""What the column of labels may be called, and the scheme its labels belong to."""


class _Table(NamedTuple):
    """Which columns matter, and the scheme of the labels; empty for our own codes."""

    value: int
    label: int
    scheme: str
    width: int


@LIST_IMPORTERS.register("labelled")
def read_labelled(source: Source) -> Iterator[Entry]:
    """Entries of a table; a domain stands for all below it, too."""
    records = source.records()
    header = next(records, None)
    table = _table(header.cells if header else [])
    for record in records:
        line = source.place(record.first)
        if len(record.cells) == table.width:
            value, label = record.cells[table.value].strip(), record.cells[table.label].strip()
            yield _labelled(source, _entry(line, value), label, table.scheme)
        else:
            found = f"{len(record.cells)} cells instead of {table.width}"
            yield fault(line, found, ",".join(record.cells)[:SHOWN])


def _table(header: list[str]) -> _Table:
    value = next((name for name in VALUES if name in header), None)
    label = next((name for name in LABELS if name in header), None)
    if value is None or label is None:
        raise Refused(f"no column of {'/'.join(VALUES)}, or none of {'/'.join(LABELS)}")
    return _Table(header.index(value), header.index(label), LABELS[label], len(header))


def _entry(line: int | str, value: str) -> Entry:
    address = address_entry(line, value, "label")
    if address is not None:
        return address
    if "://" not in value:
        return host_entry(line, value, "suffix", "label")
    try:
        return Entry(line, hostnames.to_address(value).href, "url", "label")
    except hostnames.BadName as error:
        return fault(line, str(error), value)


def _labelled(source: Source, entry: Entry, label: str, scheme: str) -> Entry:
    if entry.status != "ok":
        return entry
    code = source.translate(scheme, label) if scheme else source.own_code(label)
    return (
        entry._replace(target=code)
        if code
        else entry._replace(status="error", note="unknown category")
    )
