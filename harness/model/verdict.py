"""A verdict says what happened to one trial, by which mechanism, and which rule said so."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from harness.model.corpus import Item
from harness.model.facts.dns import DnsFacts
from harness.model.facts.reach import ReachFacts
from harness.model.facts.web import WebFacts
from harness.model.observation import AttemptKey, Observation

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
    ``counts`` and ``is_blind`` follow from what the probe declares: whether its verdicts count
    for or against anybody, and whether it cannot see the layer that the item is about.
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
    counts: bool = True
    is_blind: bool = False


TIMEOUTS = frozenset({"generic_timeout_error", "timed_out"})
"""No answer came within the patience of an attempt."""

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

RESOLVER_TROUBLE = frozenset(
    {
        "dns_non_recoverable_failure",
        "dns_refused_error",
        "dns_server_misbehaving",
        "dns_servfail_error",
        "dns_temporary_failure",
    }
)
"""A resolver that says it failed, or that it will not answer (SERVFAIL, REFUSED, RFC 1035 section
4.1.1), as some do of those who ask too often."""

FALSE_CERTIFICATES = frozenset(
    {"ssl_invalid_certificate", "ssl_invalid_hostname", "ssl_unknown_authority"}
)
"""Failures behind which the page is read nevertheless."""

BUSY = frozenset({429, 502, 503, 504})
"""Answers of a gateway that may be overloaded (RFC 9110 section 15.6, RFC 6585 section 4)."""


SAYS_BLOCKED = frozenset({15, 16, 17, 18})
"""Extended DNS errors by which a resolver says so itself: blocked, censored, filtered, prohibited
(RFC 8914 sections 4.16 to 4.19)."""


def is_silent(seen: Observation) -> bool:
    """Whether no answer came in time."""
    return seen.failure is not None and seen.failure.name in TIMEOUTS


def is_busy(seen: Observation) -> bool:
    """Whether a gateway or resolver said that it could not answer now."""
    if seen.failure is not None and seen.failure.name in RESOLVER_TROUBLE:
        return True
    match seen.facts:
        case WebFacts(status=status, tunnel_status=tunnel):
            return bool({status, tunnel} & BUSY)
        case DnsFacts(rcode=rcode):
            return rcode in ("SERVFAIL", "REFUSED")
        case _:
            return False


def is_trouble(seen: Observation) -> bool:
    """Whether the answer may be a block as well as trouble of the line, the service or the origin.

    A silence is none of these; it is confirmed with patience instead.
    """
    abrupt = seen.failure is not None and seen.failure.name in ABRUPT
    return abrupt or is_busy(seen)


def is_answer(seen: Observation) -> bool:
    """Whether a must-allow item got the answer that it gets on an idle line."""
    if is_trouble(seen):
        return False
    if seen.failure is not None:
        # what came behind somebody else's certificate was read all the same
        came = isinstance(seen.facts, WebFacts) and seen.facts.canary == "seen"
        return came and seen.failure.name in FALSE_CERTIFICATES
    match seen.facts:
        case WebFacts(canary=canary):
            return canary in ("seen", "not_applicable")
        case DnsFacts(rcode=rcode, answers=answers, type=kind):
            return rcode == "NOERROR" and (bool(answers) or kind == "HTTPS")
        case ReachFacts(reached=reached):
            return reached is not False
        case _:
            return False


def says_blocked(seen: Observation) -> bool:
    """Whether a resolver said itself that it blocks, so that no trouble is mistaken for it."""
    facts, failure = seen.facts, seen.failure
    codes = (
        {error.code for error in facts.extended_errors} if isinstance(facts, DnsFacts) else set()
    )
    return bool(SAYS_BLOCKED & {*codes, *(failure.extended_errors if failure else ())})
