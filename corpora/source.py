"""What importers read and what they yield: sources, with limits on size and time, and entries.

Files are hostile input. Lines, bytes and entries are bounded, and text must be UTF-8. An HTML page,
an empty file or a decompression bomb is refused as a whole; faults of single lines are collected in
``faults``. The importer of each format builds its entries (accepted, skipped or rejected, with a
reason) with the functions here; ``corpora.read_list`` finds duplicates among them and turns them
into rows of the import report.
"""

from __future__ import annotations

import csv
import gzip
import io
import ipaddress
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

from corpora import hostnames
from corpora.taxonomy import Taxonomy
from harness.untrusted.regular_file import open_regular

SHOWN_CHARACTERS = 200
"""How many characters of a rejected line the report shows."""

NULL_ADDRESSES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1", "0", "127.0.0.2"})  # noqa: S104 - read, not bound
"""Addresses by which a list blocks a name, instead of redirecting it."""


class ImportEntry(NamedTuple):
    """One statement of a list about a host, an address, a URL or a pattern.

    ``changes`` says how normalisation changed the value, which also explains duplicates; ``note``
    is any other remark. ``line`` is a line number, or ``file:number`` where there are many files.
    """

    line: int | str
    value: str = ""
    match: str = ""
    action: str = ""
    target: str = ""
    status: str = "ok"
    note: str = ""
    changes: str = ""


class NormalisedHost(NamedTuple):
    """A host name in its normal form, and what normalisation changed."""

    name: str
    changes: tuple[str, ...] = ()


def rejected_entry(line: int | str, reason: str, value: str = "") -> ImportEntry:
    """An entry that is rejected as wrong, with the reason."""
    return ImportEntry(line, value[:SHOWN_CHARACTERS], status="error", note=reason)


def skipped_entry(line: int | str, reason: str, value: str = "") -> ImportEntry:
    """An entry that is valid, but says nothing about a host or URL as a whole."""
    return ImportEntry(line, value[:SHOWN_CHARACTERS], status="skipped", note=reason)


def normalise_host(text: str) -> NormalisedHost:
    """The normal form of a listed host. Raises BadName with the reason if it is not a host."""
    changes: tuple[str, ...] = ()
    name = text
    if hostnames.is_plain(name):
        if hostnames.is_public_suffix(name):
            raise hostnames.BadName("public suffix")
        return NormalisedHost(name)
    if name.endswith("."):
        name, changes = name[:-1], ("trailing dot",)
    if not name.islower() and name != (lowered := name.lower()):
        name, changes = lowered, (*changes, "lower-cased")
    if not name.isascii():
        changes = (*changes, "IDNA")
    name = hostnames.to_host(name)
    if hostnames.is_public_suffix(name):
        raise hostnames.BadName("public suffix")
    head, _, last = name.rpartition(".")
    if not head:
        raise hostnames.BadName("no dot in the name")
    if last.isdigit():
        raise hostnames.BadName("address instead of a name")
    return NormalisedHost(name, changes)


def host_entry(
    line: int | str,
    text: str,
    match: str,
    action: str = "block",
    target: str = "",
    note: str = "",
) -> ImportEntry:
    """An entry for one host; a rejected entry if the text is not a host."""
    try:
        name, changes = normalise_host(text)
    except hostnames.BadName as error:
        return rejected_entry(line, str(error), value=_shown(text, str(error)))
    return ImportEntry(line, name, match, action, target, "ok", note, "; ".join(changes))


def address_entry(line: int | str, text: str, action: str = "block") -> ImportEntry | None:
    """An entry for an address or a network; None if the text is neither."""
    if not text or not (text[-1].isdigit() or ":" in text):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if "/" not in text:
        return ImportEntry(line, str(network.network_address), "ip", action)
    changed = "" if str(network) == text else "host bits removed"
    return ImportEntry(line, str(network), "cidr", action, changes=changed)


def redirect_entry(line: int | str, name: str, match: str, address: str) -> ImportEntry:
    """An entry for a host mapped to an address: a block for a null address, else a rewrite."""
    if address in NULL_ADDRESSES:
        return host_entry(line, name, match)
    return host_entry(line, name, match, "rewrite", address)


def _shown(text: str, reason: str) -> str:
    """What the report shows of a rejected name: nothing if it is too long to read."""
    return "" if reason.startswith(("label >", "name >")) else text


_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml")
_GZIP = b"\x1f\x8b"
_LINES_PER_CHECK = 1024
"""The deadline is checked once in this many lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of an import: bytes of a line, bytes of all unpacked files, and their number.

    An import also ends after ``unread`` unreadable lines, or after ``seconds``.
    """

    line_bytes: int = 64 * 1024
    total_bytes: int = 2 * 1024**3
    entries: int = 20_000_000
    members: int = 10_000
    unread: int = 100_000
    labels: int = 1_000
    seconds: float = 3600.0


class ListRefused(Exception):
    """The file as a whole is refused; the message is the reason, ``value`` the offending text."""

    def __init__(self, reason: str, value: str = "") -> None:
        super().__init__(reason)
        self.value = value


