"""The item table of a pack: ``items.csv``, read one row at a time and never believed.

The columns are those of ``data/items.tableschema.json``. The column ``expected`` is part of
the format and is not read: a corpus never holds an expectation (docs/design/dd-002).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec

from corpora import hostnames
from corpora.column_checks import CHECKS, VALUES
from corpora.refused_values import why_refused
from corpora.taxonomy import Taxonomy
from corpora.validation_errors import FaultList
from harness.errors import FaultyDocument, known
from harness.model.corpus import Item, ItemKind, Layer, Sensitivity
from harness.untrusted.regular_file import open_regular

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


class Entry(NamedTuple):
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

    def entries(self, start: int = 0) -> Iterator[Entry]:
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

    def _rows(self, reader: Any, header: list[str], start: int) -> Iterator[Entry]:
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
                    yield Entry(line, item, cells[place["notes"]])
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
