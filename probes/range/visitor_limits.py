"""Limits for strangers: how much one network may ask of a public origin.

Addresses are counted by network, a /24 of IPv4 or a /64 of IPv6. Each network has two token
buckets: requests within the first are served; requests within the second get a short refusal (an
error page, a truncated answer over UDP); all others are dropped. So a flood costs little, and
replies to a forged source address stay few (response-rate limiting, as name servers do it).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from harness.model.declared import Declared
from harness.model.subscriber import subscriber_of

NETWORK_BITS = 24
"""The bits of IPv4 by which addresses are counted together."""
MAX_NETWORKS = 65_536
"""Networks whose buckets are kept; the one that was silent longest is forgotten."""


class Admission(Enum):
    """What becomes of a request: an answer, a short refusal, or nothing."""

    SERVED = "served"
    REFUSED = "refused"
    DROPPED = "dropped"


Rate = Annotated[float, Field(gt=0, le=1_000_000)]
Number = Annotated[int, Field(ge=1, le=100_000_000)]


class VisitorRules(Declared):
    """The numbers behind the limits, as the file of an origin declares them.

    ``per_second`` and ``burst`` are requests of one network; ``connections`` are its open
    connections, ``connections_in_all`` those of everybody. ``patience`` is how many seconds a
    connection may last, from one question to the next where there are several. ``head_bytes`` and
    ``body_bytes`` limit a request, ``message_bytes`` a question over TCP, ``answer_bytes`` an
    answer over UDP.
    """

    per_second: Rate = 500.0
    burst: Number = 1000
    connections: Number = 256
    connections_in_all: Number = 4096
    patience: Rate = 20.0
    head_bytes: Number = 16 * 1024
    body_bytes: Number = 96 * 1024
    message_bytes: Number = 1024
    answer_bytes: Annotated[int, Field(ge=512, le=4096)] = 1232


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the network by which an address is counted; the text itself if it is no address."""
    return subscriber_of(address, NETWORK_BITS)


class _Bucket:
    """A token bucket: ``take`` succeeds ``burst`` times at once, then ``rate`` times a second."""

    __slots__ = ("_tokens", "_updated")

    def __init__(self, burst: float, now: float) -> None:
        self._tokens = burst
        self._updated = now

    def take(self, rate: float, burst: float, now: float) -> bool:
        """Take one token, if there is one."""
        self._tokens = min(burst, self._tokens + (now - self._updated) * rate)
        self._updated = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


@dataclass(slots=True, kw_only=True)
class VisitorLimits:
    """The limits as they stand for each network; ``now`` is a monotonic clock in seconds."""

    rules: VisitorRules = field(default_factory=VisitorRules)
    now: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[str, tuple[_Bucket, _Bucket]] = field(default_factory=OrderedDict)
    _open: Counter[str] = field(default_factory=Counter)
    _open_in_all: int = 0

    def admit(self, address: str) -> Admission:
        """Count one request from ``address``, and return what becomes of it."""
        network, now, rules = network_of(address), self.now(), self.rules
        buckets = self._buckets.get(network)
        if buckets is None:
            buckets = self._buckets[network] = (
                _Bucket(rules.burst, now),
                _Bucket(rules.burst, now),
            )
            if len(self._buckets) > MAX_NETWORKS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(network)
        served, refused = buckets
        if served.take(rules.per_second, rules.burst, now):
            return Admission.SERVED
        if refused.take(rules.per_second, rules.burst, now):
            return Admission.REFUSED
        return Admission.DROPPED

    def open(self, address: str) -> bool:
        """Count a new connection, if it may be opened; then ``close`` must follow."""
        network = network_of(address)
        if (
            self._open_in_all >= self.rules.connections_in_all
            or self._open[network] >= self.rules.connections
        ):
            return False
        self._open[network] += 1
        self._open_in_all += 1
        return True

    def close(self, address: str) -> None:
        """Count the end of a connection that was opened."""
        network = network_of(address)
        self._open_in_all -= 1
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        return self._open_in_all


class Visit:
    """One TCP connection under limits: counted, and ended when its time is over.

    ``admission`` says what becomes of its request. A connection beyond the limits is aborted before
    anything is read from it, so that a flood costs no TLS handshakes.
    """

    def __init__(self, limits: VisitorLimits, transport: asyncio.Transport) -> None:
        self._limits = limits
        self.address = peer_address(transport)
        self._is_open = limits.open(self.address)
        self.admission = limits.admit(self.address) if self._is_open else Admission.DROPPED
        self._unused: Admission | None = self.admission
        self._timer: asyncio.TimerHandle | None = None
        if self.admission is Admission.DROPPED:
            transport.abort()
        else:
            self.restart(transport)

    def next_admission(self) -> Admission:
        """Return what becomes of the next question; the first was counted with the connection."""
        admission = self._unused or self._limits.admit(self.address)
        self._unused = None
        return admission

    def restart(self, transport: asyncio.Transport) -> None:
        """Give the connection its full time again."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._limits.rules.patience, transport.abort)

    def end(self) -> None:
        """Count the end of the connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._is_open:
            self._is_open = False
            self._limits.close(self.address)


def peer_address(transport: asyncio.BaseTransport) -> str:
    """Return the IP address at the other end; empty if it is gone already."""
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""
