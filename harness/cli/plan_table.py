"""Tables of plans as CSV (RFC 4180) or XLSX (ISO/IEC 29500): read, and written to be filled in."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.follow.planned_rows import COLUMNS, DATES, LONGEST_TEXT, PLACE, PlannedRow
from harness.untrusted.regular_file import read_bounded
from harness.untrusted.visible_text import cell_text, spreadsheet_cell, visible

MOST_BYTES = 4 * 1024 * 1024
"""The size of the largest table."""

MOST_UNPACKED = 16 * 1024 * 1024
"""The most bytes that an XLSX file may hold when it is unpacked."""

MOST_ROWS, MOST_COLUMNS = 5000, 64
"""The most rows of a table, and the columns of a sheet that are looked at."""

MOST_FAULTS = 50
"""How many faults of a table are printed."""

SEPARATORS = ",;\t"
"""What may separate the cells of a CSV file; the header decides."""

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
IDENTIFYING = ("plan", *PLACE)
"""The columns that a template fills in."""


class _Line(NamedTuple):
    """A row as it was read from a file: its number, and its cells as text, date or fault."""

    number: int
    cells: Sequence[str | date | _Refused]


class _Refused(NamedTuple):
    """A cell that cannot be read, and what to do."""

    found: str
    remedy: str


def read_table(path: Path) -> tuple[PlannedRow, ...]:
    """Return the rows of a table. Raises UsageError, FaultyDocument with every faulty cell."""
    readers = {".csv": _csv_lines, ".xlsx": _xlsx_lines}
    if path.suffix.lower() not in readers:
        msg = f"{path}: give a table whose name ends in {' or '.join(readers)}"
        raise UsageError(msg)
    try:
        content = read_bounded(path, MOST_BYTES)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    lines = [each for each in readers[path.suffix.lower()](path, content) if any(each.cells)]
    if not lines:
        msg = f"{path}: is empty; 'accredit plan import --template FILE' writes a table to fill in"
        raise UsageError(msg)
    if len(lines) > MOST_ROWS:
        msg = f"{path}: holds more than {MOST_ROWS} rows; divide it"
        raise UsageError(msg)
    header = _header(path, lines[0])
    faults: list[Fault] = []
    rows = [_row(path, header, line, faults) for line in lines[1:]]
    if faults:
        raise faulty_table(faults)
    return tuple(row for row in rows if row.cells)


def faulty_table(faults: Sequence[Fault]) -> FaultyDocument:
    """The error for a table with faults, which tells the first of them, and how many more."""
    left = len(faults) - MOST_FAULTS
    if left <= 0:
        return FaultyDocument(tuple(faults))
    last = faults[MOST_FAULTS]
    more = Fault(where=last.where, line=None, key="", found=f"{left} more faults", known="")
    return FaultyDocument((*faults[:MOST_FAULTS], more))


def template(plans: Sequence[Sequence[str]], path: Path) -> bytes:
    """Return an empty table as CSV or XLSX: a row for each plan, with its ``IDENTIFYING`` cells.

    No spreadsheet runs a cell as a formula. Raises UsageError for another ending of the name.
    """
    empty = [""] * (len(COLUMNS) - len(IDENTIFYING))
    rows = [list(COLUMNS), *([*map(spreadsheet_cell, plan), *empty] for plan in plans)]
    if path.suffix.lower() == ".csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        return text.getvalue().encode("utf-8-sig")  # with the mark, Excel reads it as UTF-8
    if path.suffix.lower() != ".xlsx":
        msg = f"{path}: give the table a name that ends in .csv or .xlsx"
        raise UsageError(msg)
    from openpyxl import Workbook  # noqa: PLC0415 - heavy, and only needed here

    book, file = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet("plans")
    for row in rows:
        sheet.append(row)
    book.save(file)
    return file.getvalue()


def _csv_lines(path: Path, content: bytes) -> Iterator[_Line]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _faulty(path, line, "", "is not UTF-8", "save the table as CSV UTF-8") from None
    first = text.lstrip("\r\n").partition("\n")[0]
    separator = max(SEPARATORS, key=lambda each: len(_known_in(first.split(each))))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        for cells in reader:
            yield _Line(number, [cell.strip() for cell in cells])
            number = reader.line_num + 1
    except csv.Error as error:
        raise _faulty(path, number, "", f"is no row of CSV: {error}", "quote its cells") from None


def _known_in(names: Sequence[str]) -> list[str]:
    plain = (name.strip().strip('"') for name in names)
    return [name for name in plain if _column(name) in COLUMNS]


def _xlsx_lines(path: Path, content: bytes) -> list[_Line]:
    """The rows of the first sheet. A formula is refused: its result may be an old one."""
    from openpyxl import load_workbook  # noqa: PLC0415 - heavy, and only needed here

    _require_small(path, content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and rules, which are not read
            book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            rows = enumerate(sheet.iter_rows(max_row=MOST_ROWS + 2), 1)
            return [_sheet_line(path, number, cells) for number, cells in rows]
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever a broken file leads to
        found = f"is no workbook that can be read ({type(error).__name__})"
        msg = f"{path}: {found}; save it again as .xlsx, or as CSV UTF-8"
        raise UsageError(msg) from None


def _sheet_line(path: Path, number: int, cells: Sequence[Any]) -> _Line:
    """A row of a sheet. Raises UsageError where the sheet is larger than what is read."""
    if number > MOST_ROWS + 1:
        msg = f"{path}: has rows after row {number - 1}; divide the table, or delete empty rows"
        raise UsageError(msg)
    if any(each.value is not None for each in cells[MOST_COLUMNS:]):
        msg = f"{path}: row {number} has cells after column {MOST_COLUMNS}; delete them"
        raise UsageError(msg)
    return _Line(number, [_cell(each.value, each.data_type) for each in cells[:MOST_COLUMNS]])


def _require_small(path: Path, content: bytes) -> None:
    """Raise UsageError if a workbook would take too much memory when it is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError):
        msg = f"{path}: is no workbook; save it again as .xlsx, or as CSV UTF-8"
        raise UsageError(msg) from None
    if size > MOST_UNPACKED:
        most = f"{MOST_UNPACKED // 1024**2} MiB"
        msg = f"{path}: is larger than {most} when it is unpacked; save the plans alone"
        raise UsageError(msg)


