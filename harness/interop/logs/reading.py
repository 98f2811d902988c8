r"""Read a whole log, one line at a time.

A log is text in UTF-8. Bytes that are not UTF-8, such as those of a raw URL, are shown by a
backslash and their number (``\xe9``), so nothing is lost and nothing fails. A line ends with a line
feed, with or without a carriage return before it; blank lines are skipped.

The file is refused as a whole if a line cannot be read, but only at its end: entries are yielded
before. Callers must keep nothing until the iteration has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from harness.errors import Fault, FaultyDocument, UsageError
from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.line_reader import (
    EndReader,
    LineReader,
    LogOptions,
    RawLine,
    RecordReader,
    UnreadableLine,
    UnreadableLog,
)
from harness.interop.logs.raw_lines import (
    LINE_BYTES,
    FileBytes,
    SecretFound,
    SecretSearch,
    lines_of,
)
from harness.model.log_entry import LogEntry
from harness.untrusted.regular_file import open_regular

FIRST_LINES = 20
"""If none of so many lines can be read, the file is not a log in the format."""
MOST_UNREADABLE = 1000
"""Reading stops after more unreadable lines."""
MOST_LINES = 100_000_000
"""The most lines of a file."""
MOST_NAMED = 50
"""The most unreadable lines that a message names."""

_MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""The byte order marks of UTF-16."""


@dataclass(slots=True, kw_only=True)
class LogCounts:
    """What was read. Complete only after the last entry.

    ``lines`` are those of the file (or the records of a JSON array), ``entries`` those that record
    something, ``first`` and ``last`` the earliest and the latest time. ``size`` and ``sha256`` are
    of the file as it is, ``unpacked`` is the size of its content; they are the same unless it is
    compressed. ``secrets`` are those that were found.
    """

    lines: int = 0
    entries: int = 0
    first: datetime | None = None
    last: datetime | None = None
    size: int = 0
    unpacked: int = 0
    sha256: str = ""
    secrets: tuple[SecretFound, ...] = ()


