"""Verdicts of trials: state, mechanism and rule; and predicates on single observations.

``is_silent``, ``has_answer``, ``is_busy``, ``is_trouble``, ``is_answer`` and ``says_blocked``
classify what one observation shows, for judging and for deciding what is tried again.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from harness.model.corpus import Item
from harness.model.facts import DnsFacts, ReachFacts, SealedFacts, WebFacts
from harness.model.observation import (
    ABRUPT,
    BLOCK_CODES,
    BUSY,
    FALSE_CERTIFICATES,
    RESOLVER_TROUBLE,
    TIMEOUTS,
    AttemptKey,
    Observation,
)

BRACKET_FAILED = "bracket-failed"
"""The rule of every verdict whose batch is void."""


OF_THE_LINE = frozenset({
    "silence-without-sign-of-life", "silence-not-tried-with-patience", "silence-may-be-slowness",
    "trouble-not-seen-alone",
})  # fmt: skip
"""The rules by which trouble of the line leaves an item undecided (``harness.judge.liveness``)."""


class State(StrEnum):
    """What happened to the item. ``insufficient`` never counts for the service."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    ALTERED = "altered"
    DOWN = "down"
    INSUFFICIENT = "insufficient"


DELIVERED = frozenset({State.ALLOWED, State.ALTERED})
"""States in which the item arrived, unchanged or altered."""


class Mechanism(StrEnum):
    """How the service blocked; each mechanism is kept apart."""

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
    SAFE_MODE = "safe_mode"
    OTHER = "other"
    INSIDE_BLOCK_PAGE = "inside_block_page"
    """The content came, inside a block page that is shown in its place."""
    HIDDEN = "hidden"
    """The content came, but it is not known to be what the page shows."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The observations of service and control for the same item, profile and round."""

    service: Observation
    control: Observation | None

    @property
    def key(self) -> AttemptKey:
        """The attempt key of the service's observation."""
        return self.service.key


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The verdict of one trial. Rule ids in ``rule`` are public and never reused.

    ``witnesses`` are short sentences with the facts that the rule used. ``first_byte_service`` and
    ``first_byte_control`` are in seconds. ``counts`` and ``is_blind`` follow from the probe's
    declaration: whether its verdicts are counted, and whether it cannot see the item's layer.
    ``flaws`` are those of a block (``harness.model.block_flaw``); ``None`` if it is not known.
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
    flaws: int | None = None

    @property
    def came(self) -> bool:
        """Whether the item's page came and was shown, without a block before it or around it."""
        return self.state is State.ALLOWED and self.mechanism is Mechanism.NONE

    @property
    def without_that(self) -> str:
        """What the verdict would be without what changes it now; a witness of the new one."""
        return f"without that: {self.state} by rule {self.rule}"

    def as_insufficient(self, rule: str, *reasons: str) -> Verdict:
        """Return the verdict *insufficient* by ``rule``; the witnesses say what it would be."""
        return msgspec.structs.replace(
            self,
            state=State.INSUFFICIENT,
            rule=rule,
            mechanism=Mechanism.NONE,
            witnesses=(
                *reasons,
                self.without_that,
                *self.witnesses,
            ),
            claimed_category="",
            flaws=None,
        )


def is_silent(seen: Observation) -> bool:
    """Whether no answer came in time."""
    return seen.failure is not None and seen.failure.name in TIMEOUTS


def has_answer(seen: Observation) -> bool:
    """Whether an attempt got an answer: neither silence nor trouble of our own equipment."""
    is_ours = seen.failure is not None and seen.failure.is_instrument
    return not is_silent(seen) and not is_ours


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


def is_refused(seen: Observation) -> bool:
    """Whether a resolver refused to answer, by rule or because it was asked too often."""
    if seen.failure is not None and seen.failure.name == "dns_refused_error":
        return True
    return isinstance(seen.facts, DnsFacts) and seen.facts.rcode == "REFUSED"


def is_trouble(seen: Observation) -> bool:
    """Whether an answer may be a block or a fault of the line, the service or the origin.

    A timeout is not included; it is confirmed with a longer timeout instead.
    """
    abrupt = seen.failure is not None and seen.failure.name in ABRUPT
    return abrupt or is_busy(seen)


def is_answer(seen: Observation) -> bool:
    """Whether a must-allow item got the answer that it gets on an idle line."""
    if is_trouble(seen):
        return False
    if seen.failure is not None:
        # a page behind a false certificate is read nevertheless
        came = isinstance(seen.facts, WebFacts) and seen.facts.canary == "seen"
        return came and seen.failure.name in FALSE_CERTIFICATES
    match seen.facts:
        case WebFacts(canary=canary):
            return canary in ("seen", "not_applicable")
        case DnsFacts(rcode=rcode, answers=answers, type=kind):
            return rcode == "NOERROR" and (bool(answers) or kind == "HTTPS")
        case ReachFacts(reached=True | None) | SealedFacts(arrived="content"):
            return True
        case _:
            return False


def says_blocked(seen: Observation) -> bool:
    """Whether a resolver stated that it blocks (extended DNS errors)."""
    facts, failure = seen.facts, seen.failure
    codes = (
        {error.code for error in facts.extended_errors} if isinstance(facts, DnsFacts) else set()
    )
    return bool(BLOCK_CODES.keys() & {*codes, *(failure.extended_errors if failure else ())})
