"""Changes to the origin's response, as faults require: ``tamper`` and ``without_nonce``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from harness.model.marker import SHAPE
from probes.range.faults import Fault, FaultKind

BANNER = b"<div>Your connection is protected by the reference filter. Browse with care.</div>"
DRIP_BYTES = 8
"""Bytes sent at once by fault DRIP."""

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
"""Kinds of fault that change the origin's response."""


class Ending(Enum):
    """How the connection to the client ends."""

    CLOSE = "close"
    RESET = "reset"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """What is sent instead of the response, in pieces, and how the connection ends.

    The fault's ``delay`` seconds pass between two pieces.
    """

    pieces: tuple[bytes, ...]
    ending: Ending = Ending.CLOSE


def tamper(fault: Fault, answer: bytes) -> Tampered:
    """Apply a fault to the origin's complete response; no change for kinds not in TAMPERED."""
    head, _, body = answer.partition(END_OF_HEAD)
    shortened = answer[: len(head) + len(END_OF_HEAD) + round(len(body) * fault.share)]
    match fault.kind:
        case FaultKind.BANNER:
            changed = body.replace(b"<body>", b"<body>" + BANNER, 1)
            return Tampered(pieces=(_with_length(head, len(changed)) + changed,))
        case FaultKind.TRUNCATED:
            return Tampered(pieces=(shortened,))
        case FaultKind.TORN:
            return Tampered(pieces=(shortened,), ending=Ending.RESET)
        case FaultKind.STALLED:
            promised = _with_length(head, len(body) + 1)
            return Tampered(pieces=(promised + body,), ending=Ending.NEVER)
        case FaultKind.DRIP:
            return Tampered(pieces=tuple(_drips(answer)))
    return Tampered(pieces=(answer,))


def without_nonce(lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Remove header lines with a nonce: the response then has no token, as from a cache."""
    return tuple(line for line in lines if not SHAPE.search(line.decode("latin-1")))


def _with_length(head: bytes, length: int) -> bytes:
    """Return the head with another Content-Length."""
    lines = _LENGTH.sub(b"", head + b"\r\n")
    return lines + f"Content-Length: {length}\r\n\r\n".encode()


def _drips(answer: bytes) -> Iterator[bytes]:
    return (answer[start : start + DRIP_BYTES] for start in range(0, len(answer), DRIP_BYTES))
