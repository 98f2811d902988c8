"""Faults to inject into the range: their kinds, and for which hosts and requests each applies.

Faults can be added and removed while the range runs, from any thread.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock

from harness.errors import UsageError, known
from probes.range.block_page_text import PAGE_FLAWS, PageFlaw
from probes.range.zone import BLOCK_HOST, normalise, original_host

MOST_SECONDS = 10 * 366 * 24 * 3600
"""The longest time of a fault of the record: ten years."""


class FaultKind(StrEnum):
    """The kinds of fault.

    The first four change what is blocked: an UNREAD page is not analysed. PAGE_FLAW breaks one part
    of the block page (``probes.range.block_page_text``). The styles change how a
    block looks: for named hosts they block whatever the policy says; for all hosts
    (``hosts=None``) they are the style of the policy's own blocks. ``probes.range.filter.STYLES``
    lists the styles of each service.
    """

    MISS = "miss"
    OVERBLOCK = "overblock"
    OFF = "off"
    UNREAD = "unread"
    PAGE_FLAW = "page-flaw"

    # Styles that cut the connection.
    SILENT = "silent"
    RESET = "reset"
    EOF = "eof"
    REFUSE = "refuse"
    SHUT = "shut"
    DROP = "drop"
    ALERT = "alert"
    PLAIN = "plain"

    # Styles that show something else.
    PAGE_200 = "page-200"
    PAGE_403 = "page-403"
    PAGE_451 = "page-451"
    REDIRECT = "redirect"
    FRAME = "frame"
    META_REFRESH = "meta-refresh"
    ECHO = "echo"
    GARBAGE = "garbage"
    UNKNOWN_AUTHORITY = "unknown-authority"
    WRONG_HOST = "wrong-host"
    EXPIRED = "expired"

    # Styles of a name server.
    SINKHOLE = "sinkhole"
    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    SERVFAIL = "servfail"
    INJECTED = "injected"
    INJECTED_LATE = "injected-late"
    STRAY = "stray"
    NO_HTTPS = "no-https"
    SMALL_LETTERS = "small-letters"

    # Styles that let the page through, but change it.
    INTERCEPT = "intercept"
    UPGRADE = "upgrade"
    BANNER = "banner"
    TRUNCATED = "truncated"
    TORN = "torn"
    STALLED = "stalled"
    DRIP = "drip"
    STALE = "stale"

    # How an origin, or a guard in front of it, rejects clients.
    CAPTCHA = "captcha"
    GEO_BLOCK = "geo-block"
    LEGAL = "legal"
    SERVER_ERROR = "server-error"
    PARKED = "parked"

    # The policy of the user seen last at the client's address answers.
    MIXED_USERS = "mixed-users"

    # How the filter's own record is wrong; no effect on what is filtered.
    LOG_DROPPED = "log-dropped"
    LOG_ONLY_MARKED = "log-only-marked"
    LOG_NO_BLOCKS = "log-no-blocks"
    LOG_CLOCK = "log-clock"
    LOG_WRONG_USER = "log-wrong-user"
    LOG_NO_USER = "log-no-user"
    LOG_NO_CLIENT = "log-no-client"
    LOG_SECRETS = "log-secrets"
    LOG_NO_QUERIES = "log-no-queries"
    LOG_NO_SEARCH_TERMS = "log-no-search-terms"
    LOG_LATE = "log-late"
    LOG_LOST_AT_RESTART = "log-lost-at-restart"

    # How the filter's alerts are wrong; no effect on what is filtered.
    ALERT_NO_CATEGORIES = "alert-no-categories"
    ALERT_NO_WORDS = "alert-no-words"
    ALERT_NO_DEVICES = "alert-no-devices"
    ALERT_DROPPED = "alert-dropped"
    ALERT_ONLY_MARKED = "alert-only-marked"
    ALERT_BENIGN = "alert-benign"
    ALERT_WRONG_RECIPIENT = "alert-wrong-recipient"
    ALERT_NO_PRIORITY = "alert-no-priority"
    ALERT_LATE = "alert-late"
    ALERT_NO_ESCALATION = "alert-no-escalation"
    ALERT_NO_OPERATOR = "alert-no-operator"

    # How the filter slows what it lets through, or fails under load (``probes.range.shaping``).
    SPEED_DOWN = "speed-down"
    SPEED_UP = "speed-up"
    SPEED_JITTER = "speed-jitter"
    SPEED_LOST = "speed-lost"
    SPEED_OPEN = "speed-open"
    SPEED_QUICK_FOR_TESTS = "speed-quick-for-tests"

    SLOW = "slow"
    CAPTIVE = "captive"
    DEAD = "dead"
    GONE = "gone"


LOG_KINDS = frozenset(kind for kind in FaultKind if kind.startswith("log-"))
"""Faults of the filter's own record (``docs/reference/service-log.md`` describes each)."""

