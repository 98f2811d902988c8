"""Runs that wait to be sent to the hub, on disk, until the hub says that it holds them.

``spool/`` holds an entry for each run, ``refused/`` beside it those that the hub does not take,
with the reason; nothing is deleted without the hub's receipt. The process may end at any moment: an
entry is there whole or not at all, and sending goes on where the hub says.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.fleet.messages import (
    MOST_UPLOAD,
    PART_BYTES,
    FromAgent,
    FromHub,
    PartReceived,
    Refused,
    RunReceived,
    UploadPart,
)
from probes.agent.delivery_pause import DeliveryPause
from probes.agent.durable_files import (
    copy_durably,
    make_private_folder,
    remove_folder,
    rename_durably,
    sync_folder,
    write_durably,
)
from probes.agent.spool_entry import (
    BUNDLE,
    RECORD,
    DamagedEntryError,
    SpoolRecord,
    digest_of,
    read_part,
    read_record,
)
from probes.agent.uplink_error import UplinkError

REASON = "reason.txt"
UPLOAD_TRIES = 3
"""How often an upload is begun again, because the hub finds it incomplete, in one delivery."""

STALLED = 3
"""After so many answers by which the hub holds no more than before, an upload is given up."""


class Asks(Protocol):
    """The part of an uplink that delivery needs."""

    def ask(self, message: FromAgent) -> FromHub:
        """Send a message and return the answer. Raises UplinkError."""
        ...


class Delivered(NamedTuple):
    """What became of a delivery: keys of runs sent and refused, the number of those that wait.

    ``trouble`` says in a sentence why not all were sent; it is empty if they were.
    """

    sent: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    waiting: int = 0
    trouble: str = ""


class _RefusedError(Exception):
    """The hub will never take an entry."""


class _NotNowError(Exception):
    """An entry cannot be sent now; ``is_for_all`` if the others cannot either."""

    def __init__(self, why: str, *, is_for_all: bool) -> None:
        super().__init__(why)
        self.is_for_all = is_for_all


class RunSpool:
    """The runs in a folder; one process at a time may use it."""

    def __init__(
        self,
        folder: Path,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Open a spool; ``folder`` will hold ``spool`` and ``refused``.

        ``chance`` returns a number from 0 to 1, for pauses. Removes what a process that was killed
        left unfinished. Raises InstrumentError if the folder cannot be used.
        """
        self._spool, self._refused = folder / "spool", folder / "refused"
        self._pause = DeliveryPause(monotonic, chance)
        try:
            make_private_folder(self._spool)
            make_private_folder(self._refused)
            for left in self._spool.glob(".*"):
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            raise _unusable(self._spool, error) from None

    def add(self, key: str, due: datetime, run: str, bundle: Path | None = None) -> None:
        """Keep a run until it is delivered; when this returns, it is on the disk.

        ``run`` is its event as JSON, ``key`` what it is known by; adding it again does nothing. The
        bundle is copied. Raises UsageError for one that is larger than a hub takes, and
        InstrumentError if the disk refuses.
        """
        try:
            sha256, size = digest_of(bundle) if bundle is not None else (None, 0)
            if size > MOST_UPLOAD:
                msg = f"{bundle}: is larger than a hub takes ({MOST_UPLOAD // 1024**2} MiB)"
                raise UsageError(msg)
            record = SpoolRecord(key=key, due=due, run=run, sha256=sha256, size=size)
            if not (self._spool / record.name).is_dir():
                self._write(record, bundle)
        except OSError as error:
            raise _unusable(self._spool, error) from None
        except DamagedEntryError as error:
            raise InstrumentError(str(error)) from None

    def waiting(self) -> tuple[SpoolRecord, ...]:
        """The runs that wait, in order of their due times; damaged ones are left out."""
        found = []
        for folder in self._folders():
            try:
                found.append(read_record(folder))
            except (DamagedEntryError, FileNotFoundError):
                continue
        return tuple(found)

    def refused(self) -> Iterator[tuple[str, str]]:
        """The folders of runs that were refused, by name, with the reasons."""
        for folder in sorted(self._refused.iterdir()):
            try:
                yield folder.name, (folder / REASON).read_text(encoding="utf-8")
            except OSError:
                yield folder.name, ""

    def deliver(self, uplink: Asks, *, now: bool = False) -> Delivered:
        """Send what waits, in order of due times. Raises InstrumentError if the disk refuses.

        After trouble it does nothing for a while (see ``delivery_pause``), except with ``now``.
        """
        if not now and (why := self._pause.reason()):
            return Delivered(waiting=len(self._folders()), trouble=why)
        sent, refused, trouble = [], [], ""
        for folder in self._folders():
            try:
                record = read_record(folder)
                self._send(folder, record, uplink)
                remove_folder(folder, folder.with_name(f".{folder.name}.gone"))
                sent.append(record.key)
            except FileNotFoundError:
                continue  # another process delivered it
            except (DamagedEntryError, _RefusedError) as error:
                refused.append(self._refuse(folder, str(error)))
            except _NotNowError as error:
                trouble = trouble or str(error)
                if error.is_for_all:
                    break
            except OSError as error:
                raise _unusable(folder, error) from None
        self._pause.note(trouble)
        return Delivered(tuple(sent), tuple(refused), len(self._folders()), trouble)

    def _folders(self) -> list[Path]:
        return sorted(one for one in self._spool.iterdir() if not one.name.startswith("."))

    def _write(self, record: SpoolRecord, bundle: Path | None) -> None:
        """Write an entry under a hidden name, and then give it its own."""
        target = self._spool / record.name
        hidden = target.with_name(f".{target.name}.{os.getpid()}.new")
        shutil.rmtree(hidden, ignore_errors=True)
        make_private_folder(hidden)
        try:
            if bundle is not None:
                copy_durably(bundle, hidden / BUNDLE)
                _require_same(hidden / BUNDLE, record, f"{bundle}: was changed while it was copied")
            write_durably(hidden / RECORD, msgspec.json.encode(record))
            sync_folder(hidden)
            rename_durably(hidden, target)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise

    def _send(self, folder: Path, record: SpoolRecord, uplink: Asks) -> None:
        """Send an entry; returns when the hub holds it. Raises _RefusedError or _NotNowError."""
        for _ in range(UPLOAD_TRIES):
            try:
                refusal = _upload(folder, record, uplink) if record.sha256 is not None else None
                answer = refusal if refusal is not None else uplink.ask(record.report)
            except UplinkError as error:
                if error.kind == "too-large":
                    raise _RefusedError(str(error)) from None
                raise _NotNowError(str(error), is_for_all=True) from None
            if isinstance(answer, RunReceived):
                return
            _require_incomplete(answer)
        if record.sha256 is not None:
            _require_same(folder / BUNDLE, record, "its bundle is not as it was written")
        msg = f"the hub found the upload of run {record.key} incomplete {UPLOAD_TRIES} times"
        raise _NotNowError(msg, is_for_all=False)

    def _refuse(self, folder: Path, why: str) -> str:
        """Move an entry to those that were refused; return its key, or its name if damaged."""
        try:
            name = read_record(folder).key
        except (DamagedEntryError, FileNotFoundError):
            name = folder.name
        try:
            if not folder.is_dir():  # a file that somebody put there
                rename_durably(folder, self._free(folder.name))
                return name
            write_durably(folder / REASON, why.encode())
            rename_durably(folder, self._free(folder.name))
        except OSError as error:
            raise _unusable(folder, error) from None
        return name

    def _free(self, name: str) -> Path:
        """A path for a refused entry; the same run may have been refused before."""
        path, number = self._refused / name, 2
        while path.exists():
            path, number = self._refused / f"{name}-{number}", number + 1
        return path


