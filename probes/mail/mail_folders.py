"""Read the mails of a mailbox from files: a spool of ``accredit mail receive``, mbox or Maildir.

An mbox file (RFC 4155) is streamed: memory holds one mail at a time. A Maildir folder is read as it
is, without its subfolders; with Maildir++ each of these is a folder of its own. Both are written by
the server that kept the mails, so what a mail says of its arrival is what that server wrote, in the
topmost fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime
from io import BufferedReader
from pathlib import Path
from typing import Literal

from harness.errors import Fault, FaultyDocument, UsageError
from harness.model.received_mail import ReceivedMail
from harness.untrusted.regular_file import open_regular
from probes.mail.mbox import FROM_LINE, LINE_BYTES, mbox_mails
from probes.mail.raw_mail import MOST_BYTES, MOST_RECIPIENTS, Fields, read_mail
from probes.receivers.alert_text import (
    HEAD_BYTES,
    LONGEST_HEADER,
    decoded_header,
    header_fields,
)
from probes.receivers.spool import MAILS, read_spool

SourceKind = Literal["spool", "mbox", "maildir"]
"""The forms in which mails are read."""

Note = Callable[[bytes], object]

MOST_MAILS = 1_000_000
"""The most mails of a Maildir folder."""
MOST_NAMED = 50
"""The most faulty mails that a message names; reading stops there."""

KNOWN = "give a file of 'accredit mail receive', an mbox file, or a Maildir folder"

_DATE = re.compile(r"(?:\w{3},? )?(\w{3}) +(\d{1,2}) (\d{1,2}:\d{2}(?::\d{2})?)(.{0,20}?) (\d{4})")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_LATEST = 250_000_000_000.0
"""Seconds since 1970 of the latest time that is kept (the year 9892)."""

UNKNOWN = "(unknown)"
"""The sender of a mail that states none: not the empty one of a bounce."""


def read_source(path: Path, note: Note = lambda _: None) -> Iterator[ReceivedMail]:
    """Yield the mails of a spool, an mbox file or a Maildir folder, with the notes of a spool.

    ``note`` gets the bytes as they are read, before their mail comes. Of a mail that is larger than
    ``MOST_BYTES`` only the beginning is read. Raises UsageError if the source cannot be opened or
    is neither; FaultyDocument at the end if a mail cannot be read, or the last one is cut off
    (callers keep nothing until then).
    """
    kind = source_kind(path)
    if kind == "spool":
        yield from read_spool(path, MAILS, note)
    elif kind == "mbox":
        yield from _read_mbox(path, note)
    else:
        yield from _read_maildir(path, note)


def source_kind(path: Path) -> SourceKind:
    """Return what a source is, by looking at it. Raises UsageError if it is none.

    An empty file is an mbox file without mails.
    """
    try:
        if path.is_dir():
            return _kind_of_folder(path)
        with open_regular(path) as stream:
            first = stream.readline(LINE_BYTES)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if first.startswith(b"{"):
        return "spool"
    if not first or FROM_LINE.match(first):
        return "mbox"
    msg = f"{path}: is neither a spool of mails nor an mbox file; {KNOWN}"
    raise UsageError(msg)


def _kind_of_folder(path: Path) -> SourceKind:
    missing = [name for name in ("cur", "new") if not (path / name).is_dir()]
    if missing:
        msg = f"{path}: is no Maildir folder: it holds no folder {missing[0]!r}; {KNOWN}"
        raise UsageError(msg)
    return "maildir"


def _unreadable(path: Path, error: OSError | ValueError) -> UsageError:
    if isinstance(error, FileNotFoundError):
        return UsageError(f"{path}: no such file or folder")
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return UsageError(f"{path}: cannot be read: {reason}")


def _read_mbox(path: Path, note: Note) -> Iterator[ReceivedMail]:
    """Yield the mails of an mbox file."""
    try:
        with open_regular(path) as stream:
            written = _written(os.fstat(stream.fileno()))
            yield from _mails_in(stream, path, written, note)
    except OSError as error:
        raise _unreadable(path, error) from None


def _mails_in(
    stream: BufferedReader, path: Path, written: datetime, note: Note
) -> Iterator[ReceivedMail]:
    for mail in mbox_mails(stream, note):
        if mail.is_cut_off:
            found = "the last mail is cut off: its last line has no end"
            see = "copy the file again while no program writes to it"
            raise FaultyDocument(
                (Fault(where=str(path), line=mail.line, key="", found=found, known=see),)
            )
        stated = FROM_LINE.match(mail.from_line)
        sender = stated[1].decode("utf-8", "replace") if stated else ""
        at = _time_of_from(mail.from_line.decode("utf-8", "replace")) or written
        yield _stored_mail(mail.raw, mail.size - mail.blank_at_end, at, sender)


def _read_maildir(path: Path, note: Note) -> Iterator[ReceivedMail]:
    """Yield the mails of a Maildir folder, in the order of their names (their times)."""
    faults: list[Fault] = []
    for _, file in sorted(_files_in(path)):
        try:
            found = _read_file(file, note)
        except OSError as error:
            found = error.strerror or str(error)
        if isinstance(found, ReceivedMail):
            yield found
            continue
        see = "read the folder again, or remove what is no mail from it"
        faults.append(Fault(where=str(file), line=None, key="", found=found, known=see))
        if len(faults) >= MOST_NAMED:
            break
    if faults:
        raise FaultyDocument(tuple(faults))


def _files_in(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a Maildir folder with their names. Raises UsageError."""
    number = 0
    for folder in ("cur", "new"):
        try:
            with os.scandir(path / folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):  # no mail, by the definition of Maildir
                        continue
                    number += 1
                    if number > MOST_MAILS:
                        msg = f"{path}: holds more than {MOST_MAILS:,} mails; give a smaller folder"
                        raise UsageError(msg)
                    yield entry.name, Path(entry.path)
        except OSError as error:
            raise _unreadable(path / folder, error) from None


