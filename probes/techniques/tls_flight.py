"""Options of steps with TLS: how the ClientHello is cut, and what is sent late."""

from __future__ import annotations

from harness.errors import known
from harness.ports.streams import ByteStream
from probes.net.first_flight import BOUNDARIES, Boundary, FlightShape, socket_of
from probes.techniques.http1_step import PAUSE
from probes.techniques.run import NotCarriedError, TechniqueRun

HTTPS_PORT = 443

NONE = "none"
"""Value of an option that leaves something out."""

FLIGHT_OPTIONS = {"records": "", "cut": "", "late": "no", "order": ""}
"""Options of the first flight with what holds if they are not given.

``records=8`` cuts it into TLS records of 8 bytes, ``records=sni`` into two inside the server name.
``cut=sni`` sends it in two writes; others are ``half``, ``random``, ``every`` and offsets, also
several parted by commas. ``late=yes`` waits after the first write; ``order=disorder`` has the first
segment arrive last.
"""


def read_shape(options: dict[str, str]) -> FlightShape:
    """Return how a first flight is sent. Raises ValueError for an unknown value."""
    if options["order"] not in ("", "disorder"):
        msg = f"unknown order {options['order']!r}; known: 'disorder'"
        raise ValueError(msg)
    records = _boundary(options["records"]) if options["records"] else 0
    if isinstance(records, int) and records < 0:
        msg = f"records of {records} bytes cannot be sent"
        raise ValueError(msg)
    return FlightShape(
        records=records,
        cuts=tuple(map(_boundary, filter(None, options["cut"].split(",")))),
        pause=PAUSE if is_yes(options["late"]) else 0.0,
        disorder=bool(options["order"]),
    )


def is_yes(value: str) -> bool:
    """Read ``yes`` or ``no``. Raises ValueError for another value."""
    if value not in ("yes", "no"):
        msg = f"{value!r} is neither 'yes' nor 'no'"
        raise ValueError(msg)
    return value == "yes"


def _boundary(text: str) -> int | Boundary:
    if text.removeprefix("-").isdigit() and text.isascii():
        return int(text)
    found = next((each for each in BOUNDARIES if each == text), None)
    if found is None:
        msg = f"{text!r} is no place to cut at; write an offset, or {known(BOUNDARIES)}"
        raise ValueError(msg)
    return found


async def open_below(run: TechniqueRun, shape: FlightShape) -> ByteStream:
    """Return the stream for a handshake. Raises what ``run.open`` raises, and NotCarriedError."""
    stream = await run.open(HTTPS_PORT)
    if shape.disorder and socket_of(stream) is None:
        raise NotCarriedError(
            f"line {run.line.name!r} gives no socket to the far end, as segments out of order need"
        )
    return stream
