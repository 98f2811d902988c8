"""Tampering: what becomes of the origin's answer on its way back through the filter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from harness.model.nonce import SHAPE
from probes.range.faults import Fault, FaultKind

BANNER = b"<div>Your connection is protected by the reference filter. Browse with care.</div>"
DROP = 8
"""Bytes of an answer that drips."""

END_OF_HEAD = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)^content-length:.*\r\n", re.MULTILINE)

TAMPERED = frozenset(
    {
        FaultKind.BANNER,
        FaultKind.TRUNCATED,
        FaultKind.TORN,
        FaultKind.STALLED,
        FaultKind.DRIP,
    }
)
"""The kinds of fault that change an answer after the origin gave it."""


class Ending(Enum):
    """How the connection to the client ends."""

    CLOSE = "close"
    RESET = "reset"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """What is sent in place of the answer, piece by piece, and how it ends.

    The fault's ``delay`` seconds lie between two pieces.
    """

    pieces: tuple[bytes, ...]
    ending: Ending = Ending.CLOSE


def tamper(fault: Fault, answer: bytes) -> Tampered:
    """The origin's whole answer as that fault leaves it; unchanged for kinds not in TAMPERED."""
    head, _, body = answer.partition(END_OF_HEAD)
    kept = answer[: len(head) + len(END_OF_HEAD) + round(len(body) * fault.share)]
    match fault.kind:
        case FaultKind.BANNER:
            changed = body.replace(b"<body>", b"<body>" + BANNER, 1)
            return Tampered(pieces=(_measured(head, len(changed)) + changed,))
        case FaultKind.TRUNCATED:
            return Tampered(pieces=(kept,))
        case FaultKind.TORN:
            return Tampered(pieces=(kept,), ending=Ending.RESET)
        case FaultKind.STALLED:
            promised = _measured(head, len(body) + 1)
            return Tampered(pieces=(promised + body,), ending=Ending.NEVER)
        case FaultKind.DRIP:
            return Tampered(pieces=tuple(_drops(answer)))
    return Tampered(pieces=(answer,))


def unmarked(lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Request lines without the nonce: what is answered then has no token, as from a cache."""
    return tuple(line for line in lines if not SHAPE.search(line.decode("latin-1")))


def _measured(head: bytes, length: int) -> bytes:
    """A head that states another length of the body."""
    lines = _LENGTH.sub(b"", head + b"\r\n")
    return lines + f"Content-Length: {length}\r\n\r\n".encode()


def _drops(answer: bytes) -> Iterator[bytes]:
    return (answer[place : place + DROP] for place in range(0, len(answer), DROP))
