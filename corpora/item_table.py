"""Read the item table of a pack (``items.csv``) row by row, and check every cell.

The columns are those of ``data/items.tableschema.json``. The column ``expected`` is part of
the format but is not read: a corpus holds no expectation (docs/design/dd-002). ``FaultList``
collects what is wrong, ``CHECKS`` and ``VALUES`` say what each cell must be.
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
from corpora.sealed_rows import NOT_SHOWN, row_check, sealed_faults
from corpora.taxonomy import Taxonomy
from harness.errors import Fault, FaultyDocument, known
from harness.model.campaign import PHASES
from harness.model.content_form import is_known
from harness.model.corpus import SEALED, Item, ItemKind, Layer, Sensitivity
from harness.untrusted.regular_file import open_regular

FAULT_LIMIT = 50
"""How many faults are listed one by one."""


class FaultList:
    """The faults of a file. Its length is their number, although only the first are kept."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._kept: list[Fault] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, line: int | None, key: str, problem: str, remedy: str = "") -> None:
        """Add a fault; ``remedy`` says what is valid instead."""
        self._count += 1
        if self._count <= FAULT_LIMIT:
            self._kept.append(self._fault(line, key, problem, remedy))

    def error(self) -> FaultyDocument:
        """The error that lists the faults."""
        more = self._count - len(self._kept)
        last = [self._fault(None, "", f"and {more} more", "")] if more else []
        return FaultyDocument((*self._kept, *last))

    def _fault(self, line: int | None, key: str, problem: str, remedy: str) -> Fault:
        return Fault(where=self.where, line=line, key=key, found=problem, known=remedy)


CellCheck = Callable[[str], object]
"""Checks a cell that is not empty; the result is truthy if the cell is valid."""


def _one_of(allowed: Sequence[str]) -> tuple[CellCheck, str]:
    return frozenset(allowed).__contains__, known(allowed)


def _matching(pattern: str, wanted: str) -> tuple[CellCheck, str]:
    return re.compile(pattern).fullmatch, wanted


def _in_range(low: float, high: float, wanted: str) -> tuple[CellCheck, str]:
    def is_valid(text: str) -> bool:
        try:
            number = float(text)
        except ValueError:
            return False
        return math.isfinite(number) and low <= number <= high

    return is_valid, wanted