def _cell(value: object, kind: str) -> str | date | _Refused:
    if kind == "f":
        return _Refused("is a formula", "paste its value instead")
    if kind == "e":
        return _Refused(f"is an error of the spreadsheet, {value}", "correct it")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return "" if value is None else str(value).strip()


def _header(path: Path, line: _Line) -> tuple[str, ...]:
    """The columns, in order; empty where a column has no name and must be empty."""
    names = [_column(cell) if isinstance(cell, str) else "?" for cell in line.cells]
    for name, cell in zip(names, line.cells, strict=True):
        if name and name not in COLUMNS:
            raise _faulty(path, line.number, str(cell), "is no column", known(COLUMNS))
        if name and names.count(name) > 1:
            raise _faulty(path, line.number, name, "stands there twice", "keep one of them")
    if not set(IDENTIFYING) & set(names):
        remedy = "begin the table with the names of its columns: plan, owner, ..."
        raise _faulty(path, line.number, "plan", "the column is missing", remedy)
    return tuple(names)


def _column(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())


def _row(path: Path, header: Sequence[str], line: _Line, faults: list[Fault]) -> PlannedRow:
    cells: dict[str, str | date] = {}
    for at, cell in enumerate(line.cells):
        column = header[at] if at < len(header) else ""
        if cell == "":
            continue
        read = _read(column, cell)
        if isinstance(read, _Refused):
            name = column or f"column {at + 1}"
            faults.append(_fault(path, line.number, name, read.found, read.remedy))
        else:
            cells[column] = read
    return PlannedRow(line.number, cells)


def _read(column: str, cell: str | date | _Refused) -> str | date | _Refused:
    """The value of a cell of a column, or why it is none."""
    if isinstance(cell, _Refused):
        return cell
    if not column:
        return _Refused(f"{str(cell)!r} is in no named column", "name the column in the first row")
    if column in DATES:
        return _date(cell)
    return _text(column, cell if isinstance(cell, str) else cell.isoformat())


def _text(column: str, text: str) -> str | _Refused:
    if len(text) > LONGEST_TEXT:
        return _Refused(f"has {len(text)} characters", f"give at most {LONGEST_TEXT}")
    if column in IDENTIFYING:
        return cell_text(text)
    if visible(text, keep="\n\r\t") != text:
        return _Refused(f"{text!r} holds an invisible character", "remove it")
    return text


def _date(cell: str | date) -> date | _Refused:
    if isinstance(cell, date):
        return cell
    try:
        return date.fromisoformat(cell if ISO_DATE.fullmatch(cell) else "")
    except ValueError:
        found = f"{cell!r} is not a date that can be read in one way only"
        return _Refused(found, "write year, month and day, like 2026-03-31")


def _fault(path: Path, line: int, key: str, found: str, remedy: str) -> Fault:
    return Fault(where=str(path), line=line, key=key, found=found, known=remedy)


def _faulty(path: Path, line: int, key: str, found: str, remedy: str) -> FaultyDocument:
    return FaultyDocument((_fault(path, line, key, found, remedy),))
