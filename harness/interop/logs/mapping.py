"""A mapping: which column or key of a log holds which field of an entry, as a user declares it.

It is a YAML file; ``docs/reference/log-formats.md`` shows one. Faults are reported by line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.errors import UsageError, first_of
from harness.interop.logs.line_reader import (
    LogOptions,
    UnreadableLine,
    UnreadableLog,
    http_status,
    shown,
    stated,
    whole_number,
)
from harness.interop.logs.times import LogTimes
from harness.model.declared import Declared
from harness.model.log_entry import LogEntry, LogVerdict
from harness.yaml_reader import read_document, validate

UNITS = {
    "epoch": 1,
    "epoch_milliseconds": 1_000,
    "epoch_microseconds": 1_000_000,
    "epoch_nanoseconds": 1_000_000_000,
}
"""Times as numbers since 1970: units a second."""
MOST_COLUMNS = 50
"""The most columns that a message names."""
MOST_KEYS = 1000
"""The most keys of a log that are remembered for a message."""

Value = Callable[[str], str | None]
"""The value of a column or key in one line; None if the line does not have it."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"{name!r} is not a time zone; write one like Europe/London or UTC"
        raise ValueError(msg) from None
    return name


def _time_format(form: str) -> str:
    """Return a form of a time. Raises ValueError if it cannot be read, or has no year or hour."""
    if form == "iso" or form in UNITS:
        return form
    has_hour = "%H" in form or ("%I" in form and "%p" in form)
    if not has_hour or not ("%Y" in form or "%y" in form):
        named = ", ".join(("iso", *UNITS))
        msg = f"write {named}, or a form with a year and an hour, such as %d/%m/%Y %H:%M:%S"
        raise ValueError(msg)
    try:
        datetime.strptime(datetime(2026, 11, 28, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007 - only tried
    except ValueError as error:
        msg = f"this form cannot be read: {error}"
        raise ValueError(msg) from None
    return form


def _delimiter(text: str) -> str:
    if len(text) != 1 or text in '"\r\n\0':
        msg = 'write one character, such as ";" or "\\t"'
        raise ValueError(msg)
    return text


Column = Annotated[str, Field(min_length=1, max_length=200)]
Columns = Annotated[
    tuple[Column, ...],
    BeforeValidator(lambda named: (named,) if isinstance(named, str) else named),
    Field(min_length=1, max_length=8),
]
"""A column, or several whose values are joined."""
Delimiter = Annotated[str, AfterValidator(_delimiter)]
Word = Annotated[str, Field(max_length=200)]


class LogFields(Declared):
    """The column of each field of an entry.

    Values of several columns are joined by a blank for the time, by nothing for the URL.
    """

    time: Columns
    url: Columns | None = None
    user: Column | None = None
    client: Column | None = None
    device: Column | None = None
    method: Column | None = None
    status: Column | None = None
    verdict: Column | None = None
    category: Column | None = None
    received: Column | None = None
    sent: Column | None = None
    search: Column | None = None
    action: Column | None = None
    reason: Column | None = None

    @model_validator(mode="after")
    def _records_something(self) -> LogFields:
        if self.url is None and self.action is None:
            msg = "no column is named for url (or, for a record of administration, action)"
            raise ValueError(msg)
        return self

    def by_field(self) -> list[tuple[str, str]]:
        """Each field with each of its columns."""
        pairs: list[tuple[str, str]] = []
        for field in type(self).model_fields:
            named = getattr(self, field)
            columns = (named,) if isinstance(named, str) else named or ()
            pairs += [(field, column) for column in columns]
        return pairs


class LogConstants(Declared):
    """Values that all entries of a log have, where no column states them."""

    user: Word = ""
    client: Word = ""
    device: Word = ""
    method: Word = ""
    category: Word = ""
    action: Word = ""
    reason: Word = ""


class LogMapping(Declared):
    """How the entries of a log are found in its columns or keys.

    ``blocked`` and ``allowed`` are values of the column of the verdict, ``unclear`` those that say
    neither; capitals make no difference. Where a format has fixed columns, ``blocked`` alone names
    further answers that mean a block.
    """

    fields: LogFields | None = None
    time_format: Annotated[str, AfterValidator(_time_format)] = "iso"
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    blocked: tuple[Word, ...] = ()
    allowed: tuple[Word, ...] = ()
    unclear: tuple[Word, ...] = ()
    delimiter: Delimiter = ","
    constants: LogConstants = LogConstants()

    @model_validator(mode="after")
    def _is_consistent(self) -> LogMapping:
        verdicts = [word.lower() for word in (*self.blocked, *self.allowed, *self.unclear)]
        twice = sorted({word for word in verdicts if verdicts.count(word) > 1})
        named = {field for field, _ in self.fields.by_field()} if self.fields else set()
        constant = sorted(named & {name for name, value in self.constants if value})
        if twice:
            msg = f"{twice[0]!r} stands twice in blocked, allowed and unclear"
        elif constant:
            msg = f"{constant[0]} has a column and a constant: keep one"
        elif "verdict" in named and not (self.blocked and self.allowed):
            msg = "verdict has a column: say which of its values mean blocked, and which allowed"
        else:
            return self
        raise ValueError(msg)


def read_mapping(path: Path) -> LogMapping:
    """Read a mapping. Raises FaultyDocument (faults by line), UsageError if it cannot be read."""
    return validate(read_document(path), LogMapping)


class MappedEntries:
    """Makes entries of values by the mapping of the options. Raises UsageError without a mapping.

    ``times`` converts the times of the log.
    """

    def __init__(self, form: str, options: LogOptions) -> None:
        mapping = options.mapping
        if mapping is None or mapping.fields is None:
            msg = f"the format {form} has no fixed columns: give a mapping with 'fields:'"
            raise UsageError(msg)
        self._fields, self._form = mapping.fields, mapping.time_format
        zone = options.zone or (ZoneInfo(mapping.zone) if mapping.zone else None)
        self.times = LogTimes(zone, options.now)
        self._verdicts: dict[str, LogVerdict] = {
            **dict.fromkeys(map(str.lower, mapping.blocked), "blocked"),
            **dict.fromkeys(map(str.lower, mapping.allowed), "allowed"),
            **dict.fromkeys(map(str.lower, mapping.unclear), ""),
            "": "",
        }
        self._constants = mapping.constants
        # Without a URL or an action no other column of a line is read, so these come first.
        pairs = sorted(self._fields.by_field(), key=lambda pair: pair[0] not in ("url", "action"))
        self._missing = {column: field for field, column in reversed(pairs)}
        self._keys: dict[str, None] = {}

    @property
    def time_columns(self) -> tuple[str, ...]:
        """The columns of the time."""
        return self._fields.time

    def check_columns(self, columns: Iterable[str]) -> None:
        """Raise UnreadableLog if a column of the mapping is not among those of the file."""
        names = list(columns)
        for field, column in self._fields.by_field():
            if column not in names:
                raise _no_column(field, column, names)

    def see(self, keys: Iterable[str]) -> None:
        """Note the keys of a line, for formats without a header."""
        for key in keys:
            if len(self._keys) < MOST_KEYS:
                self._keys[key] = None

    def note(self, column: str) -> None:
        """Note that the file has a column of the mapping, which is read elsewhere."""
        self._missing.pop(column, None)

    def finish(self) -> None:
        """Raise UnreadableLog if no line of the file had a key of the mapping."""
        if self._missing:
            column, field = list(self._missing.items())[-1]
            raise _no_column(field, column, self._keys)

    def entry(self, line: int, value: Value, at: datetime | None = None) -> LogEntry | None:
        """Return the entry of a line; None if it states neither a URL nor an action.

        ``at`` is the time, where the line states it outside its columns. Raises UnreadableLine.
        """
        fields, constant = self._fields, self._constants
        url = self._joined(fields.url, value, "")
        action = self._text(fields.action, value) or constant.action
        if not url and not action:
            return None
        return LogEntry(
            line=line,
            at=at or self._at(value),
            user=self._text(fields.user, value) or constant.user,
            client=self._text(fields.client, value) or constant.client,
            device=self._text(fields.device, value) or constant.device,
            method=self._text(fields.method, value) or constant.method,
            url=url,
            status=http_status(self._text(fields.status, value)),
            verdict=self._verdict(self._text(fields.verdict, value)),
            category=self._text(fields.category, value) or constant.category,
            received=whole_number(self._text(fields.received, value), "bytes"),
            sent=whole_number(self._text(fields.sent, value), "bytes"),
            search=self._text(fields.search, value),
            action=action,
            reason=self._text(fields.reason, value) or constant.reason,
        )

    def _text(self, column: str | None, value: Value) -> str:
        if column is None or (found := value(column)) is None:
            return ""
        self._missing.pop(column, None)
        return stated(found.strip())

    def _joined(self, columns: tuple[str, ...] | None, value: Value, between: str) -> str:
        texts = (self._text(column, value) for column in columns or ())
        return between.join(filter(None, texts))

    def _at(self, value: Value) -> datetime:
        text = self._joined(self._fields.time, value, " ")
        if not text:
            raise UnreadableLine("the line states no time", "correct 'time' of the mapping")
        if units := UNITS.get(self._form):
            return self.times.epoch(text, units)
        return self.times.iso(text) if self._form == "iso" else self.times.parsed(text, self._form)

    def _verdict(self, word: str) -> LogVerdict:
        verdict = self._verdicts.get(word.lower())
        if verdict is None:
            found = f"the verdict {shown(word)} is not in the mapping"
            raise UnreadableLine(found, "add it to blocked, allowed or unclear")
        return verdict


def _no_column(field: str, column: str, columns: Iterable[str]) -> UnreadableLog:
    found = f"the mapping reads {field} from {column!r}, which the file does not have"
    names = [shown(name)[1:-1] for name in columns]
    return UnreadableLog(found, f"it has: {first_of(names, MOST_COLUMNS)}" if names else "")