def is_date(text: str) -> bool:
    """Whether this is a calendar day, ISO 8601."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


CHECKS: dict[str, tuple[CellCheck, str]] = {
    "id": _matching(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", "letters, digits and . _ : -"),
    "value_hmac": _matching(
        r"hmac-sha256:[A-Za-z0-9._-]{1,64}:[0-9a-f]{64}", "hmac-sha256:<key id>:<64 hex digits>"
    ),
    "kind": _one_of(get_args(ItemKind)),
    "label_confidence": _in_range(0, 1, "a number from 0 to 1"),
    "phases": (lambda text: text == "*" or set(text.split("|")) <= set(PHASES), known(PHASES)),
    "applies_to": _one_of(get_args(Layer)),
    "stratum": (is_known, "a case that this version of Accredit can try (see docs/reference)"),
    "weight": _in_range(math.ulp(0), 1e12, "a positive number"),
    "lang": _matching(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", "a BCP 47 tag such as en-GB"),
    "country": _matching(r"[A-Z]{2}", "an ISO 3166 code such as GB"),
    "first_seen": (is_date, "a date such as 2026-11-24"),
    "last_verified": (is_date, "a date such as 2026-11-24"),
    "verify_status": _one_of(("alive", "dead", "parked", "moved", "changed", "unchecked")),
    "content_hash": _matching(r"(sha256:)?[0-9a-f]{64}", "a SHA-256 in hexadecimal digits"),
    "sensitivity": _one_of(get_args(Sensitivity)),
}
"""The check of each column for cells that are not empty, and the valid values in words."""


def _is_url(text: str) -> bool:
    try:
        hostnames.to_address(text)
    except hostnames.BadName:
        return False
    return True


VALUES: dict[str, tuple[CellCheck, str]] = {
    "url": (_is_url, "an http or https URL without blanks"),
    "host": (lambda text: hostnames.is_host(text.lower()), "a host name in ASCII"),
    "suffix": (lambda text: hostnames.is_host(text.lower()), "a host name in ASCII"),
    "ip": (hostnames.is_address, "an IPv4 or IPv6 address"),
    "cidr": (hostnames.is_network, "a network such as 192.0.2.0/24"),
}
"""The check of values of each kind, and the valid values in words; other kinds need none."""


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
"""Sensitivities whose cells messages may show. Messages show nothing of an S4 row,
or of a row of a sealed list."""


class TableEntry(NamedTuple):
    """An item with the line it starts on and its note."""

    line: int
    item: Item
    note: str


_ITEM_COLUMNS = (
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
"""The columns that make an item, in the order in which ``_item`` reads them."""


class ItemTable:
    """Reads the rows of one ``items.csv`` and adds what is wrong to ``faults``."""

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        self.path = path
        self.taxonomy = taxonomy
        self.faults = FaultList(str(path))
        self.rows = 0
        self._labels: dict[str, tuple[str, ...]] = {}
        self._phases: dict[str, tuple[str, ...]] = {"": ("*",)}

    def entries(self, start: int = 0) -> Iterator[TableEntry]:
        """The valid rows in order, from row ``start`` (0 is the first).

        Raises FaultyDocument if the file is not an item table.
        """
        self.rows = 0
        with open_regular(self.path) as stream:
            reader = csv.reader(self._lines(stream), strict=True)
            try:
                header = next(reader, [])
                self._check_header(header)
                yield from self._rows(reader, header, start)
            except csv.Error as error:
                raise self._error_at(reader.line_num, f"not CSV: {error}") from None

    def cells(self) -> Iterator[tuple[str, ...]]:
        """The unchecked cells of each row, in the order of ``COLUMNS``.

        Raises FaultyDocument if the file is not an item table, or a row has another width.
        """
        with open_regular(self.path) as stream:
            reader = csv.reader(self._lines(stream), strict=True)
            try:
                header = next(reader, [])
                self._check_header(header)
                width = len(header)
                index = [header.index(name) if name in header else width for name in COLUMNS]
                item_cells = itemgetter(*index)
                for cells in reader:
                    if len(cells) != width:
                        problem = f"{len(cells)} cells, the header has {width}"
                        raise self._error_at(reader.line_num, problem)
                    cells.append("")  # the cell of columns that the table lacks
                    yield item_cells(cells)
            except csv.Error as error:
                raise self._error_at(reader.line_num, f"not CSV: {error}") from None

    def _rows(self, reader: Any, header: list[str], start: int) -> Iterator[TableEntry]:
        width = len(header)
        index = {name: header.index(name) if name in header else width for name in COLUMNS}
        item_cells = itemgetter(*(index[name] for name in _ITEM_COLUMNS))
        checks = [(index[name], check) for name, (check, _) in CHECKS.items() if name in header]
        is_sealed_row = row_check(index)
        self.rows = sum(1 for _ in islice(reader, start))
        line = reader.line_num + 1
        for cells in reader:
            self.rows += 1
            if len(cells) != width:
                self.faults.add(line, "", f"{len(cells)} cells", f"the header has {width}")
            else:
                cells.append("")  # the cell of columns that the table lacks
                is_sound = all(check(cells[at]) for at, check in checks if cells[at])
                if is_sound and cells[index["kind"]] == SEALED:
                    is_sound = is_sealed_row(cells)
                item = self._item(item_cells(cells)) if is_sound else None
                if item is not None:
                    yield TableEntry(line, item, cells[index["notes"]])
                else:
                    self._add_faults(line, dict(zip(header, cells, strict=False)))
            line = reader.line_num + 1

    def _lines(self, stream: BinaryIO) -> Iterator[str]:
        number, encoding = 0, "utf-8-sig"
        while raw := stream.readline(LINE_LIMIT + 1):
            number += 1
            if len(raw) > LINE_LIMIT:
                raise self._error_at(number, f"the line is longer than {LINE_LIMIT} bytes")
            if b"\0" in raw:
                raise self._error_at(number, "the line holds a NUL byte")
            try:
                yield raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise self._error_at(
                    number, f"not UTF-8 at byte {error.start} of the line"
                ) from None
            encoding = "utf-8"

    def _check_header(self, header: list[str]) -> None:
        unknown = [name for name in header if name not in COLUMNS]
        missing = [name for name in REQUIRED if name not in header]
        repeated = sorted({name for name in header if header.count(name) > 1})
        for name in unknown:
            self.faults.add(1, repr(name[:40]), "unknown column", known(COLUMNS))
        for name in missing:
            self.faults.add(1, name, "missing column", "add it")
        for name in repeated:
            self.faults.add(1, name, "the column appears twice", "keep one")
        if unknown or missing or repeated:
            raise self.faults.error()

    def _item(self, item_cells: tuple[str, ...]) -> Item | None:
        """The item of a row of valid cells; None if they contradict each other."""
        identity, value, digest, kind, registrable, labels, layer, phases = item_cells[:8]
        pair, stratum, weight, lang, country, sensitivity, _ = item_cells[8:]
        check = VALUES.get(kind)
        is_wrong = not identity or not kind or bool(value) == bool(digest)
        is_wrong = is_wrong or (sensitivity == "S4" and bool(value) and kind != SEALED)
        codes = self._labels.get(labels) or self._codes(labels)
        if is_wrong or not codes or (value and check is not None and not check[0](value)):
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
        """The labels of a cell, as one shared tuple; empty if they are wrong."""
        codes = tuple(text.split("|"))
        if len(set(codes)) != len(codes) or not all(code in self.taxonomy for code in codes):
            return ()
        return self._labels.setdefault(text, codes)

    def _phases_of(self, text: str) -> tuple[str, ...]:
        return self._phases.setdefault(text, tuple(text.split("|")))

    def _add_faults(self, line: int, cells: dict[str, str]) -> None:
        """Add all faults of a row."""
        is_sealed = cells["kind"] == SEALED
        is_open = cells.get("sensitivity", "") in _OPEN and not is_sealed
        for column, text in cells.items():
            if text and column in CHECKS and not CHECKS[column][0](text):
                shown = repr(text[:60]) if is_open else NOT_SHOWN
                self.faults.add(line, column, shown, CHECKS[column][1])
        labels = cells["labels"].split("|")
        for label in labels:
            if label not in self.taxonomy:
                problem = f"{label[:40]!r} is not a category" if is_open else NOT_SHOWN
                self.faults.add(line, "labels", problem, "see the codes in taxonomy.csv")
        if len(set(labels)) != len(labels):
            self.faults.add(line, "labels", "a label appears twice", "keep one")
        if is_sealed:
            for column, problem, remedy in sealed_faults(cells):
                self.faults.add(line, column, problem, remedy)
        else:
            self._add_value_faults(line, cells, is_open=is_open)

    def _add_value_faults(self, line: int, cells: dict[str, str], *, is_open: bool) -> None:
        value, digest, kind = cells["value"], cells.get("value_hmac", ""), cells["kind"]
        if not cells["id"]:
            self.faults.add(line, "id", "is empty", "give each item a unique id")
        if not kind:
            self.faults.add(line, "kind", "is empty", CHECKS["kind"][1])
        if cells.get("sensitivity") == "S4" and value:
            self.faults.add(
                line, "value", "an S4 item has its value in plain text", "keep value_hmac only"
            )
        elif bool(value) == bool(digest):
            problem = "both value and value_hmac are empty" if not value else "both are given"
            self.faults.add(line, "value", problem, "give one of value and value_hmac")
        elif value and kind in VALUES and not VALUES[kind][0](value):
            shown = repr(value[:60]) if is_open else NOT_SHOWN
            self.faults.add(line, "value", shown, VALUES[kind][1])
        elif value and (refused := why_refused(kind, value)):
            shown = f"{value[:60]!r}: {refused}" if is_open else refused
            self.faults.add(line, "value", shown, "public addresses and names")

    def _error_at(self, line: int, problem: str) -> FaultyDocument:
        self.faults.add(line, "", problem)
        return self.faults.error()
