"""An observation is what one attempt left behind: facts only, never a verdict.

A network failure is a fact here, not an exception (OONI probe-cli, ``experiment.go``). Names of
failures follow OONI df-007-errors; our own trouble is named ``instrument_*``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from harness.model.corpus import Item
from harness.model.facts import Facts


class Heartbeats(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many heartbeats began during a wait and were answered in time, or were late.

    ``slowest`` is the longest time that one took, ``allowed`` the time that each was given (a
    multiple of what it takes on the idle line); both in seconds. A heartbeat that failed, or
    that was overdue when the wait ended, is *late*.
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
    """Bytes of one kind, with the digest that names them."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """``sha256:`` and the hexadecimal digest of the body."""
        return digest_of(self.body)


def digest_of(body: bytes) -> str:
    """The name under which ``body`` is kept."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


CONTROL = "control"
"""The name of the unfiltered line; every trial needs an observation made on it."""

Role = Literal["item", "must_allow", "must_block", "heartbeat", "retry", "plain_twin"]
"""What an attempt was for. A *heartbeat* is a must-allow item tried while others wait; a *retry*
tries an item again (see ``Look``), a *plain twin* tries it once more as a pupil would."""

Look = Literal["first", "confirmed", "alone", "patience", "at_once", "at_end", "other_client"]
"""How an attempt was made: at first; again after a timeout; again with nothing else begun on the
line; again with the longest patience; again at once, at the end, or by the second client."""

Stage = Literal[
    "resolve", "proxy_connect", "tunnel", "connect", "tls", "request", "response", "instrument"
]

FAILURES = frozenset(
    {
        "address_family_not_supported",
        "connection_already_in_progress",
        "connection_aborted",
        "connection_refused",
        "connection_reset",
        "dns_bogon_error",
        "dns_no_answer",
        "dns_non_recoverable_failure",
        "dns_nxdomain_error",
        "dns_refused_error",
        "dns_server_misbehaving",
        "dns_servfail_error",
        "dns_temporary_failure",
        "eof_error",
        "generic_timeout_error",
        "host_unreachable",
        "http_invalid_response",
        "http_redirect_limit",
        "network_down",
        "network_unreachable",
        "not_connected",
        "operation_canceled",
        "permission_denied",
        "private_address",
        "proxy_authentication_required",
        "proxy_autoconfig_failed",
        "proxy_refused_tunnel",
        "ssl_failed_handshake",
        "ssl_invalid_certificate",
        "ssl_invalid_hostname",
        "ssl_unknown_authority",
        "tls_alert",
        "timed_out",
        "instrument_no_descriptors",
        "instrument_no_memory",
        "instrument_overload",
        "instrument_local_address",
        "instrument_error",
    }
)
"""The closed list of failure names (OONI df-007-errors, extended; never reuse a name)."""


class AttemptKey(msgspec.Struct, frozen=True, kw_only=True):
    """What makes one attempt unique: writing the same key twice changes nothing."""

    campaign: str
    item: str
    probe: str
    line: str
    profile: str
    round: int = 1

    def on(self, line: str) -> AttemptKey:
        """The key of the same attempt made on another line."""
        return msgspec.structs.replace(self, line=line)

    def for_item(self, item: str) -> AttemptKey:
        """The key of the same attempt made for another item."""
        return msgspec.structs.replace(self, item=item)


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an attempt got no (whole) answer, and at which stage it stopped.

    ``extended_errors`` are the codes that a resolver gave with its answer (RFC 8914).
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
        """Whether the trouble is ours: counted and shown, but left out of every n."""
        return self.name.startswith("instrument_")


class Timings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Monotonic durations in seconds; ``None`` for a phase that did not happen, never 0."""

    resolve: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that one attempt saw; immutable, and true whatever is concluded from it later.

    ``left_by``: what the packets left by, where the line was bound to it. ``heartbeats``: what came
    of must-allow items beside it. ``filter_off``: the filter seemed off beside a retrial.
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