ALERT_KINDS = frozenset(kind for kind in FaultKind if kind.startswith("alert-"))
"""Faults of the filter's alerts (``docs/reference/range-alerts.md`` describes each)."""

SPEED_KINDS = frozenset(kind for kind in FaultKind if kind.startswith("speed-"))
"""Faults of the filter's speed (``docs/reference/range-speed.md`` describes each)."""

SHARE_KINDS = frozenset(
    {
        FaultKind.SPEED_LOST,
        FaultKind.LOG_DROPPED,
        FaultKind.LOG_WRONG_USER,
        FaultKind.ALERT_DROPPED,
        FaultKind.ALERT_BENIGN,
    }
)
"""Faults that affect a ``share`` of the lines or requests."""

HOLDING_KINDS = frozenset({FaultKind.LOG_LATE, FaultKind.LOG_LOST_AT_RESTART, FaultKind.ALERT_LATE})
"""Faults that hold lines or alerts back for ``seconds`` before they are written or sent."""

WORD_KINDS = frozenset(
    {FaultKind.ALERT_NO_WORDS, FaultKind.ALERT_NO_DEVICES, FaultKind.SPEED_QUICK_FOR_TESTS}
)
"""Faults that distinguish requests with one of some ``words``."""

SETTINGS_KINDS = frozenset({FaultKind.OFF, FaultKind.MISS})
"""Faults that a filter could notice itself: it is off, or no longer blocks what it should."""

_WHOLE = 2**64


def _check_options(
    kind: FaultKind, words: Collection[str], categories: Collection[str], recipient: str
) -> None:
    """Raise ValueError if a fault of alerts lacks an option that it needs."""
    if kind in WORD_KINDS and not (words and all(words)):
        msg = f"{str(kind)!r} needs 'words': at least one"
        raise ValueError(msg)
    if kind is FaultKind.ALERT_NO_CATEGORIES and not (categories and all(categories)):
        msg = f"{str(kind)!r} needs 'categories': at least one"
        raise ValueError(msg)
    if kind is FaultKind.ALERT_WRONG_RECIPIENT:
        check_mail_address(recipient)


def _check_speed(kind: FaultKind, rate: float, connections: int) -> None:
    """Raise ValueError if a fault of the filter's speed has no sense."""
    if kind in (FaultKind.SPEED_DOWN, FaultKind.SPEED_UP) and not 1 <= rate < math.inf:
        msg = f"{str(kind)!r} needs 'rate': at least 1 byte per second"
        raise ValueError(msg)
    if kind is FaultKind.SPEED_OPEN and connections < 1:
        msg = f"{str(kind)!r} needs 'connections': at least 1"
        raise ValueError(msg)


def check_mail_address(text: str) -> None:
    """Raise ValueError unless a text may be a mail address: one ``@``, printable ASCII."""
    local, at, domain = text.partition("@")
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' <>,;:"()[]\\')
    if not (local and at and domain and is_plain) or "@" in domain:
        msg = f"{text!r} is no mail address; write it as name@school.example"
        raise ValueError(msg)