def _read_file(file: Path, note: Note) -> ReceivedMail | str:
    """Return the mail in a file, or what is wrong with the file. Raises OSError."""
    if file.is_symlink():  # it may lead to any file of this machine
        return "is a symbolic link, not a mail"
    with open_regular(file) as stream:
        facts = os.fstat(stream.fileno())
        raw = stream.read(MOST_BYTES)
    note(raw)
    return _stored_mail(raw, max(facts.st_size, len(raw)), _written(facts), "")


def _written(facts: os.stat_result) -> datetime:
    """Return when a file was written last."""
    return datetime.fromtimestamp(min(max(0.0, facts.st_mtime), _LATEST), UTC)


def _stored_mail(raw: bytes, size: int, written: datetime, sender: str) -> ReceivedMail:
    """Return a mail from a mailbox; its envelope is what the server noted in its fields.

    The time is that of the topmost Received field, else ``written``. ``sender`` is that of the
    From_ line, if there is one.
    """
    fields, _ = header_fields(raw[:HEAD_BYTES])
    stated = next((value for name, value in fields if name == "received"), "")
    return read_mail(
        raw,
        at=_time_of(stated.rpartition(";")[2]) or written,
        to=_recipients(fields),
        sender=_sender_of(fields, sender),
        size=size,
    )


def _recipients(fields: Fields) -> list[str]:
    """Return to whom a mail was delivered, else to whom it is addressed."""
    delivered = [value for name, value in fields if name in _DELIVERED]
    return _addresses(delivered or [value for name, value in fields if name in ("to", "cc")])


def _sender_of(fields: Fields, from_line: str) -> str:
    """Return the sender of the envelope; only a server can say that it was empty.

    That is the Return-Path, else what the From_ line says (MAILER-DAEMON: empty), else the author.
    """
    path = next((value for name, value in fields if name == "return-path"), None)
    if path is not None:
        return path.partition(">")[0]
    if from_line == "MAILER-DAEMON":
        return ""
    if "@" in from_line:
        return from_line
    return next(iter(_addresses(value for name, value in fields if name == "from")), UNKNOWN)


def _addresses(values: Iterable[str]) -> list[str]:
    bounded = (value for value, _ in zip(values, range(MOST_RECIPIENTS), strict=False))
    pairs = getaddresses([decoded_header(value, LONGEST_HEADER) for value in bounded])
    return [address for _, address in pairs if address]


def _time_of(text: str) -> datetime | None:
    """Return a time of RFC 5322 in UTC; ``None`` if the text is none."""
    try:
        at = parsedate_to_datetime(" ".join(text[:200].split()))
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _time_of_from(line: str) -> datetime | None:
    """Return the time in a From_ line (``Sat Nov 28 12:00:00 2026``), in UTC without a zone."""
    found = _DATE.search(line)
    if found is None:
        return None
    month, day, clock, zone, year = found.groups()
    return _time_of(f"{day} {month} {year} {clock} {zone.strip() or '+0000'}")
