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
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast, get_args

import msgspec

from corpora import hostnames
from corpora.hostnames import why_refused
from corpora.taxonomy import Taxonomy
from harness.errors import Fault, FaultyDocument, known
from harness.model.campaign import PHASES
from harness.model.corpus import Item, ItemKind, Layer, Sensitivity
from harness.untrusted.regular_file import open_regular

LIMIT = 50
"""So many faults are told one by one."""


class FaultList:
    """The faults of a file. Its size is their number, not how many are kept."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._kept: list[Fault] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, line: int | None, key: str, found: str, remedy: str = "") -> None:
        """Note a fault; ``remedy`` says what is known instead."""
        self._count += 1
        if self._count <= LIMIT:
            self._kept.append(self._fault(line, key, found, remedy))

    def error(self) -> FaultyDocument:
        """The error that tells them."""
        more = self._count - len(self._kept)
        last = [self._fault(None, "", f"and {more} more", "")] if more else []
        return FaultyDocument((*self._kept, *last))

    def _fault(self, line: int | None, key: str, found: str, remedy: str) -> Fault:
        return Fault(where=self.where, line=line, key=key, found=found, known=remedy)


Says = Callable[[str], object]
"""Whether a cell that is not empty is right: true or false in the wide sense."""


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
        hostnames.to_address(text)
    except hostnames.BadName:
        return False
    return True


VALUES: dict[str, tuple[Says, str]] = {
    "url": (_is_url, "an http or https URL without blanks"),
    "host": (lambda text: hostnames.is_host(text.lower()), "a host name in ASCII"),
    "suffix": (lambda text: hostnames.is_host(text.lower()), "a host name in ASCII"),
    "ip": (hostnames.is_address, "an IPv4 or IPv6 address"),
    "cidr": (hostnames.is_network, "a network such as 192.0.2.0/24"),
}
"""What a value must be, kind by kind; a recipe or vector is a name of our own."""


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

_HIDDEN = "a wrong cell, not shown"


class TableEntry(NamedTuple):
    """An item, the line it starts on, and its note."""

    line: int
    item: Item
    note: str


_PICKED = (
    "id",
    "value",
    "value_hmac",
    "kind",
    "registrable",
    "labels",
    "applies_to",
    "phases",
    "pair_id",
    "stratum",
    "weight",
    "lang",
    "country",
    "sensitivity",
    "notes",
)
"""The columns that make an item, in the order in which ``_item`` takes them apart."""


class ItemTable:
    """Reads the rows of one ``items.csv``; what is wrong is added to ``faults``."""

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        self.path = path
        self.taxonomy = taxonomy
        self.faults = FaultList(str(path))
        self.rows = 0
        self._labels: dict[str, tuple[str, ...]] = {}
        self._phases: dict[str, tuple[str, ...]] = {"": ("*",)}

    def entries(self, start: int = 0) -> Iterator[TableEntry]:
        """The good rows in order, from row ``start`` on (0 is the first); those before are skipped.

        Raises FaultyDocument if the file is no such table.
        """
        self.rows = 0
        with open_regular(self.path) as stream:
            reader = csv.reader(self._lines(stream), strict=True)
            try:
                header = next(reader, [])
                self._check_header(header)
                yield from self._rows(reader, header, start)
            except csv.Error as error:
                raise self._fatal(reader.line_num, f"not CSV: {error}") from None

    def cells(self) -> Iterator[tuple[str, ...]]:
        """The cells of each row in the order of ``COLUMNS``, as they are: nobody checked them.

        Raises FaultyDocument if the file is no such table, or a row has another width.
        """
        with open_regular(self.path) as stream:
            reader = csv.reader(self._lines(stream), strict=True)
            try:
                header = next(reader, [])
                self._check_header(header)
                width = len(header)
                place = [header.index(name) if name in header else width for name in COLUMNS]
                picked = itemgetter(*place)
                for cells in reader:
                    if len(cells) != width:
                        found = f"{len(cells)} cells, the header has {width}"
                        raise self._fatal(reader.line_num, found)
                    cells.append("")  # what a column holds that is not there
                    yield picked(cells)
            except csv.Error as error:
                raise self._fatal(reader.line_num, f"not CSV: {error}") from None

    def _rows(self, reader: Any, header: list[str], start: int) -> Iterator[TableEntry]:
        width = len(header)
        place = {name: header.index(name) if name in header else width for name in COLUMNS}
        picked = itemgetter(*(place[name] for name in _PICKED))
        checks = [(place[name], says) for name, (says, _) in CHECKS.items() if name in header]
        self.rows = sum(1 for _ in islice(reader, start))
        line = reader.line_num + 1
        for cells in reader:
            self.rows += 1
            if len(cells) != width:
                self.faults.add(line, "", f"{len(cells)} cells", f"the header has {width}")
            else:
                cells.append("")  # what a column holds that is not there
                is_sound = all(says(cells[at]) for at, says in checks if cells[at])
                item = self._item(picked(cells)) if is_sound else None
                if item is not None:
                    yield TableEntry(line, item, cells[place["notes"]])
                else:
                    self._tell(line, dict(zip(header, cells, strict=False)))
            line = reader.line_num + 1

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

    def _item(self, picked: tuple[str, ...]) -> Item | None:
        """The item of a row whose cells are sound; None if they do not suit each other."""
        identity, value, digest, kind, registrable, labels, layer, phases = picked[:8]
        pair, stratum, weight, lang, country, sensitivity, _ = picked[8:]
        says = VALUES.get(kind)
        is_wrong = not identity or not kind or bool(value) == bool(digest)
        is_wrong = is_wrong or (sensitivity == "S4" and bool(value))
        codes = self._labels.get(labels) or self._codes(labels)
        if is_wrong or not codes or (value and says is not None and not says[0](value)):
            return None
        if value and why_refused(kind, value):
            return None
        item = Item(
            id=identity,
            value=value,
            labels=codes,
            kind=cast("ItemKind", kind),
            value_hmac=digest,
            registrable=registrable,
            applies_to=cast("Layer", layer or "any"),
            phases=self._phases.get(phases) or self._phases_of(phases),
            pair_id=pair,
            stratum=stratum,
            weight=float(weight) if weight else 1.0,
            lang=lang,
            country=country,
            sensitivity=cast("Sensitivity", sensitivity or "S0"),
        )
        if registrable or not value or kind not in ("url", "host", "suffix"):
            return item
        return msgspec.structs.replace(item, registrable=hostnames.registrable(item.host))

    def _codes(self, text: str) -> tuple[str, ...]:
        """The labels of a cell, one tuple for all rows with the same; empty if they are wrong."""
        codes = tuple(text.split("|"))
        if len(set(codes)) != len(codes) or not all(code in self.taxonomy for code in codes):
            return ()
        return self._labels.setdefault(text, codes)

    def _phases_of(self, text: str) -> tuple[str, ...]:
        return self._phases.setdefault(text, tuple(text.split("|")))

    def _tell(self, line: int, cells: dict[str, str]) -> None:
        """Add all that is wrong with a row."""
        is_open = cells.get("sensitivity", "") in _OPEN
        for column, text in cells.items():
            if text and column in CHECKS and not CHECKS[column][0](text):
                shown = repr(text[:60]) if is_open else _HIDDEN
                self.faults.add(line, column, shown, CHECKS[column][1])
        labels = cells["labels"].split("|")
        for label in labels:
            if label not in self.taxonomy:
                found = f"{label[:40]!r} is no category" if is_open else _HIDDEN
                self.faults.add(line, "labels", found, "see the codes in taxonomy.csv")
        if len(set(labels)) != len(labels):
            self.faults.add(line, "labels", "a label is there twice", "keep one")
        self._tell_value(line, cells, is_open=is_open)

    def _tell_value(self, line: int, cells: dict[str, str], *, is_open: bool) -> None:
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
            shown = repr(value[:60]) if is_open else _HIDDEN
            self.faults.add(line, "value", shown, VALUES[kind][1])
        elif value and (refused := why_refused(kind, value)):
            shown = f"{value[:60]!r}: {refused}" if is_open else refused
            self.faults.add(line, "value", shown, "public addresses and names")

    def _fatal(self, line: int, found: str) -> FaultyDocument:
        self.faults.add(line, "", found)
        return self.faults.error()