def _upload(folder: Path, record: SpoolRecord, uplink: Asks) -> Refused | None:
    """Send a bundle, from where the hub says; return its refusal, if there is one.

    A large bundle begins with an empty part, by whose answer one learns how much the hub holds.
    Raises UplinkError, _NotNowError and DamagedEntryError.
    """
    assert record.sha256 is not None
    offset, most = 0, -1
    stalled, length = 0, PART_BYTES if record.size <= PART_BYTES else 0
    while True:
        data = read_part(folder, offset, length)
        part = UploadPart(sha256=record.sha256, size=record.size, offset=offset, data=data)
        answer = uplink.ask(part)
        if isinstance(answer, Refused):
            return answer
        if not isinstance(answer, PartReceived) or answer.sha256 != record.sha256:
            raise _other_answer(answer)
        if answer.held == record.size:
            return None
        if answer.held > record.size:
            msg = "the hub says that it holds more of a bundle than there is"
            raise _NotNowError(msg, is_for_all=False)
        stalled = 0 if answer.held > most else stalled + 1
        if stalled >= STALLED:
            msg = f"the upload of run {record.key} does not get on: the hub holds no more of it"
            raise _NotNowError(msg, is_for_all=False)
        offset, most, length = answer.held, max(most, answer.held), PART_BYTES


def _require_same(bundle: Path, record: SpoolRecord, why: str) -> None:
    """Raise DamagedEntryError if a bundle is not the one of a record."""
    if digest_of(bundle) != (record.sha256, record.size):
        raise DamagedEntryError(why)


def _require_incomplete(answer: FromHub) -> None:
    """Return if an upload can be begun again. Raises _RefusedError or _NotNowError."""
    if not isinstance(answer, Refused):
        raise _other_answer(answer)
    if answer.reason in ("faulty", "too-large"):
        msg = f"the hub refuses it ({answer.reason}): {answer.words}"
        raise _RefusedError(msg)
    if answer.reason != "incomplete":
        msg = f"the hub takes nothing from this agent ({answer.reason}): {answer.words}"
        raise _NotNowError(msg, is_for_all=True)


def _other_answer(answer: FromHub) -> _NotNowError:
    kind = type(answer).__struct_config__.tag
    return _NotNowError(f"the hub answered with {kind!r}, which is no answer", is_for_all=True)


def _unusable(path: Path, error: OSError) -> InstrumentError:
    return InstrumentError(f"{path}: cannot be used: {error.strerror or error}")
