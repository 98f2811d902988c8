"""The file of received alerts or mails: one JSON object a line, all records of one kind.

A line is written before the sender of its record is told that it was accepted. So an alert that is
not in the file was refused, and its sender knows that.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, Self, TypeVar

import msgspec

from harness.errors import Fault, FaultyDocument, UsageError
from harness.model import received_alert, received_mail
from harness.model.received_alert import ReceivedAlert
from harness.model.received_mail import ReceivedMail
from harness.untrusted.regular_file import NotRegularFile, open_regular

LINE_BYTES = 1024 * 1024
"""The most bytes of a line that are read."""
MOST_NAMED = 50
"""The most faulty lines that a message names; reading stops there."""
ONLY_OWNER = 0o600
"""The mode of the file: alerts name people."""

Record = TypeVar("Record", ReceivedAlert, ReceivedMail)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolKind(Generic[Record]):
    """What a spool holds: the name of a record and of several, and the command that writes them.

    ``note_at`` makes the note that the receiver works.
    """

    one: str
    several: str
    command: str
    decoder: msgspec.json.Decoder[Record]
    note_at: Callable[[datetime], Record]

    def holds(self, line: bytes) -> bool:
        """Whether a line is a record of this kind."""
        try:
            self.decoder.decode(line)
        except (msgspec.MsgspecError, RecursionError):
            return False
        return True


ALERTS = SpoolKind(
    one="an alert",
    several="alerts",
    command="accredit alerts receive",
    decoder=msgspec.json.Decoder(ReceivedAlert),
    note_at=received_alert.note_at,
)
MAILS = SpoolKind(
    one="a mail",
    several="mails",
    command="accredit mail receive",
    decoder=msgspec.json.Decoder(ReceivedMail),
    note_at=received_mail.note_at,
)


def _other_kind(line: bytes, kind: SpoolKind[Record]) -> str:
    """Return what a line is a record of if that is another kind ("alerts"); else nothing."""
    if kind.holds(line):
        return ""
    kinds = {ALERTS.several: ALERTS.holds(line), MAILS.several: MAILS.holds(line)}
    other = next((several for several, is_held in kinds.items() if is_held), "")
    return other if line.count(b'":') > 1 else ""  # a time alone says nothing


class Spool(Generic[Record]):
    """Appends records of a kind to a file while its context lasts; for one thread.

    The file can be read by its owner alone. ``report`` is told once if a record cannot be
    written. A line that was cut off when an earlier program ended is removed, because its sender
    got no acknowledgement. Raises UsageError for a file that is no spool of that kind, that another
    program writes to, or that cannot be opened.
    """

    def __init__(
        self, path: Path, kind: SpoolKind[Record], report: Callable[[str], None] = lambda _: None
    ) -> None:
        self.path = path
        self.kind: SpoolKind[Record] = kind
        self._report = report
        self._has_reported = False
        self._descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = _opened(self.path)
            self._prepare()
        except OSError as error:
            self.__exit__()
            msg = f"{self.path}: cannot be written: {error.strerror}; give another file"
            raise UsageError(msg) from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def append(self, record: Record) -> bool:
        """Write a record, and return whether it is in the file as a whole."""
        line = msgspec.json.encode(record) + b"\n"
        before = os.fstat(self._descriptor).st_size
        try:
            written, reason = os.write(self._descriptor, line), f"only a part of {self.kind.one}"
        except OSError as error:
            written, reason = 0, error.strerror or str(error)
        if written == len(line):
            return True
        if written:
            os.ftruncate(self._descriptor, before)
        if not self._has_reported:
            self._has_reported = True
            self._report(
                f"{self.path} cannot be written: {reason}; senders are asked to try again later "
                "until this is fixed"
            )
        return False

    def _prepare(self) -> None:
        """Check that the file is a spool, and remove a last line that was cut off."""
        size = os.fstat(self._descriptor).st_size
        first, line_feed, _ = os.pread(self._descriptor, LINE_BYTES + 1, 0).partition(b"\n")
        start = max(0, size - LINE_BYTES - 1)
        last_line_feed = os.pread(self._descriptor, LINE_BYTES + 1, start).rfind(b"\n")
        is_whole = line_feed and last_line_feed >= 0
        if is_whole and (other := _other_kind(first, self.kind)):
            msg = f"{self.path}: holds received {other}, not {self.kind.several}; give another file"
            raise UsageError(msg)
        if size and not (is_whole and self.kind.holds(first)):
            msg = f"{self.path}: is no file of received {self.kind.several}; give another file"
            raise UsageError(msg)
        os.fchmod(self._descriptor, ONLY_OWNER)
        whole = start + last_line_feed + 1
        if whole < size:
            os.ftruncate(self._descriptor, whole)
            self._report(
                f"{self.path}: the last line was cut off when an earlier program ended; it was "
                "removed, because its sender got no acknowledgement"
            )


def _opened(path: Path) -> int:
    """Open or create a regular file for appending, locked. Raises OSError and UsageError."""
    import fcntl  # noqa: PLC0415 - POSIX alone has it

    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    if path.exists() and not path.is_file():
        raise NotRegularFile(errno.EINVAL, "it is not a regular file", str(path))
    descriptor = os.open(path, flags, ONLY_OWNER)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        msg = f"{path}: another program writes to this file; give another file"
        raise UsageError(msg) from None
    return descriptor


def read_spool(
    path: Path, kind: SpoolKind[Record], note: Callable[[bytes], object] = lambda _: None
) -> Iterator[Record]:
    """Yield the records in a file, one line after the other; times are aware UTC.

    ``note`` gets each line as it stands in the file, before its record comes.
    Raises FaultyDocument at the end if a line cannot be read (callers keep nothing until then) or
    the last line is cut off, and UsageError if the file cannot be opened or begins with a record
    of another kind.
    """
    faults: list[Fault] = []
    see = f"it must be a line that '{kind.command}' wrote"
    try:
        with open_regular(path) as stream:
            number = 0
            while line := stream.readline(LINE_BYTES + 1):
                number += 1
                note(line)
                found = _read_line(line, kind)
                if not isinstance(found, str):
                    yield found
                    continue
                if number == 1 and (other := _other_kind(line, kind)):
                    msg = (
                        f"{path}: holds received {other}, not {kind.several}; give a file that "
                        f"'{kind.command}' wrote"
                    )
                    raise UsageError(msg)
                faults.append(Fault(where=str(path), line=number, key="", found=found, known=see))
                if len(faults) >= MOST_NAMED or len(line) > LINE_BYTES:
                    break
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None
    if faults:
        raise FaultyDocument(tuple(faults))


def _read_line(line: bytes, kind: SpoolKind[Record]) -> Record | str:
    """Return the record in a line, or what is wrong with the line."""
    if len(line) > LINE_BYTES:
        return f"longer than {LINE_BYTES // 1024} KiB"
    if not line.endswith(b"\n"):
        return "the last line is cut off"
    try:
        record = kind.decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        return f"not {kind.one}: {error}"
    if record.at.tzinfo is None:
        return f"not {kind.one}: the time has no time zone"
    try:
        return msgspec.structs.replace(record, at=record.at.astimezone(UTC))
    except OverflowError:
        return f"not {kind.one}: the time has no time in UTC"
