"""Observations: the facts of one attempt, never a verdict; with heartbeats and evidence.

A network failure is a fact, not an exception (OONI probe-cli, ``experiment.go``). Failure names
follow OONI df-007-errors; failures of our own equipment are named ``instrument_*``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from harness.model.corpus import Item
from harness.model.facts import Facts
from harness.model.failures import FAILURES


class Heartbeats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Heartbeats that began during a wait: answered in time, or late.

    ``slowest`` is the longest time that one took, ``allowed`` the time each was given (a multiple
    of the time on the idle line); both in seconds. A heartbeat that failed, or was overdue at the
    end of the wait, is *late*.
    """

    answered: int = 0
    late: int = 0
    slowest: float | None = None
    allowed: float | None = None

    @property
    def shows_life(self) -> bool:
        """Whether the line answered during the wait: more heartbeats were in time than late."""
        return self.answered > self.late

    def __str__(self) -> str:
        took = f", the slowest in {self.slowest:.2f} s" if self.slowest is not None else ""
        given = f" (allowed: {self.allowed:.2f} s)" if self.allowed is not None else ""
        return f"heartbeats: {self.answered} answered in time, {self.late} late{took}{given}"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes with a media type, named by their digest."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the body."""
        return digest_of(self.body)


def digest_of(body: bytes) -> str:
    """Return ``sha256:`` and the hexadecimal digest of ``body``."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


CONTROL = "control"
"""The name of the unfiltered line; every trial needs an observation on it."""

Role = Literal["item", "must_allow", "must_block", "heartbeat", "retry", "plain_twin"]
"""What an attempt was for. A *heartbeat* is a must-allow item tried while others wait; a *retry*
tries an item again (see ``Look``), a *plain twin* tries it once more as a pupil would."""

Look = Literal["first", "confirmed", "alone", "patience", "at_once", "at_end", "other_client"]
"""How an attempt was made: at first; again after a timeout; again with nothing else begun on the
line; again with the longest patience; again at once, at the end, or by the second client."""

Stage = Literal[
    "resolve", "proxy_connect", "tunnel", "connect", "tls", "request", "response", "instrument"
]


class AttemptKey(msgspec.Struct, frozen=True, kw_only=True):
    """The unique key of one attempt; writing the same key twice has no effect."""

    campaign: str
    item: str
    probe: str
    line: str
    profile: str
    round: int = 1

    def on(self, line: str) -> AttemptKey:
        """Return the key of the same attempt on another line."""
        return msgspec.structs.replace(self, line=line)

    def for_item(self, item: str) -> AttemptKey:
        """Return the key of the same attempt for another item."""
        return msgspec.structs.replace(self, item=item)


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an attempt got no complete answer, and at which stage it stopped.

    ``extended_errors`` are codes in a resolver's answer (RFC 8914). Raises ValueError for a name
    that is not in ``FAILURES``.
    """

    name: str
    stage: Stage
    detail: str = ""
    extended_errors: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in FAILURES:
            msg = f"unknown failure name {self.name!r}"
            raise ValueError(msg)

    @property
    def is_instrument(self) -> bool:
        """Whether our equipment failed: reported, but not counted in any n."""
        return self.name.startswith("instrument_")


class Timings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Monotonic durations in seconds; ``None`` for a phase that did not happen, never 0."""

    resolve: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of one attempt; immutable.

    ``left_by`` is the interface or address that packets left by, where the line is bound to it.
    ``heartbeats`` are those of must-allow items during the attempt. ``filter_off``: the filter
    seemed to be off during a retrial.
    """

    key: AttemptKey
    item: Item
    started: datetime
    batch: int
    role: Role = "item"
    timings: Timings = Timings()
    failure: Failure | None = None
    facts: Facts | None = None
    nonce: str = ""
    tries: int = 1
    left_by: str = ""
    evidence: tuple[str, ...] = ()
    look: Look = "first"
    heartbeats: Heartbeats | None = None
    filter_off: bool = False
