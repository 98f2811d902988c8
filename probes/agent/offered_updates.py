"""Fetch a version of the software that the hub offers, and keep it; nothing is ever installed.

The wheel comes in parts, sealed like every message, and is kept only if its SHA-256 and size are
those of the offer.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Protocol

from harness.errors import InstrumentError
from harness.fleet.messages import (
    PART_BYTES,
    FetchPart,
    FilePart,
    FromAgent,
    FromHub,
    Refused,
    Update,
)
from probes.agent.durable_files import make_private_folder, sync_folder, write_durably
from probes.agent.spool_entry import digest_of
from probes.agent.uplink_error import UplinkError

MOST_BYTES = 256 * 1024**2
"""The largest wheel that is fetched."""

MOST_VERSION = 64
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.!+_]*", re.ASCII)
"""Versions that may stand in the name of a wheel (PEP 440, and PEP 427 "Escaping and Unicode")."""


class Asks(Protocol):
    """The part of an uplink that fetching needs."""

    def ask(self, message: FromAgent) -> FromHub:
        """Send a message and return the answer. Raises UplinkError."""
        ...


def wheel_name(version: str) -> str:
    """The name of the wheel of a version. Raises UplinkError if it cannot be in a name."""
    escaped = version.replace("-", "_")
    if len(version) > MOST_VERSION or not _VERSION.fullmatch(escaped):
        msg = f"the hub offers a version that cannot be one: {version[:MOST_VERSION]!r}"
        raise UplinkError(msg, "untrusted")
    return f"isp_accredit-{escaped}-py3-none-any.whl"


def fetch_update(uplink: Asks, update: Update, folder: Path) -> Path:
    """Fetch an offered wheel into ``folder`` and return its path; it is on the disk then.

    What came before an interruption is kept, and fetching goes on there. A wheel that is there
    already is not fetched again. Raises UplinkError, or InstrumentError if the disk refuses.
    """
    path = folder / wheel_name(update.version)
    if update.size > MOST_BYTES:
        msg = f"the hub offers a wheel of {update.size:,} bytes; at most {MOST_BYTES:,} are fetched"
        raise UplinkError(msg, "too-large")
    try:
        make_private_folder(folder)
        if path.is_file() and digest_of(path) == (update.sha256, update.size):
            return path
        partial = folder / f".{update.sha256}.part"
        _fetch(uplink, update, partial)
        content = partial.read_bytes()
        if hashlib.sha256(content).hexdigest() != update.sha256 or len(content) != update.size:
            partial.unlink()
            msg = f"the wheel of version {update.version} is not the one that the hub offered"
            raise UplinkError(msg, "untrusted")
        write_durably(path, content)
        partial.unlink()
        sync_folder(folder)
    except OSError as error:
        msg = f"{folder}: an update cannot be kept: {error.strerror or error}"
        raise InstrumentError(msg) from None
    return path


def _fetch(uplink: Asks, update: Update, partial: Path) -> None:
    """Fetch what is missing of a file. Raises UplinkError and OSError."""
    held = partial.stat().st_size if partial.is_file() else 0
    with partial.open("ab") as stream:
        while held < update.size:
            answer = uplink.ask(FetchPart(sha256=update.sha256, offset=held))
            if isinstance(answer, Refused):
                msg = f"the hub does not give version {update.version}: {answer.words}"
                raise UplinkError(msg, "not-a-hub")
            held += stream.write(_next_part(answer, update, held))


def _next_part(answer: FromHub, update: Update, held: int) -> bytes:
    """The bytes that come next. Raises UplinkError for an answer that does not hold them."""
    if isinstance(answer, FilePart):
        is_asked = (answer.sha256, answer.size, answer.offset) == (
            update.sha256,
            update.size,
            held,
        )
        if is_asked and 0 < len(answer.data) <= min(PART_BYTES, update.size - held):
            return answer.data
    msg = f"the hub gave another part of version {update.version} than was asked for"
    raise UplinkError(msg, "untrusted")