class Deadline:
    """A time limit that starts when it is created."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def check(self, position: str) -> None:
        """Raise ListRefused with the position in the file if the time is up."""
        if self._clock() > self._end:
            raise ListRefused(f"stopped after {self._seconds:g} seconds, {position}")


class Line(NamedTuple):
    """A line of text without its end."""

    number: int
    text: str


class Record(NamedTuple):
    """A row of a CSV file, from its first line to its last."""

    first: int
    last: int
    cells: list[str]

    @property
    def note(self) -> str:
        """A remark if the record is longer than one line; else empty."""
        return f"record spans lines {self.first}-{self.last}" if self.last > self.first else ""


@dataclass(slots=True, kw_only=True)
class Source:
    """One file, or the root of a tree of files, that is being imported.

    ``prefix`` names the file within a tree. ``unknown`` collects external labels without a code.
    ``deadline`` is that of the whole tree; without one, a new one starts.
    """

    path: Path
    taxonomy: Taxonomy
    limits: Limits = Limits()
    prefix: str = ""
    faults: list[ImportEntry] = field(default_factory=list)
    unknown: dict[str, set[str]] = field(default_factory=dict)
    deadline: Deadline | None = None

    def __post_init__(self) -> None:
        """Start the clock."""
        self.deadline = self.deadline or Deadline(self.limits.seconds)

    def child(self, path: Path, prefix: str, *, quiet: bool = False) -> Source:
        """A file of the tree; if quiet, its faults are not reported."""
        return Source(
            path=path,
            taxonomy=self.taxonomy,
            limits=self.limits,
            prefix=prefix,
            faults=[] if quiet else self.faults,
            unknown=self.unknown,
            deadline=self.deadline,
        )

    def line_label(self, number: int) -> int | str:
        """The number of a line as the report shows it, with the file's name within a tree."""
        return f"{self.prefix}:{number}" if self.prefix else number

    def translate(self, scheme: str, label: str) -> str:
        """The code of an external label; empty if it has none, and then it is noted as unknown."""
        code = self.taxonomy.labels_of(scheme).get(label, "")
        if not code:
            self._note_unknown(scheme, label)
        return code

    def own_code(self, label: str) -> str:
        """The label if it is a code of the taxonomy; else empty, and it is noted as unknown."""
        if label in self.taxonomy:
            return label
        self._note_unknown(self.taxonomy.name, label)
        return ""

    def _note_unknown(self, scheme: str, label: str) -> None:
        labels = self.unknown.setdefault(scheme, set())
        labels.add(label)
        if len(labels) > self.limits.labels:
            raise ListRefused(f"more than {self.limits.labels} unknown labels")

    def lines(self) -> Iterator[Line]:
        """The readable lines. Raises ListRefused if the file is not a text of lines."""
        try:
            with open_regular(self.path) as plain:
                yield from self._lines(_unpacked(plain))
        except (gzip.BadGzipFile, EOFError, zlib.error):
            raise ListRefused("not readable as gzip") from None
        except OSError as error:
            raise ListRefused(f"not readable: {error.strerror or error}") from None

    def records(self, lines: Iterable[Line] | None = None) -> Iterator[Record]:
        """The rows of a CSV file."""
        feed = _Feed(self.lines() if lines is None else lines)
        reader = csv.reader(feed)
        while True:
            first = feed.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                self.faults.append(rejected_entry(self.line_label(first), "not CSV"))
                reader = csv.reader(feed)
                continue
            if cells:
                yield Record(max(first, feed.started), feed.number, cells)

    def _lines(self, stream: io.BufferedReader) -> Iterator[Line]:
        _check_head(stream.peek(512)[:512])
        number, total, limit = 0, 0, self.limits.line_bytes
        while raw := stream.readline(limit + 1):
            number += 1
            total += len(raw)
            if self.deadline is not None and number % _LINES_PER_CHECK == 0:
                self.deadline.check(f"at line {number}")
            too_long = len(raw) > limit
            if too_long:
                total += self._skip_line(stream, total)
            if total > self.limits.total_bytes:
                raise ListRefused(f"more than {self.limits.total_bytes} bytes")
            reason, text = (f"line > {limit} bytes", "") if too_long else _decode(raw, number)
            if reason:
                self.faults.append(rejected_entry(self.line_label(number), reason))
                if len(self.faults) > self.limits.unread:
                    raise ListRefused(f"more than {self.limits.unread} lines that cannot be read")
            else:
                yield Line(number, text)

    def _skip_line(self, stream: io.BufferedReader, total: int) -> int:
        """Skip the rest of a line and return the number of bytes skipped."""
        skipped = 0
        while raw := stream.readline(self.limits.line_bytes):
            skipped += len(raw)
            if self.deadline is not None:
                self.deadline.check(f"in a line of more than {skipped} bytes")
            if raw.endswith(b"\n") or total + skipped > self.limits.total_bytes:
                break
        return skipped


class _Feed:
    """Lines for the csv module, with the number of the current line."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self.number = 0
        self.started = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if not self.started or line.number > self.number + 1:
            self.started = line.number
        self.number = line.number
        return line.text + "\n"


def _unpacked(stream: io.BufferedReader) -> io.BufferedReader:
    if stream.peek(2)[:2] == _GZIP:
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=stream)))
    return stream


def _check_head(head: bytes) -> None:
    if not head:
        raise ListRefused("empty list refused")
    if head.startswith(_WIDE):
        raise ListRefused("file is UTF-16: refuse or decode by BOM, never as UTF-8")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_HTML):
        raise ListRefused("HTML page instead of list")


def _decode(raw: bytes, number: int) -> tuple[str, str]:
    """Why a line cannot be read (or empty), and its text."""
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        return "not UTF-8", ""
    if "\0" in text:
        return "NUL byte", ""
    return "", text.rstrip("\r\n")
