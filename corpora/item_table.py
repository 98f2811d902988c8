"""The item table of a pack: ``items.csv``, read one row at a time and never believed.

The columns are those of ``data/items.tableschema.json``. The column ``expected`` is part of
the format and is not read: a corpus never holds an expectation (docs/design/dd-002).
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast, get_args

import msgspec

from corpora import names
from corpora.faults import FaultList
from corpora.taxonomy import Taxonomy
from harness.errors import FaultyDocument, known
from harness.model.campaign import PHASES
from harness.model.corpus import Item, ItemKind, Layer, Sensitivity

COLUMNS = (
    "id",
    "value",
    "value_hmac",
    "kind",
    "registrable",
    "labels",
    "label_source",
    "label_confidence",
    "expected",
    "phases",
    "applies_to",
    "pair_id",
    "stratum",
    "weight",
    "lang",
    "country",
    "first_seen",
    "last_verified",
    "verify_status",
    "content_hash",
    "sensitivity",
    "licence",
    "notes",
)
REQUIRED = ("id", "value", "kind", "labels")
LINE_LIMIT = 64 * 1024
"""No line of an item table is longer than this many bytes."""

_OPEN = ("", "S0", "S1", "S2", "S3")
"""Sensitivities whose cells may be shown in a message; of an S4 row nothing is ever shown."""

Says = Callable[[str], object]


class Entry(NamedTuple):
    """An item, the line it starts on, and its note."""

    line: int
    item: Item
    note: str


def _is_among(allowed: Sequence[str]) -> tuple[Says, str]:
    return frozenset(allowed).__contains__, known(allowed)


def _is_like(pattern: str, wanted: str) -> tuple[Says, str]:
    return re.compile(pattern).fullmatch, wanted


def _is_between(low: float, high: float, wanted: str) -> tuple[Says, str]:
    def says(text: str) -> bool:
        try:
            number = float(text)
        except ValueError:
            return False
        return math.isfinite(number) and low <= number <= high

    return says, wanted


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


CHECKS: dict[str, tuple[Says, str]] = {
    "id": _is_like(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", "letters, digits and . _ : -"),
    "value_hmac": _is_like(
        r"hmac-sha256:[A-Za-z0-9._-]{1,64}:[0-9a-f]{64}", "hmac-sha256:<key id>:<64 hex digits>"
    ),
    "kind": _is_among(get_args(ItemKind)),
    "label_confidence": _is_between(0, 1, "a number from 0 to 1"),
    "phases": (lambda text: text == "*" or set(text.split("|")) <= set(PHASES), known(PHASES)),
    "applies_to": _is_among(get_args(Layer)),
    "weight": _is_between(math.ulp(0), 1e12, "a positive number"),
    "lang": _is_like(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", "a BCP 47 tag such as en-GB"),
    "country": _is_like(r"[A-Z]{2}", "an ISO 3166 code such as GB"),
    "first_seen": (_is_date, "a date such as 2026-11-24"),
    "last_verified": (_is_date, "a date such as 2026-11-24"),
    "verify_status": _is_among(("alive", "dead", "parked", "moved", "changed", "unchecked")),
    "content_hash": _is_like(r"(sha256:)?[0-9a-f]{64}", "a SHA-256 in hexadecimal digits"),
    "sensitivity": _is_among(get_args(Sensitivity)),
}
"""What a cell that is not empty must be, column by column, and how to say so."""


def _is_url(text: str) -> bool:
    try:
        names.to_address(text)
    except names.BadName:
        return False
    return True


VALUES: dict[str, tuple[Says, str]] = {
    "url": (_is_url, "an http or https URL"),
    "host": (lambda text: names.is_host(text.lower()), "a host name in ASCII"),
    "suffix": (lambda text: names.is_host(text.lower()), "a host name in ASCII"),
    "ip": (names.is_address, "an IPv4 or IPv6 address"),
    "cidr": (names.is_network, "a network such as 192.0.2.0/24"),
}
"""What a value must be, kind by kind; a recipe or vector is a name of our own."""


class ItemTable:
    """Reads the rows of one ``items.csv``; what is wrong is added to ``faults``."""

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        self.path = path
        self.taxonomy = taxonomy
        self.faults = FaultList(str(path))
        self.rows = 0

    def entries(self) -> Iterator[Entry]:
        """The good rows in order. Raises FaultyDocument if the file is no such table."""
        self.rows = 0
        with self.path.open("rb") as stream:
            reader = csv.reader(self._lines(stream), strict=True)
            try:
                header = next(reader, [])
                self._check_header(header)
                line = reader.line_num + 1
                for cells in reader:
                    self.rows += 1
                    if len(cells) == len(header):
                        yield from self._entry(line, dict(zip(header, cells, strict=True)))
                    else:
                        found = f"{len(cells)} cells"
                        self.faults.add(line, "", found, f"the header has {len(header)}")
                    line = reader.line_num + 1
            except csv.Error as error:
                raise self._fatal(reader.line_num, f"not CSV: {error}") from None

    def _lines(self, stream: BinaryIO) -> Iterator[str]:
        number, encoding = 0, "utf-8-sig"
        while raw := stream.readline(LINE_LIMIT + 1):
            number += 1
            if len(raw) > LINE_LIMIT:
                raise self._fatal(number, f"the line is longer than {LINE_LIMIT} bytes")
            if b"\0" in raw:
                raise self._fatal(number, "the line holds a NUL byte")
            try:
                yield raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise self._fatal(number, f"not UTF-8 at byte {error.start} of the line") from None
            encoding = "utf-8"

    def _check_header(self, header: list[str]) -> None:
        unknown = [name for name in header if name not in COLUMNS]
        missing = [name for name in REQUIRED if name not in header]
        double = sorted({name for name in header if header.count(name) > 1})
        for name in unknown:
            self.faults.add(1, repr(name[:40]), "this column is not known", known(COLUMNS))
        for name in missing:
            self.faults.add(1, name, "this column is missing", "add it")
        for name in double:
            self.faults.add(1, name, "this column is there twice", "keep one")
        if unknown or missing or double:
            raise self.faults.error()

    def _entry(self, line: int, cells: dict[str, str]) -> Iterator[Entry]:
        wrong = len(self.faults)
        get = cells.get
        is_open = get("sensitivity", "") in _OPEN
        for column, text in cells.items():
            if text and column in CHECKS and not CHECKS[column][0](text):
                shown = repr(text[:60]) if is_open else "a wrong cell, not shown"
                self.faults.add(line, column, shown, CHECKS[column][1])
        labels = tuple(get("labels", "").split("|"))
        self._check_labels(line, labels)
        self._check_value(line, cells, is_open=is_open)
        if wrong == len(self.faults):
            yield Entry(line, _item(cells, labels), get("notes", ""))

    def _check_labels(self, line: int, labels: tuple[str, ...]) -> None:
        for label in labels:
            if label not in self.taxonomy:
                found = f"{label[:40]!r} is no category"
                self.faults.add(line, "labels", found, "see the codes in taxonomy.csv")
        if len(set(labels)) != len(labels):
            self.faults.add(line, "labels", "a label is there twice", "keep one")

    def _check_value(self, line: int, cells: dict[str, str], *, is_open: bool) -> None:
        value, digest, kind = cells["value"], cells.get("value_hmac", ""), cells["kind"]
        if not cells["id"]:
            self.faults.add(line, "id", "is empty", "give each item an id of its own")
        if not kind:
            self.faults.add(line, "kind", "is empty", CHECKS["kind"][1])
        if cells.get("sensitivity") == "S4" and value:
            self.faults.add(
                line, "value", "an S4 item holds its value in plain", "keep value_hmac only"
            )
        elif bool(value) == bool(digest):
            found = "there is neither a value nor a value_hmac" if not value else "both are there"
            self.faults.add(line, "value", found, "one of value and value_hmac")
        elif value and kind in VALUES and not VALUES[kind][0](value):
            shown = repr(value[:60]) if is_open else "a wrong cell, not shown"
            self.faults.add(line, "value", shown, VALUES[kind][1])

    def _fatal(self, line: int, found: str) -> FaultyDocument:
        self.faults.add(line, "", found)
        return self.faults.error()


def _item(cells: dict[str, str], labels: tuple[str, ...]) -> Item:
    get = cells.get
    item = Item(
        id=cells["id"],
        value=cells["value"],
        labels=labels,
        kind=cast("ItemKind", cells["kind"]),
        value_hmac=get("value_hmac", ""),
        registrable=get("registrable", ""),
        applies_to=cast("Layer", get("applies_to") or "any"),
        phases=tuple((get("phases") or "*").split("|")),
        pair_id=get("pair_id", ""),
        stratum=get("stratum", ""),
        weight=float(get("weight") or 1),
        lang=get("lang", ""),
        country=get("country", ""),
        sensitivity=cast("Sensitivity", get("sensitivity") or "S0"),
    )
    if item.registrable or item.kind not in ("url", "host", "suffix") or not item.value:
        return item
    return msgspec.structs.replace(item, registrable=names.registrable(item.host))