def _check_numbers(kind: FaultKind, share: float, seconds: float) -> None:
    """Raise ValueError if a fault of the record or of alerts has no effect or no sense."""
    if kind in SHARE_KINDS and not 0 < share <= 1:
        msg = f"the share of {str(kind)!r} is above 0 and at most 1"
        raise ValueError(msg)
    if kind in HOLDING_KINDS | {FaultKind.SPEED_JITTER} and not 0 < seconds <= MOST_SECONDS:
        msg = f"{str(kind)!r} needs 'seconds' above 0 and at most {MOST_SECONDS}"
        raise ValueError(msg)
    if kind is FaultKind.LOG_CLOCK and not 0 < abs(seconds) <= MOST_SECONDS:
        msg = f"{str(kind)!r} needs 'seconds': how far its clock is ahead, or below 0 behind"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault; see FaultKind.

    ``hosts`` and ``profiles`` of None mean all. ``service`` is ``proxy``, ``resolver``,
    ``gateway``, ``origin``, ``names`` or any of them (None). The fault skips the first ``after``
    requests that the filter receives once it was added, then applies to ``lasting`` requests.
    ``delay`` (seconds) is for SLOW and DRIP; ``address`` for SINKHOLE and INJECTED (on some systems
    0.0.0.0 would connect to the origin); ``share`` of the body for TRUNCATED and TORN; ``to`` is
    the target host of REDIRECT, FRAME and META_REFRESH; ``extended_error`` (RFC 8914) is for the
    resolver's blocks; ``flaw`` is the part that PAGE_FLAW breaks.

    The faults of the record (LOG_KINDS) use ``share`` for the part of the lines that LOG_DROPPED
    and LOG_WRONG_USER affect, chosen by the request and ``seed``; ``user`` for the name that
    LOG_WRONG_USER writes; ``seconds`` for how far LOG_CLOCK is ahead (below 0: behind), and for how
    long LOG_LATE and LOG_LOST_AT_RESTART hold lines back. The faults of alerts (ALERT_KINDS) use
    ``share`` and ``seconds`` likewise, ``words`` of a search or of a User-Agent, ``categories``
    (each with those below it), and ``recipient``, to whom ALERT_WRONG_RECIPIENT sends.

    The faults of speed (SPEED_KINDS) use ``rate`` (bytes per second) for SPEED_DOWN and SPEED_UP,
    ``seconds`` for the longest delay of SPEED_JITTER, ``share`` for SPEED_LOST, ``connections`` for
    how many connections at once are filtered with SPEED_OPEN, and ``delay`` for each request
    without one of the ``words`` of SPEED_QUICK_FOR_TESTS.
    """

    kind: FaultKind
    hosts: frozenset[str] | None = None
    profiles: frozenset[str] | None = None
    service: str | None = None
    after: int = 0
    lasting: int | None = None
    delay: float = 0.0
    address: str = "127.0.0.2"
    share: float = 0.5
    to: str = BLOCK_HOST
    extended_error: int | None = None
    flaw: PageFlaw | None = None
    seconds: float = 60.0
    user: str = "another-user"
    seed: int = 0
    words: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    recipient: str = "somebody-else@school.test"
    rate: float = 100_000.0
    connections: int = 4

    def __post_init__(self) -> None:
        """Convert names to kinds. Raises UsageError for unknown names and wrong numbers."""
        try:
            object.__setattr__(self, "kind", FaultKind(self.kind))
        except ValueError:
            msg = f"no fault {str(self.kind)!r}; {known(FaultKind)}"
            raise UsageError(msg) from None
        if self.flaw is not None and self.flaw not in PAGE_FLAWS:
            msg = f"no flaw {self.flaw!r} of a block page; {known(PAGE_FLAWS)}"
            raise UsageError(msg)
        try:
            _check_numbers(self.kind, self.share, self.seconds)
            _check_options(self.kind, self.words, self.categories, self.recipient)
            _check_speed(self.kind, self.rate, self.connections)
        except ValueError as error:
            raise UsageError(f"{error}") from None
        if self.hosts is not None:
            object.__setattr__(self, "hosts", frozenset(map(normalise, self.hosts)))

    def touches(self, host: str, profile: str, service: str) -> bool:
        """Whether the fault applies to that host, profile and service."""
        return (
            (self.hosts is None or host in self.hosts)
            and (self.profiles is None or profile in self.profiles)
            and self.service in (None, service)
        )

    def chooses(self, *request: str) -> bool:
        """Whether a fault that affects a share of requests affects this one; other faults do all.

        It depends on what describes the request and on the seed alone, so the same requests in any
        order have the same ones chosen.
        """
        if self.kind not in SHARE_KINDS:
            return True
        text = "\x1f".join((str(self.seed), self.kind, *request))
        digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.share * _WHOLE


class Repeats:
    """How often each request came, by its digest: ``chooses`` tells equal requests apart so."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def add(self, request: tuple[str, ...]) -> int:
        """Count a request, and return how many equal ones there were before."""
        key = hashlib.blake2b(repr(request).encode(), digest_size=8).digest()
        self._seen[key] += 1
        return self._seen[key] - 1


class Faults:
    """The active faults; the latest added comes first. Thread-safe."""

    def __init__(self, *faults: Fault) -> None:
        self._lock = Lock()
        self._requests = 0
        self._active: tuple[tuple[Fault, int], ...] = ()
        for fault in faults:
            self.add(fault)

    def __iter__(self) -> Iterator[Fault]:
        return iter([fault for fault, _ in self._active])

    def add(self, fault: Fault) -> Fault:
        """Activate a fault."""
        with self._lock:
            self._active = ((fault, self._requests), *self._active)
        return fault

    def remove(self, fault: Fault) -> None:
        """Deactivate a fault, if it is active."""
        with self._lock:
            self._active = tuple(pair for pair in self._active if pair[0] != fault)

    def clear(self) -> None:
        """Deactivate all faults."""
        with self._lock:
            self._active = ()

    def count(self) -> None:
        """Count one request that the filter received."""
        with self._lock:
            self._requests += 1

    def on(self, host: str, profile: str = "", service: str = "") -> tuple[Fault, ...]:
        """Return the faults for a request, latest first; plain twins share their host's."""
        host = original_host(host)
        return tuple(fault for fault in self.due() if fault.touches(host, profile, service))

    def due(self) -> tuple[Fault, ...]:
        """Return the faults that apply to some request now, latest first."""
        requests = self._requests
        return tuple(fault for fault, start in self._active if _is_due(fault, requests - start))


def _is_due(fault: Fault, request: int) -> bool:
    if fault.after and request <= fault.after:
        return False
    return fault.lasting is None or request <= fault.after + fault.lasting
