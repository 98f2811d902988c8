"""A verdict says what happened to one trial, by which mechanism, and which rule said so."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from harness.model.corpus import Item
from harness.model.observation import AttemptKey, Observation

NOTED_PROBES = frozenset({"dns_https"})
"""Probes whose verdicts are kept, and count for nobody and against nobody: a browser does without
HTTPS records (RFC 9460), whether they pass or not."""

BRACKET_FAILED = "bracket-failed"
"""The rule of every verdict whose batch is void."""


class State(StrEnum):
    """What became of the item. ``insufficient`` is never favourable."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    ALTERED = "altered"
    DOWN = "down"
    INSUFFICIENT = "insufficient"


DELIVERED = frozenset({State.ALLOWED, State.ALTERED})
"""The states in which the item came, as it was or not quite."""


class Mechanism(StrEnum):
    """How the service made itself felt; nothing is folded together."""

    NONE = "none"
    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_NODATA = "dns_nodata"
    DNS_SINKHOLE = "dns_sinkhole"
    DNS_REFUSED = "dns_refused"
    DNS_SERVFAIL = "dns_servfail"
    DNS_SILENT = "dns_silent"
    PROXY_REFUSAL = "proxy_refusal"
    BLOCK_PAGE = "block_page"
    HTTP_451 = "http_451"
    REDIRECT = "redirect"
    TCP_RESET = "tcp_reset"
    TCP_REFUSED = "tcp_refused"
    TCP_EOF = "tcp_eof"
    ICMP_UNREACHABLE = "icmp_unreachable"
    TLS_ALERT = "tls_alert"
    TLS_INTERCEPT_PAGE = "tls_intercept_page"
    SILENT_DROP = "silent_drop"
    OTHER = "other"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A service's observation beside the control's of the same item, profile and round."""

    service: Observation
    control: Observation | None

    @property
    def key(self) -> AttemptKey:
        """The service's attempt key names the trial."""
        return self.service.key


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The judgement of one trial. ``rule`` is a public contract: ids are never reused.

    ``witnesses`` are short sentences naming the facts that the rule saw.
    ``first_byte_overhead`` is service minus control, in seconds, where both have one.
    """

    key: AttemptKey
    item: Item
    state: State
    rule: str
    rules_version: str
    mechanism: Mechanism = Mechanism.NONE
    witnesses: tuple[str, ...] = ()
    claimed_category: str = ""
    origin_refusal: bool = False
    intercepted: bool = False
    first_byte_service: float | None = None
    first_byte_control: float | None = None
