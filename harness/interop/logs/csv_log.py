"""A log as CSV (RFC 4180) with a header row; a mapping names its columns.

The delimiter is that of the mapping. A quoted value may go over several lines; the entry has the
number of the first one.
"""

from __future__ import annotations

import csv

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.line_reader import LogOptions, UnreadableLine, UnreadableLog, shown
from harness.interop.logs.mapping import MappedEntries
from harness.interop.logs.raw_lines import LINE_BYTES
from harness.model.log_entry import LogEntry


@LOG_IMPORTERS.register("csv-log")
class CsvLog:
    """A table as CSV with a header row, with the columns that a mapping names."""

    def __init__(self, options: LogOptions) -> None:
        self._entries = MappedEntries("csv-log", options)
        self._delimiter = options.mapping.delimiter if options.mapping else ","
        self._columns: dict[str, int] = {}
        self._open: list[str] = []
        self._length = self._begun = 0

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the request of a row; None for the header, and for a row that goes on.

        Raises UnreadableLog if a column is missing, twice in the header, or a row does not end.
        """
        is_odd = text.count('"') % 2 == 1
        if self._open or is_odd:
            self._begun = self._begun if self._open else line
            self._open.append(text)
            self._length += len(text)
            if self._length > LINE_BYTES:
                raise self._endless()
            if not is_odd or len(self._open) == 1:
                return None
            text, line = "\n".join(self._open), self._begun
            self._open, self._length = [], 0
        values = self._split(text)
        if not self._columns:
            self._read_header(values)
            return None
        if len(values) != len(self._columns):
            found = f"{len(values)} values for {len(self._columns)} columns: {shown(text)}"
            raise UnreadableLine(found)
        return self._entries.entry(line, lambda column: values[self._columns[column]])

    def finish(self) -> None:
        """Raise UnreadableLog if the file ends inside a row."""
        if self._open:
            raise self._endless()

    def _endless(self) -> UnreadableLog:
        found = f"the quotation mark that begins in line {self._begun} does not end"
        return UnreadableLog(found, "copy the file again")

    def _split(self, text: str) -> list[str]:
        try:
            return next(csv.reader([text], delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration):
            raise UnreadableLine(f"{shown(text)} is not a row of a table") from None

    def _read_header(self, values: list[str]) -> None:
        names = [value.strip() for value in values]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UnreadableLog(f"the column {shown(twice)} is twice in the header", "rename one")
        self._entries.check_columns(names)
        self._columns = {name: at for at, name in enumerate(names)}
