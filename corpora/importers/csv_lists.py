"""Import CSV lists: Citizen Lab, tables with a column of labels, URLhaus, OONI fingerprints.

See https://github.com/citizenlab/test-lists, https://urlhaus.abuse.ch/api/ and
https://github.com/ooni/blocking-fingerprints.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from corpora import hostnames
from corpora.importers import LIST_IMPORTERS
from corpora.item_table import is_date
from corpora.source import (
    SHOWN_CHARACTERS,
    ImportEntry,
    Line,
    ListRefused,
    Record,
    Source,
    address_entry,
    host_entry,
    rejected_entry,
)

HEADER = ["url", "category_code", "category_description", "date_added", "source", "notes"]
SCHEME = "citizenlab"
_URL, _CODE, _DATE = 0, 1, 3


class _Listed(NamedTuple):
    """An earlier record of a URL."""

    line: int
    host: str
    code: str


@LIST_IMPORTERS.register("citizenlab")
def read_citizenlab(source: Source) -> Iterator[ImportEntry]:
    """Entries of a Citizen Lab test list. An address listed under two codes is a conflict."""
    records = source.records()
    header = next(records, None)
    if header is None or header.cells != HEADER:
        raise ListRefused(f"the header is not {','.join(HEADER)}")
    listed: dict[str, _Listed] = {}
    for record in records:
        if len(record.cells) == len(HEADER):
            yield _entry(source, record, listed)
        else:
            problem = f"{len(record.cells)} cells instead of {len(HEADER)}"
            yield rejected_entry(
                source.line_label(record.first), problem, ",".join(record.cells)[:SHOWN_CHARACTERS]
            )


def _entry(source: Source, record: Record, listed: dict[str, _Listed]) -> ImportEntry:
    line, cells = source.line_label(record.first), record.cells
    try:
        address = hostnames.to_address(cells[_URL].strip())
    except hostnames.BadName as error:
        return rejected_entry(line, str(error), cells[_URL])
    code = source.translate(SCHEME, cells[_CODE])
    wrong = [] if code else ["unknown code"]
    if not is_date(cells[_DATE]):
        wrong.append("bad date")
    if wrong:
        note = "; ".join(wrong)
        return ImportEntry(line, address.href, "url", "label", code, "error", note)
    bare = address.host.removeprefix("www.")
    before = listed.setdefault(
        bare + address.href.partition(address.host)[2], _Listed(record.first, address.host, code)
    )
    note = record.note
    if before.line == record.first or (before.host == address.host and before.code == code):
        return ImportEntry(line, address.href, "url", "label", code, "ok", note)
    same = "same URL" if before.host == address.host else "same host"
    note = f"{same} as record {before.line}"
    if before.host != address.host:
        note += " without www" if address.host == bare else " with www"
    if before.code == code:
        return ImportEntry(line, address.href, "url", "label", code, "duplicate", note)
    return ImportEntry(line, address.href, "url", "label", code, "conflict", f"{note}, other code")


VALUES = ("value", "domain", "url")
"""Possible names of the column of values."""

LABELS = {"ut1_category": "ut1", "blp_list": "blocklistproject", "canonical_code": ""}
"""Possible names of the column of labels, and the scheme of those labels."""


class _Table(NamedTuple):
    """The columns of value and label, and the scheme of the labels (empty: our own codes)."""

    value: int
    label: int
    scheme: str
    width: int


@LIST_IMPORTERS.register("labelled")
def read_labelled(source: Source) -> Iterator[ImportEntry]:
    """Entries of a table with labels; a domain covers all names below it."""
    records = source.records()
    header = next(records, None)
    table = _table(header.cells if header else [])
    for record in records:
        line = source.line_label(record.first)
        if len(record.cells) == table.width:
            value, label = record.cells[table.value].strip(), record.cells[table.label].strip()
            yield _labelled(source, _labelled_entry(line, value), label, table.scheme)
        else:
            problem = f"{len(record.cells)} cells instead of {table.width}"
            yield rejected_entry(line, problem, ",".join(record.cells)[:SHOWN_CHARACTERS])


def _table(header: list[str]) -> _Table:
    value = next((name for name in VALUES if name in header), None)
    label = next((name for name in LABELS if name in header), None)
    if value is None or label is None:
        raise ListRefused(f"no column of {'/'.join(VALUES)}, or none of {'/'.join(LABELS)}")
    return _Table(header.index(value), header.index(label), LABELS[label], len(header))


def _labelled_entry(line: int | str, value: str) -> ImportEntry:
    address = address_entry(line, value, "label")
    if address is not None:
        return address
    if "://" not in value:
        return host_entry(line, value, "suffix", "label")
    try:
        return ImportEntry(line, hostnames.to_address(value).href, "url", "label")
    except hostnames.BadName as error:
        return rejected_entry(line, str(error), value)


def _labelled(source: Source, entry: ImportEntry, label: str, scheme: str) -> ImportEntry:
    if entry.status != "ok":
        return entry
    code = source.translate(scheme, label) if scheme else source.own_code(label)
    return (
        entry._replace(target=code)
        if code
        else entry._replace(status="error", note="unknown category")
    )


CODE = "MALW.MAL"
_URLHAUS_URL, _STATUS, _CELLS = 2, 3, 9


@LIST_IMPORTERS.register("urlhaus")
def read_urlhaus(source: Source) -> Iterator[ImportEntry]:
    """Entries of a URLhaus dump, all in quarantine: none may be probed."""
    for record in source.records(_rows(source)):
        line, cells = source.line_label(record.first), record.cells
        if len(cells) != _CELLS:
            yield rejected_entry(line, f"{len(cells)} cells instead of {_CELLS}")
            continue
        try:
            address = hostnames.to_address(cells[_URLHAUS_URL])
        except hostnames.BadName as error:
            yield rejected_entry(line, str(error))
            continue
        is_online = cells[_STATUS] == "online"
        note = "online malware: never probed; count only" if is_online else cells[_STATUS]
        yield ImportEntry(line, address.href, "url", "label", CODE, "quarantine", note)


def _rows(source: Source) -> Iterator[Line]:
    return (line for line in source.lines() if not line.text.startswith("#"))


NEEDED = ("name", "pattern_type", "pattern")
MATCHES = {"full": "exact", "prefix": "prefix", "contains": "contains", "regexp": "regex"}
_FALSE_POSITIVES = "confidence_no_fp"


@LIST_IMPORTERS.register("ooni_fingerprints")
def read_fingerprints(source: Source) -> Iterator[ImportEntry]:
    """Entries of ``fingerprints_http.csv`` or ``fingerprints_dns.csv``; no pattern is executed."""
    records = source.records()
    header = next(records, None)
    columns = header.cells if header else []
    if missing := [name for name in NEEDED if name not in columns]:
        raise ListRefused(f"no column {', '.join(missing)}")
    for record in records:
        line = source.line_label(record.first)
        if len(record.cells) != len(columns):
            problem = f"{len(record.cells)} cells instead of {len(columns)}"
            yield rejected_entry(line, problem, ",".join(record.cells)[:SHOWN_CHARACTERS])
            continue
        cells = dict(zip(columns, record.cells, strict=True))
        match = MATCHES.get(cells["pattern_type"])
        if not match or not cells["pattern"]:
            problem = "unknown pattern type" if cells["pattern"] else "no pattern"
            yield rejected_entry(line, problem, cells["pattern_type"])
        else:
            sure = cells.get(_FALSE_POSITIVES, "")
            note = "; ".join(
                part
                for part in (f"confidence {sure}" if sure else "", cells.get("scope", ""))
                if part
            )
            pattern = cells["pattern"].replace("\r", "\\r").replace("\n", "\\n")
            yield ImportEntry(
                line, pattern, match, "fingerprint", cells["name"][:SHOWN_CHARACTERS], note=note
            )
