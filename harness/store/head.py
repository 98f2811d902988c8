"""The head of a journal: the number of its observations, and the hash over all of them.

A hash chain shows changes within it, but not lines that were cut off at its end. So the head is in
a separate file that is replaced atomically after each batch is on the disk. A crash between the two
leaves a head that is one batch behind, which the writer corrects. A head that records more than the
journal holds means that something was removed.

Somebody who rewrites both the chain and the head is found only by comparison with an earlier head;
each report, assessment and bundle prints one.
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
    """The number of observations, the hash over all of them, and the ends of the other chains.

    ``chains`` maps the name of a file, such as ``stops.jsonl``, to its last hash; an empty chain
    is left out.
    """

    rows: int
    hash: str
    chains: dict[str, str] = {}

    def printed(self) -> PrintedHead:
        """The head in the form that an assessment prints."""
        return PrintedHead(held=self.rows, hash=self.hash)


def read_head(directory: Path) -> Head | None:
    """The head in a folder, if there is one. Raises InstrumentError if the file is damaged."""
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
        msg = f"{path}: not the head of a journal as it was written; the journal is damaged"
        raise InstrumentError(msg)
    return head


def write_head(directory: Path, head: Head) -> None:
    """Replace the head and wait until it is on the disk. Raises InstrumentError."""
    try:
        write_whole(directory / HEAD, msgspec.json.encode(head) + b"\n", mode=0o600)
    except OSError as error:
        msg = f"{directory / HEAD}: {error.strerror or error}"
        raise InstrumentError(msg) from error


def extended_hash(previous: str, marker: BatchMarker) -> str:
    """The hash after one more batch: over the previous hash and the batch's hash."""
    text = f"{previous}\x1f{marker.batch}\x1f{marker.rows}\x1f{marker.sha256}"
    return hashlib.sha256(text.encode()).hexdigest()


def heads_after(previous: str, rows: int, markers: Iterable[BatchMarker]) -> list[Head]:
    """The heads before the first of the batches and after each one, without the other chains."""
    heads = [Head(rows=rows, hash=previous)]
    for marker in markers:
        last = heads[-1]
        heads.append(Head(rows=last.rows + marker.rows, hash=extended_hash(last.hash, marker)))
    return heads
