"""The head of a journal: how much it holds, and the hash that stands for all of it.

A hash chain shows what was changed in it, but not what was cut off at its end. So the head lies in
a file of its own, replaced as a whole after each batch is on the disk. A crash between the two
leaves a head that is one batch behind; the writer then puts it right. A head that records
more than is there means that something was removed.

Rewriting both the chain and the head is found only by comparison with a head that was printed
earlier: it stands in each report, assessment and bundle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.errors import InstrumentError
from harness.model.outcome import PrintedHead
from harness.store.atomic_write import write_whole
from harness.store.journal.jsonl_segment import BatchMarker

HEAD = "head.json"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Observations held, the hash over all of them, and the last hash of each further chain.

    ``chains`` is by the name of the file, such as ``stops.jsonl``; a chain without a line is not
    in it.
    """

    rows: int
    hash: str
    chains: dict[str, str] = {}

    def printed(self) -> PrintedHead:
        """As an assessment prints it."""
        return PrintedHead(held=self.rows, hash=self.hash)


def read_head(directory: Path) -> Head | None:
    """The head that lies in a folder, if any. Raises InstrumentError if it is something else."""
    path = directory / HEAD
    try:
        text = path.read_bytes()
        head = msgspec.json.decode(text, type=Head)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        msg = f"{path}: not the head of a journal, which is damaged: {error}"
        raise InstrumentError(msg) from None
    if text != msgspec.json.encode(head) + b"\n":
        msg = f"{path}: not the head of a journal as it was written: damaged"
        raise InstrumentError(msg)
    return head


def write_head(directory: Path, head: Head) -> None:
    """Replace the head, and wait until the disk has it. Raises InstrumentError."""
    try:
        write_whole(directory / HEAD, msgspec.json.encode(head) + b"\n", mode=0o600)
    except OSError as error:
        msg = f"{directory / HEAD}: {error.strerror or error}"
        raise InstrumentError(msg) from error


def extended(previous: str, marker: BatchMarker) -> str:
    """The hash after one more batch: over the hash before it and the batch's own."""
    text = f"{previous}\x1f{marker.batch}\x1f{marker.rows}\x1f{marker.sha256}"
    return hashlib.sha256(text.encode()).hexdigest()


def steps(previous: str, rows: int, markers: Iterable[BatchMarker]) -> list[Head]:
    """What the head was before any of the batches, and after each: without further chains."""
    found = [Head(rows=rows, hash=previous)]
    for marker in markers:
        last = found[-1]
        found.append(Head(rows=last.rows + marker.rows, hash=extended(last.hash, marker)))
    return found
