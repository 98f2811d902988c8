"""A log as JSON: an object in each line, or one array of objects; a mapping names their keys.

A key with dots names a value in nested objects (``request.url``), unless an object has the key with
its dots. An array is read one object at a time, so it may be of any size; an object is at most as
long as a line. Lists of texts are joined with commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from harness.interop.logs import LOG_IMPORTERS
from harness.interop.logs.line_reader import (
    LogOptions,
    RawLine,
    UnreadableLine,
    UnreadableLog,
    shown,
)
from harness.interop.logs.mapping import MappedEntries
from harness.interop.logs.raw_lines import LINE_BYTES, lines_of
from harness.model.log_entry import LogEntry

_SIGN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
"""A whole text, or a sign that opens or closes something; a quote alone is a text that goes on."""
_BLANKS = b" \t\r\n"
_DECODER = msgspec.json.Decoder()


@LOG_IMPORTERS.register("json-log")
class JsonLog:
    """JSON lines or one JSON array, with the keys that a mapping names."""

    def __init__(self, options: LogOptions) -> None:
        self._entries = MappedEntries("json-log", options)

    def records(self, blocks: Iterator[bytes]) -> Iterator[RawLine]:
        """Split a file into lines, or into the objects of its array."""
        return json_records(blocks)

    def entry(self, line: int, text: str) -> LogEntry | None:
        """Return the request of an object; None if it states no URL and no action."""
        found = decode_object(text)
        self._entries.see(found)
        return self._entries.entry(line, lambda key: text_at(found, key))

    def finish(self) -> None:
        """Raise UnreadableLog if no object had a key of the mapping."""
        self._entries.finish()


def decode_object(text: str) -> dict[str, object]:
    """Return the object of a JSON text. Raises UnreadableLine."""
    try:
        found = _DECODER.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise UnreadableLine(f"{shown(text)} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UnreadableLine(f"{shown(text)} is not an object of JSON", "expected {...}")
    return found


def text_at(value: dict[str, object], key: str) -> str | None:
    """Return the text of a value by its key, dotted for nested objects; None if there is none.

    Raises UnreadableLine if it is an object.
    """
    if key in value:
        return _text(value[key], key)
    head, dot, rest = key.partition(".")
    while dot:
        inner = value.get(head)
        if isinstance(inner, dict) and (found := text_at(inner, rest)) is not None:
            return found
        more, dot, rest = rest.partition(".")
        head = f"{head}.{more}"
    return None


def _text(value: object, key: str) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return value
        case int() | float():
            return str(value)
        case list() if not any(isinstance(each, (list, dict)) for each in value):
            return ", ".join(_text(each, key) for each in value)
    raise UnreadableLine(f"the value of {key!r} is not a text or a number")


def json_records(blocks: Iterator[bytes]) -> Iterator[RawLine]:
    """Split into lines, or into the objects of an array if the file begins with ``[``.

    Raises UnreadableLog if the array is not one of objects, or does not end.
    """
    first = b""
    for block in blocks:
        first += block
        if first.lstrip(b"\xef\xbb\xbf" + _BLANKS):
            break
        if len(first) > LINE_BYTES:
            raise UnreadableLog("the file begins with too many blanks")
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANKS)
    if not start.startswith(b"["):
        yield from lines_of(_with(first, blocks))
        return
    skipped = len(first) - len(start) + 1
    array = _Array(first.count(b"\n", 0, skipped) + 1)
    for block in _with(start[1:], blocks):
        yield from array.objects(block)
    array.end()


def _with(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from blocks


class _Array:
    """Finds the objects of an array in its blocks, after the opening bracket."""

    def __init__(self, line: int) -> None:
        self._line = line
        self._rest = b""
        self._scanned = self._depth = 0
        self._is_closed = False

    def objects(self, block: bytes) -> Iterator[RawLine]:
        """Yield the objects that end in this block."""
        text = self._rest + block
        done, at = 0, self._scanned
        while found := _SIGN.search(text, at):
            if found[0] == b'"':  # a text that goes on in the next block
                at = found.start()
                break
            at = found.end()
            if self._depth == 0:
                self._between(text[done : found.start()])
                self._follow(found[0])
                done = found.start() if self._depth else at
                continue
            self._follow(found[0])
            if self._depth == 0:
                yield RawLine(self._line, text[done:at], True)  # noqa: FBT003 - a tuple
                self._line += text.count(b"\n", done, at)
                done = at
        else:
            at = len(text)
        self._keep(text[done:], at - done)

    def _follow(self, sign: bytes) -> None:
        """Follow a sign that opens or closes something."""
        if self._depth > 0:
            self._depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(sign, 0)
        elif self._is_closed or sign not in (b"{", b"]"):
            raise self._other()
        elif sign == b"{":
            self._depth = 1
        else:
            self._is_closed = True

    def _keep(self, rest: bytes, scanned: int) -> None:
        """Keep the beginning of an object for the next block."""
        if self._depth == 0:
            self._between(rest)
            rest, scanned = b"", 0
        elif len(rest) > LINE_BYTES:
            msg = f"the object that begins in line {self._line} has more than 64 KiB"
            raise UnreadableLog(msg)
        self._rest, self._scanned = rest, scanned

    def end(self) -> None:
        """Raise UnreadableLog if the array has not ended."""
        if not self._is_closed:
            found = f"the file ends in the middle of the array, at line {self._line}"
            raise UnreadableLog(found, "copy it again")

    def _between(self, text: bytes) -> None:
        """Check what stands between two objects: blanks, and at most one comma."""
        if text.strip(_BLANKS) not in (b"", b","):
            self._line += text[: len(text) - len(text.lstrip(_BLANKS + b","))].count(b"\n")
            raise self._other()
        self._line += text.count(b"\n")

    def _other(self) -> UnreadableLog:
        found = f"the array holds something other than objects, at line {self._line}"
        return UnreadableLog(found, "expected [{...}, {...}]")