class LogReading:
    """One pass over a log: iterate over it to get its entries, then look at ``counts``.

    Raises FaultyDocument at the end if a line could not be read (callers keep nothing until then),
    UsageError if the file cannot be opened or an option is missing.
    """

    def __init__(
        self,
        source: Path | BinaryIO,
        form: str,
        options: LogOptions,
        where: str = "",
        secrets: Collection[bytes] = (),
    ) -> None:
        self.counts = LogCounts()
        self.form = form
        self.where = where or (str(source) if isinstance(source, Path) else "standard input")
        self._source = source
        self._search = SecretSearch(secrets)
        self._options = options
        self._reader: LineReader = LOG_IMPORTERS.find(form)(options)
        self._faults: list[Fault] = []
        self._unreadable = 0
        self._has_readable = False
        self._first: list[str] = []

    def __iter__(self) -> Iterator[LogEntry]:
        try:
            with self._open() as stream:
                file = FileBytes(stream=stream, search=self._search)
                yield from self._entries(file)
        except OSError as error:
            msg = f"{self.where}: cannot be read: {error.strerror or error}"
            raise UsageError(msg) from None
        except UnreadableLog as error:
            self._add(None, error)
            raise self._refused() from None

    def _open(self) -> BinaryIO | nullcontext[BinaryIO]:
        if not isinstance(self._source, Path):
            return nullcontext(self._source)
        try:
            return open_regular(self._source)
        except FileNotFoundError:
            msg = f"{self.where}: no such file"
            raise UsageError(msg) from None

    def _entries(self, file: FileBytes) -> Iterator[LogEntry]:
        reader, counts = self._reader, self.counts
        split = reader.records if isinstance(reader, RecordReader) else lines_of
        for line in split(iter(file)):
            counts.lines += 1
            if counts.lines > MOST_LINES:
                raise UnreadableLog(f"the file has more than {MOST_LINES:,} lines", "split it")
            try:
                text = _text_of(line)
                if not text or text.isspace():
                    continue
                if len(self._first) < FIRST_LINES and not counts.entries:
                    self._first.append(text)
                entry = reader.entry(line.number, text)
            except UnreadableLog as error:
                self._add(line.number, error)
                raise self._refused() from None
            except UnreadableLine as error:
                self._note(line, error)
                continue
            self._has_readable = True
            if entry is not None:
                self._count(entry)
                yield entry
        self._end(file)

    def _count(self, entry: LogEntry) -> None:
        counts, at = self.counts, entry.at
        counts.entries += 1
        if at is not None:
            if counts.first is None or at < counts.first:
                counts.first = at
            if counts.last is None or at > counts.last:
                counts.last = at

    def _note(self, line: RawLine, error: UnreadableLine) -> None:
        """Note a line that cannot be read. Raises FaultyDocument if reading on is of no use."""
        self._unreadable += 1
        if self._has_readable and not line.is_complete:
            found = f"the file ends in the middle of line {line.number}"
            error = UnreadableLine(found, "copy it again")
        if self._unreadable <= MOST_NAMED:
            self._add(line.number, error)
        if self._unreadable >= FIRST_LINES and not self._has_readable:
            raise self._other_format(self._faults[0])
        if self._unreadable > MOST_UNREADABLE:
            found = f"more than {MOST_UNREADABLE:,} lines cannot be read: reading stopped here"
            self._add(line.number, UnreadableLine(found, "is this the whole log of one service?"))
            raise self._refused()

    def _end(self, file: FileBytes) -> None:
        counts = self.counts
        if not counts.lines:
            raise UnreadableLog("the file is empty", "ask for the log again")
        if self._unreadable and not self._has_readable:
            raise self._other_format(self._faults[0])
        if isinstance(self._reader, EndReader):
            self._reader.finish()
        if (more := self._unreadable - MOST_NAMED) > 0:
            self._add(None, UnreadableLine(f"and {more} more lines that cannot be read"))
        if self._faults:
            raise self._refused()
        if not counts.entries:
            found = f"none of its {counts.lines} lines records a request"
            raise self._other_format(self._fault(None, UnreadableLine(found)))
        counts.size, counts.unpacked = file.size, file.unpacked
        counts.sha256, counts.secrets = file.sha256, file.search.found

    def _other_format(self, fault: Fault) -> FaultyDocument:
        """Say that the file is not in the format, and in which it may be."""
        found = f"this is not a log in the format {self.form}: {fault.found}"
        other = _format_of(self._first, self._options, self.form)
        known = f"it reads as {other}" if other else fault.known
        return FaultyDocument((replace(fault, found=found, known=known),))

    def _refused(self) -> FaultyDocument:
        return FaultyDocument(tuple(self._faults))

    def _add(self, line: int | None, error: UnreadableLine) -> None:
        self._faults.append(self._fault(line, error))

    def _fault(self, line: int | None, error: UnreadableLine) -> Fault:
        return Fault(where=self.where, line=line, key="", found=error.found, known=error.remedy)


def read_log(
    source: Path | BinaryIO,
    form: str,
    options: LogOptions,
    *,
    where: str = "",
    secrets: Collection[bytes] = (),
) -> LogReading:
    """Open a log in a format; iterate over the result to read it.

    ``where`` is the name of a stream for messages. ``secrets`` are searched in the bytes of the
    (unpacked) file, as they are given: other spellings, such as percent-encoded ones, must be given
    as well. Raises UsageError if there is no such format, or it needs another option, and
    ValueError for an empty secret.
    """
    return LogReading(source, form, options, where, secrets)


def _text_of(line: RawLine) -> str:
    """The text of a line. Raises UnreadableLine if it is too long or holds a NUL."""
    content = line.content
    if line.number == 1:
        if content.startswith(_WIDE):
            raise UnreadableLine("the file is in UTF-16", "save it as UTF-8")
        content = content.removeprefix(_MARK)
    if len(content) > LINE_BYTES:
        raise UnreadableLine(f"the line has more than {LINE_BYTES // 1024} KiB")
    if b"\0" in content:
        raise UnreadableLine("a NUL byte is in the line", "save the file as UTF-8 text")
    return content.removesuffix(b"\r").decode("utf-8", "backslashreplace")


def _format_of(lines: list[str], options: LogOptions, but: str) -> str:
    """The format that reads most of the first lines; empty if none does."""
    best, most = "", 0
    for name, make in LOG_IMPORTERS.load().items():
        try:
            reader = make(replace(options, zone=options.zone or UTC))
        except UsageError:
            continue
        read = sum(_is_entry(reader, number, text) for number, text in enumerate(lines, 1))
        if name != but and read > max(most, len(lines) // 2):
            best, most = name, read
    return best


def _is_entry(reader: LineReader, number: int, text: str) -> bool:
    try:
        return reader.entry(number, text) is not None
    except (UnreadableLine, UsageError):
        return False
