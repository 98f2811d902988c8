"""How the reference filter slows what it lets through, and what it does under load.

One ``Shaping`` belongs to a filter: what passes through all of its connections shares one rate down
and one rate up. Other faults of speed follow from the request alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from time import monotonic
from typing import TYPE_CHECKING

from probes.range.faults import Fault, FaultKind

if TYPE_CHECKING:
    from probes.range.connection import Request

_WHOLE = 2.0**64


class RateLimit:
    """A rate shared by connections: what is sent waits until all before it has passed."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def wait_for(self, size: int, rate: float, now: float) -> float:
        """Return in how many seconds ``size`` bytes have passed at ``rate`` bytes per second.

        ``now`` is in monotonic seconds.
        """
        self._free_at = max(now, self._free_at) + size / rate
        return self._free_at - now


class Shaping:
    """The shared state of a filter's faults of speed; ``connections`` are those open now."""

    def __init__(self) -> None:
        self._down, self._up = RateLimit(), RateLimit()
        self.connections = 0

    def wait_down(self, faults: Iterable[Fault], size: int) -> float:
        """Return how many seconds bytes to the client wait; 0 without a limited rate."""
        return _wait(self._down, FaultKind.SPEED_DOWN, faults, size)

    def wait_up(self, faults: Iterable[Fault], size: int) -> float:
        """Return how many seconds bytes to the origin wait; 0 without a limited rate."""
        return _wait(self._up, FaultKind.SPEED_UP, faults, size)

    def is_open(self, faults: Iterable[Fault]) -> bool:
        """Whether so much is going on that the filter lets everything through."""
        return any(
            one.kind is FaultKind.SPEED_OPEN and self.connections > one.connections
            for one in faults
        )


def delay_of(faults: Iterable[Fault], request: Request) -> float:
    """Return the further delay of a request in seconds."""
    delay = 0.0
    for fault in faults:
        if fault.kind is FaultKind.SPEED_JITTER:
            delay += fault.seconds * _drawn(fault.seed, request)
        elif fault.kind is FaultKind.SPEED_QUICK_FOR_TESTS:
            address = f"{request.host}{request.path}"
            delay += 0.0 if any(word in address for word in fault.words) else fault.delay
    return delay


def is_lost(faults: Iterable[Fault], request: Request) -> bool:
    """Whether a request gets a reset instead of an answer."""
    return any(
        one.kind is FaultKind.SPEED_LOST and one.chooses(request.method, request.host, request.path)
        for one in faults
    )


def _wait(limit: RateLimit, kind: FaultKind, faults: Iterable[Fault], size: int) -> float:
    fault = next((one for one in faults if one.kind is kind), None)
    return limit.wait_for(size, fault.rate, monotonic()) if fault is not None and size else 0.0


def _drawn(seed: int, request: Request) -> float:
    """Return a number from 0 to 1 that follows from a request."""
    text = f"{seed} {request.method} {request.host}{request.path}"
    digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _WHOLE
