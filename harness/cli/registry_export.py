"""Export a stream of the registry to a file, and check such a file without the registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.cli.registry_care import CheckedStream, notes_on
from harness.cli.registry_session import Place
from harness.errors import InstrumentError, UsageError
from harness.follow.replay import replay
from harness.model.event import Event
from harness.store.atomic_write import write_new

if TYPE_CHECKING:
    from harness.store.registry.streams import Registry


class ExportedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A line of an exported stream; ``body`` is the text that the hash covers."""

    stream: str
    position: int
    previous: str
    body: str
    hash: str


class ExportedHead(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of an exported stream: the number of its events, and the last hash."""

    events: int
    hash: str


def export_stream(registry: Registry, place: Place, to: Path) -> int:
    """Write a checked stream as JSON lines to a new file, and return the number of its events.

    The file is written whole or not at all, and only the user can read it. Raises UsageError if it
    exists or cannot be written, or there is no such stream.
    """
    with registry.reading(place.stream) as access:
        if access.head is None:
            msg = f"{registry.where}: holds nothing of {place.name}"
            raise UsageError(msg)
        rows = access.rows_as_stored()
        number = len(access.events())
        head = ExportedHead(events=access.head.events, hash=access.head.hash)
    lines = [msgspec.json.encode(each) for each in (*(ExportedEvent(**row) for row in rows), head)]
    try:
        write_new(to, b"".join(line + b"\n" for line in lines))
    except FileExistsError:
        msg = f"{to} exists already; give a new path"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{to}: {error.strerror or error}"
        raise UsageError(msg) from None
    return number


def verify_export(path: Path) -> CheckedStream:
    """Check an exported stream.

    Raises UsageError if it is none, InstrumentError if it was changed or cut, or if its events
    cannot follow each other.
    """
    exported, head = _read(path)
    events, hashes = _checked(path, exported), tuple(line.hash for line in exported)
    if head is None:
        msg = f"{path}: it was cut: its last line, the head, is missing"
        raise InstrumentError(msg)
    if head.events != len(events):
        msg = f"{path}: it was cut: it holds {len(events)} events, and its head says {head.events}"
        raise InstrumentError(msg)
    if head.hash != hashes[-1]:
        msg = f"{path}: its last line, the head, was changed"
        raise InstrumentError(msg)
    try:
        name = replay(events).name
    except UsageError as error:
        msg = f"{path}: its events cannot follow each other: {error}"
        raise InstrumentError(msg) from None
    return CheckedStream(name, len(events), hashes, notes_on(events))


_EVENTS = msgspec.json.Decoder(ExportedEvent)
_HEADS = msgspec.json.Decoder(ExportedHead)


def _read(path: Path) -> tuple[list[ExportedEvent], ExportedHead | None]:
    """The lines of an exported stream. Raises UsageError if it is none or holds no events."""
    try:
        lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    head = _head_in(lines[-1])
    texts = [line for line in (lines if head is None else lines[:-1]) if lines != [b""]]
    try:
        exported = [_EVENTS.decode(line) for line in texts]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path}: not an exported stream: {error}"
        raise UsageError(msg) from None
    if not exported:
        msg = f"{path}: holds no events"
        raise UsageError(msg)
    for position, (line, text) in enumerate(zip(exported, texts, strict=True), 1):
        if msgspec.json.encode(line) != text:
            raise _was_changed(path, position)
    return exported, head


def _head_in(line: bytes) -> ExportedHead | None:
    """The head in a line; ``None`` if the line is none, or not as it is written."""
    try:
        head = _HEADS.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return head if msgspec.json.encode(head) == line else None


def _checked(path: Path, exported: list[ExportedEvent]) -> list[Event]:
    """The events of an exported stream. Raises InstrumentError at the first that was changed."""
    from harness.store.registry.event_rows import START, event_of, row_of  # noqa: PLC0415 - heavy

    events: list[Event] = []
    previous = START
    for position, line in enumerate(exported, 1):
        event = event_of(line.body)
        if event is None or (line.position, line.previous) != (position, previous):
            raise _was_changed(path, position)
        row = row_of(line.stream, position, previous, event, line.body)
        if row["hash"] != line.hash or line.stream != exported[0].stream:
            raise _was_changed(path, position)
        events.append(event)
        previous = line.hash
    return events


def _was_changed(path: Path, position: int) -> InstrumentError:
    return InstrumentError(f"{path}: event {position} was changed")
