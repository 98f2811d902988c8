"""What a reader of a log format is given, what it yields, and what it raises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from harness.errors import UsageError
from harness.model.log_entry import LogEntry

if TYPE_CHECKING:
    from harness.interop.logs.mapping import LogMapping

SHOWN = 80
"""The most characters of a line that a message quotes."""


class UnreadableLine(Exception):
    """A line that is not of the format: what was found, and what to do."""

    def __init__(self, found: str, remedy: str = "") -> None:
        self.found, self.remedy = found, remedy
        super().__init__(found)


class UnreadableLog(UnreadableLine):
    """A fault after which no line of the file can be read, such as a missing column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What the user says about a log.

    ``zone`` is the time zone of times that state none. ``now`` (aware) gives the year of times that
    state none: the latest year in which the time is not in the future. ``mapping`` names columns,
    and values that mean "blocked".
    """

    now: datetime
    zone: tzinfo | None = None
    mapping: LogMapping | None = None


class LineReader(Protocol):
    """Reads the lines of one file, in order."""

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the entry of a line; None if it is of the format but records no request.

        ``line`` counts from 1; ``text`` has no line end. Raises UnreadableLine for a line that is
        not of the format, UsageError if an option is missing.
        """


@runtime_checkable
class EndReader(Protocol):
    """A reader that checks something at the end of the file."""

    def finish(self) -> None:
        """Raise UnreadableLog if the file as a whole cannot be read."""


class RawLine(NamedTuple):
    """A line as bytes, without its line end, by its number in the file, from 1.

    ``is_complete`` is false for a last line without a line end.
    """

    number: int
    content: bytes
    is_complete: bool


@runtime_checkable
class RecordReader(Protocol):
    """A reader whose records are not lines."""

    def records(self, blocks: Iterator[bytes]) -> Iterator[RawLine]:
        """Yield the records in the blocks of a file, each with the number of its first line."""


def shown(text: str) -> str:
    """The beginning of a text for a message, in quotes."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def unreadable(form: str, text: str) -> UnreadableLine:
    """The fault of a line that has not the shape of a format."""
    return UnreadableLine(f"{shown(text)} is not a line of {form}")


def refuse_mapping(form: str, options: LogOptions) -> None:
    """Raise UsageError if a mapping is given to a format that has fixed columns."""
    if options.mapping is not None:
        msg = f"the format {form} has fixed columns: leave the mapping out"
        raise UsageError(msg)


@lru_cache(maxsize=4096)
def client_and_device(text: str) -> tuple[str, str]:
    """The address and the name of a computer; one of them is empty, as a log states one."""
    try:
        ip_address(text)
    except ValueError:
        return "", text
    return text, ""


def stated(text: str) -> str:
    """The text, or an empty one for the hyphen by which logs say that a value is absent."""
    return "" if text == "-" else text


def whole_number(text: str, name: str) -> int | None:
    """The number that a field states; None if it is empty or a hyphen. Raises UnreadableLine."""
    text = text.strip()
    if text in ("", "-"):
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004 - 64 bits
        raise UnreadableLine(f"{shown(text)} is not a number of {name}")
    return int(text)


def http_status(text: str) -> int | None:
    """The HTTP status that a field states; None for none, or 0. Raises UnreadableLine."""
    return whole_number(text, "a status") or None
