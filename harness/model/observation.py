"""Observations: the facts of one attempt, never a verdict; with failures, heartbeats and evidence.

A network failure is a fact, not an exception (OONI probe-cli, ``experiment.go``). Failure names
follow OONI df-007-errors; failures of our own equipment are named ``instrument_*``. The sets of
names that measuring and judging tell apart stand beside the list.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from harness.model.corpus import Item
from harness.model.facts import Facts
from harness.model.timed_event import EventNote

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
        "instrument_list_program",
        "instrument_error",
    }
)
"""The closed list of failure names (OONI df-007-errors, extended; never reuse a name)."""

LIST_PROGRAM = "instrument_list_program"
"""The sealed list program gave no answer that can be used; the detail says why."""

DEFECTS = frozenset({"instrument_error", LIST_PROGRAM})
"""Failures of our own equipment that fewer concurrent attempts cannot prevent."""

TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
"""No answer came within the timeout of an attempt."""

ABRUPT = frozenset(
    {
        "connection_aborted",
        "connection_refused",
        "connection_reset",
        "eof_error",
        "host_unreachable",
        "network_unreachable",
        "ssl_failed_handshake",
        "tls_alert",
    }
)
"""A reset, an end of the stream, an ICMP error, a TLS handshake that was broken off."""

DNS_FAILED = frozenset(
    {
        "dns_non_recoverable_failure",
        "dns_server_misbehaving",
        "dns_servfail_error",
        "dns_temporary_failure",
    }
)
"""The resolver could not find an answer (SERVFAIL; RFC 1035 section 4.1.1)."""

RESOLVER_TROUBLE = DNS_FAILED | {"dns_refused_error"}
"""Resolver failures (SERVFAIL, REFUSED; RFC 1035 section 4.1.1), also used for rate limiting."""

OTHER_CERTIFICATES = frozenset({"ssl_invalid_hostname", "ssl_unknown_authority"})
"""Failures that show another party's certificate."""

FALSE_CERTIFICATES = OTHER_CERTIFICATES | {"ssl_invalid_certificate"}
"""Certificate failures after which the page is read nevertheless."""

LOCAL_TROUBLE = frozenset(
    {
        "address_family_not_supported",
        "connection_already_in_progress",
        "network_down",
        "not_connected",
        "operation_canceled",
        "permission_denied",
    }
)
"""Failures of the client's own network, which say nothing about the service."""

BUSY = frozenset({429, 502, 503, 504})
"""Answers of a gateway that may be overloaded (RFC 9110 section 15.6, RFC 6585 section 4)."""

BLOCK_CODES = {15: "blocked", 16: "censored", 17: "filtered", 18: "prohibited"}
"""Extended DNS errors by which a resolver says that it blocks (RFC 8914 sections 4.16 to 4.19)."""


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

Role = Literal[
    "item", "must_allow", "must_block", "heartbeat", "retry", "plain_twin", "poll", "user",
    "logged", "log", "availability", "people", "speed", "arrivals", "machine",
]  # fmt: skip
"""What an attempt was for. A *heartbeat* is a must-allow item tried while others wait; a *retry*
tries an item again (see ``Look``), a *plain twin* tries it once more as a pupil would, a *user*
tries it beside other users of the same address, a *poll* shows whether a timed event has taken
effect. A *logged* request is one that the service's log has to show; *log* is no attempt, but what
was read of such a log, and *people* what a person stated. One for *availability* shows whether the
service is up and filters; one for *speed* is a timed transfer, or an item tried beside it.
*arrivals* is no attempt, but what the origin says that reached it by one; *machine* is none either,
but how busy the measuring machine was beside the batch."""

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
    ``tries`` numbers the attempt; ``strained`` counts attempts before it that trouble of our own
    equipment ended, and that may have reached the service. ``heartbeats`` are those of must-allow
    items during the attempt. ``filter_off``: the filter seemed to be off during a retrial.
    ``event`` is that of a poll, or of a check of availability.
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
    strained: int = 0
    left_by: str = ""
    evidence: tuple[str, ...] = ()
    look: Look = "first"
    heartbeats: Heartbeats | None = None
    filter_off: bool = False
    event: EventNote | None = None

    @property
    def ended(self) -> datetime:
        """When the attempt ended; as it began, if that is not known."""
        return self.started + timedelta(seconds=self.timings.total or 0.0)
