"""The orders of an agent: files from the hub that say what is measured, kept beside its results.

An order replaces the one before as a whole. An older one is never taken again, so that nobody can
bring back what the hub has changed.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from pathlib import Path, PurePosixPath

import msgspec

from harness.errors import HarnessError, InstrumentError, UsageError
from harness.fleet.messages import Order, OrderFile
from harness.monitor.monitoring_file import MonitoringFile, read_monitoring
from harness.store.atomic_write import write_document
from harness.untrusted.regular_file import read_bounded

CURRENT = "current.json"
MOST_BYTES = 10_000
MOST_FILES = 500
KEPT = 3
"""How many orders stay on the disk."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,98}[A-Za-z0-9_-])?")
"""A part of a file's name. It begins with a letter or digit: it is neither hidden nor goes up. It
does not end with a full stop or a space, which Windows leaves out."""

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?: *\..*)?", re.IGNORECASE)
"""What Windows takes for a device."""


class _Current(msgspec.Struct, frozen=True, kw_only=True):
    """The order that counts: its number, and the name of its monitoring file."""

    serial: int
    monitoring: str


_CURRENTS = msgspec.json.Decoder(_Current)


class AgentOrders:
    """The orders in a folder of the agent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def serial(self) -> int:
        """The number of the order that counts; 0 if there is none."""
        current = self._current()
        return current.serial if current is not None else 0

    @property
    def monitoring(self) -> Path | None:
        """The monitoring file of the order that counts, or ``None``."""
        current = self._current()
        if current is None:
            return None
        return self._place(current.serial) / current.monitoring

    def install(self, order: Order) -> MonitoringFile:
        """Keep an order, and let it count. Raises UsageError for one that cannot be trusted.

        It is complete on the disk before it counts. Two earlier ones stay, for runs that go on.
        """
        before = self.serial
        if order.serial <= before:
            msg = f"order {order.serial} is not newer than order {before}, which is in force"
            raise UsageError(msg)
        paths = _checked(order.files)
        if _checked_name(order.monitoring) not in paths:
            msg = f"order {order.serial}: its monitoring file {order.monitoring!r} is not in it"
            raise UsageError(msg)
        place = self._place(order.serial)
        try:
            declared = _written(place, paths, order.monitoring)
            current = _Current(serial=order.serial, monitoring=order.monitoring)
            write_document(self._folder / CURRENT, msgspec.json.encode(current) + b"\n")
        except HarnessError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        for old in self.places()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)
        return declared

    def places(self) -> list[Path]:
        """The folders of the orders that are kept, the newest first."""
        found = [each for each in self._folder.glob("[0-9]*") if each.name.isascii()]
        return sorted(found, key=lambda each: (len(each.name), each.name), reverse=True)

    def remove(self) -> None:
        """Forget all orders, so that nothing more is measured; results stay."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _place(self, serial: int) -> Path:
        return self._folder / f"{serial:08d}"

    def _current(self) -> _Current | None:
        path = self._folder / CURRENT
        try:
            return _CURRENTS.decode(read_bounded(path, MOST_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            msg = f"{path}: cannot be read: {reason}; remove it, and the hub sends the order again"
            raise UsageError(msg) from None


def _written(place: Path, paths: dict[str, OrderFile], monitoring: str) -> MonitoringFile:
    """Write an order's files into a new folder, and read its monitoring file.

    Raises InstrumentError if they cannot be written, UsageError if the file cannot be followed.
    """
    try:
        if place.exists():  # of an order that did not come into force
            shutil.rmtree(place)
        for path, file in paths.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_document(place / path, file.data)
    except OSError as error:
        msg = f"{place}: the order cannot be kept: {error.strerror or error}"
        raise InstrumentError(msg) from None
    declared = read_monitoring(place / monitoring)
    if [len(service.sites) for service in declared.services] != [1]:
        msg = f"{declared.path}: an order is about one site of one service"
        raise UsageError(msg)
    for _, schedule in declared.schedules():
        beside = posixpath.join(posixpath.dirname(monitoring), schedule.campaign)
        if posixpath.normpath(beside) not in paths:
            msg = f"{declared.path}: the campaign {schedule.campaign!r} is not in the order"
            raise UsageError(msg)
    return declared


def _checked(files: tuple[OrderFile, ...]) -> dict[str, OrderFile]:
    """The files by their names. Raises UsageError for a name that may not be."""
    if len(files) > MOST_FILES:
        msg = f"an order of {len(files)} files is too large; at most {MOST_FILES} are taken"
        raise UsageError(msg)
    named = {_checked_name(file.name): file for file in files}
    if len({name.casefold() for name in named}) != len(files):
        msg = "an order names a file twice"
        raise UsageError(msg)
    return named


def _checked_name(name: str) -> str:
    """A relative path of plain parts. Raises UsageError."""
    parts = PurePosixPath(name).parts
    is_plain = all(_NAME.fullmatch(part) and not _DEVICE.fullmatch(part) for part in parts)
    if not parts or "/".join(parts) != name or not is_plain:
        msg = f"an order names a file {name!r}; only plain relative names are taken"
        raise UsageError(msg)
    return name
