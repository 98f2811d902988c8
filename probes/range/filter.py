"""The reference filter's decisions: its policy, the styles of its services, and active faults.

Proxy, resolver and gateway apply a ``Decision``, each in its own protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Self

from harness.model.corpus import Item
from probes.range.access_log import AccessLog
from probes.range.examination import changed_request, code_of_answer, code_of_request
from probes.range.faults import SPEED_KINDS, Fault, FaultKind, Faults
from probes.range.search_control import locking_name
from probes.range.shaping import Shaping, delay_of, is_lost
from probes.range.url_list import UrlList
from probes.range.zone import BLOCK_HOST, ZONE, code_of, normalise, original_host, without_www

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.monitoring import Monitor

MUST_ALLOW = frozenset({f"amber-lantern.{ZONE}", f"sentinel-allow.canary.{ZONE}"})
MUST_BLOCK = frozenset({f"copper-meadow.{ZONE}", f"sentinel-block.canary.{ZONE}"})
"""Sentinel hosts: the defaults of campaigns, and older names."""


def blocks_all_categories(code: str, profile: str) -> bool:
    """Block every category except those that must be allowed."""
    del profile
    return code.partition(".")[0] not in {"", "ALW", "CTRL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterPolicy:
    """Maps hosts to categories, and categories and profiles to blocked or allowed.

    ``categories`` are the hosts reported to the supplier, ``own`` those in the filter's own
    categorisation. A host in neither has the category in its canary name, if any. With
    ``reads_pages`` requests and pages that are not encrypted are analysed as well: pages by their
    marker, requests by the list of ``urls``. ``engines`` are the locks of search engines by host,
    ``terms`` the categories of words in queries to them. Uploads are blocked where ``upload_code``
    is, tunnels to a port where its code in ``port_codes`` is. ``suffixes`` are the categories of
    all names below some. ``must_allow`` and ``must_block`` are the sentinels; they take precedence.

    With ``is_strict`` the gateway does what a careful school asks of one: it opens all TLS that is
    not blocked, decides about the request inside as well, and ends TLS that names no host. Requests
    for a WebSocket are refused, at the proxy too.
    """

    categories: Mapping[str, str] = field(default_factory=dict)
    blocks: Callable[[str, str], bool] = blocks_all_categories
    must_allow: frozenset[str] = MUST_ALLOW
    must_block: frozenset[str] = MUST_BLOCK
    own: Mapping[str, str] = field(default_factory=dict)
    reads_pages: bool = True
    engines: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    urls: UrlList = field(default_factory=lambda: UrlList({}))
    upload_code: str = ""
    port_codes: Mapping[int, str] = field(default_factory=dict)
    suffixes: Mapping[str, str] = field(default_factory=dict)
    is_strict: bool = False

    @classmethod
    def from_items(
        cls,
        items: Iterable[Item],
        blocks: Callable[[str, str], bool] = blocks_all_categories,
        *,
        must_allow: Iterable[str] = MUST_ALLOW,
        must_block: Iterable[str] = MUST_BLOCK,
        own: Mapping[str, str] | None = None,
        urls: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the policy of a supplier that knows exactly these items, and listed ``urls``."""
        return cls(
            categories={item.host: item.category for item in items},
            blocks=blocks,
            must_allow=frozenset(map(normalise, must_allow)),
            must_block=frozenset(map(normalise, must_block)),
            own=own or {},
            urls=UrlList(urls or {}),
        )

    def category_of(self, host: str) -> str:
        """Return the filter's taxonomy code for a host; empty if it has none."""
        name = original_host(host)
        listed = self.categories.get(name) or self.categories.get(without_www(name))
        listed = listed or self.own.get(name) or self.own.get(without_www(name))
        return listed or self._code_of_parents(name) or code_of(name)

    def _code_of_parents(self, name: str) -> str:
        """Return the category of the nearest name of ``suffixes`` that a host is below."""
        while self.suffixes and name:
            _, _, name = name.partition(".")
            if name in self.suffixes:
                return self.suffixes[name]
        return ""

    def is_blocked(self, host: str, profile: str) -> bool:
        """Whether a host is blocked for a profile; a plain twin is treated like its host."""
        name = original_host(host)
        if name in self.must_allow:
            return False
        return name in self.must_block or self.blocks(self.category_of(name), profile)


Service = Literal["proxy", "resolver", "gateway"]

PAGE_STYLES = frozenset(
    {
        FaultKind.REFUSE,
        FaultKind.PAGE_200,
        FaultKind.PAGE_403,
        FaultKind.PAGE_451,
        FaultKind.REDIRECT,
        FaultKind.FRAME,
        FaultKind.META_REFRESH,
        FaultKind.ECHO,
    }
)
"""Styles that show a page instead of the origin's."""

BAD_CERTIFICATE_STYLES = frozenset(
    {FaultKind.UNKNOWN_AUTHORITY, FaultKind.WRONG_HOST, FaultKind.EXPIRED}
)
"""Styles in which a gateway intercepts TLS with a certificate that no client accepts."""

PASSING_STYLES = frozenset(
    {
        FaultKind.INTERCEPT,
        FaultKind.UPGRADE,
        FaultKind.BANNER,
        FaultKind.TRUNCATED,
        FaultKind.TORN,
        FaultKind.STALLED,
        FaultKind.DRIP,
        FaultKind.STALE,
        FaultKind.INJECTED_LATE,
        FaultKind.STRAY,
        FaultKind.NO_HTTPS,
        FaultKind.SMALL_LETTERS,
    }
)
"""Styles that still forward the request to the origin."""

READING_STYLES = frozenset({None, FaultKind.INTERCEPT})
"""What is done with requests whose responses are examined."""

DNS_ONLY_STYLES = frozenset(
    {
        FaultKind.INJECTED_LATE,
        FaultKind.STRAY,
        FaultKind.NO_HTTPS,
        FaultKind.SMALL_LETTERS,
    }
)
"""Passing styles that only a name server has."""

STYLES: dict[Service, frozenset[FaultKind]] = {
    "proxy": PAGE_STYLES | {FaultKind.SILENT, FaultKind.RESET, FaultKind.EOF},
    "resolver": frozenset(
        {
            FaultKind.SILENT,
            FaultKind.REFUSE,
            FaultKind.SINKHOLE,
            FaultKind.NXDOMAIN,
            FaultKind.NODATA,
            FaultKind.SERVFAIL,
            FaultKind.INJECTED,
            FaultKind.INJECTED_LATE,
            FaultKind.STRAY,
            FaultKind.NO_HTTPS,
            FaultKind.SMALL_LETTERS,
        }
    ),
    "gateway": frozenset(
        {
            FaultKind.SILENT,
            FaultKind.RESET,
            FaultKind.EOF,
            FaultKind.SHUT,
            FaultKind.DROP,
            FaultKind.ALERT,
            FaultKind.PLAIN,
            FaultKind.GARBAGE,
            FaultKind.CAPTCHA,
            FaultKind.GEO_BLOCK,
            FaultKind.LEGAL,
            FaultKind.SERVER_ERROR,
            FaultKind.PARKED,
        }
    )
    | PAGE_STYLES
    | BAD_CERTIFICATE_STYLES
    | (PASSING_STYLES - DNS_ONLY_STYLES),
}
"""The styles of each service; a service ignores faults of other styles."""

DEFAULT_STYLES: dict[Service, FaultKind] = {
    "proxy": FaultKind.PAGE_403,
    "resolver": FaultKind.NXDOMAIN,
    "gateway": FaultKind.PAGE_403,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with a request: allow it (``style`` None) or block it in a style.

    ``fault`` has the details of the style. ``delay`` seconds pass first. With ``reads`` the
    response is analysed before it is forwarded. ``profile`` is whose policy applied,
    ``page_flaws`` are the parts of the block page that faults break, ``shaped_by`` the faults that
    slow what passes.
    """

    host: str
    style: FaultKind | None = None
    fault: Fault | None = None
    category: str = ""
    delay: float = 0.0
    reads: bool = False
    profile: str = ""
    page_flaws: frozenset[str] = frozenset()
    shaped_by: tuple[Fault, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether the request does not reach the origin."""
        return self.style is not None and self.style not in PASSING_STYLES


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFilter:
    """Decides by policy and faults; the latest fault takes precedence.

    ``log`` is the record of what its services handled; without it they keep none. ``monitor``
    sends alerts about requests; without it there are none. ``shaping`` is what its connections
    share so that faults can slow them.
    """

    policy: FilterPolicy = field(default_factory=FilterPolicy)
    faults: Faults = field(default_factory=Faults)
    log: AccessLog | None = None
    monitor: Monitor | None = None
    shaping: Shaping = field(default_factory=Shaping)

    def decide(self, host: str, profile: str, service: Service) -> Decision:
        """Decide about a profile's request for ``host``, and count it."""
        self.faults.count()
        name = normalise(host)
        faults = self.faults.on(name, profile, service)
        delay = sum(fault.delay for fault in faults if fault.kind is FaultKind.SLOW)
        fault = self._blocking_fault(name, profile, service, faults)
        style = fault.kind if fault else None
        if style is FaultKind.OVERBLOCK:
            style = DEFAULT_STYLES[service]
        is_exempt = name in self.policy.must_allow or name == BLOCK_HOST
        return Decision(
            host=name,
            style=style,
            fault=fault,
            category=self.policy.category_of(name),
            delay=delay,
            reads=style in READING_STYLES and not is_exempt and self._reads(faults),
            profile=profile,
            page_flaws=_page_flaws(faults),
        )

    def read(self, decision: Decision, profile: str, service: Service, answer: bytes) -> Decision:
        """Decide about a response by its content: forward it or block it."""
        return self._by_content(decision, profile, service, code_of_answer(answer))

    def examine(
        self, decision: Decision, profile: str, service: Service, request: Request
    ) -> Decision:
        """Decide about a request by its content, or of a tunnel by its port, if it would pass."""
        if self.policy.is_strict and request.websocket_key and not decision.is_blocked:
            return self._blocked(decision, profile, service, decision.category)
        if not decision.reads:
            return decision
        is_tunnel = request.method == "CONNECT"
        codes = self.policy.port_codes
        code = codes.get(request.port, "") if is_tunnel else code_of_request(request, self.policy)
        return self._by_content(decision, profile, service, code)

    def shape(
        self, decision: Decision, profile: str, service: Service, request: Request
    ) -> Decision:
        """Return a decision as faults of the filter's speed change it."""
        faults = self.faults.on(decision.host, profile, service)
        shaped_by = tuple(fault for fault in faults if fault.kind in SPEED_KINDS)
        if not shaped_by:
            return decision
        delay = decision.delay + delay_of(shaped_by, request)
        changed = replace(decision, delay=delay, shaped_by=shaped_by)
        if self.shaping.is_open(shaped_by):
            return replace(changed, style=None, fault=None, reads=False)
        if is_lost(shaped_by, request):
            return replace(changed, style=FaultKind.RESET)
        return changed

    def change(self, decision: Decision, profile: str, request: Request) -> Request:
        """Return a request as it is forwarded: changed, unless it is not to be read."""
        if not decision.reads or request.method == "CONNECT":
            return request
        return changed_request(request, self.policy, profile)

    def lock_target(self, decision: Decision, profile: str) -> str:
        """Return the name that a resolver gives for an engine to lock it; empty for all others."""
        return locking_name(decision.host, self.policy, profile) if decision.reads else ""

    def _by_content(
        self, decision: Decision, profile: str, service: Service, code: str
    ) -> Decision:
        """Return the decision, or a block if the policy blocks what was recognised."""
        if not code or not self.policy.blocks(code, profile):
            return decision
        return self._blocked(decision, profile, service, code)

    def _blocked(self, decision: Decision, profile: str, service: Service, code: str) -> Decision:
        """Return a block, in the style of the policy's own blocks."""
        faults = self.faults.on(decision.host, profile, service)
        styles = [
            fault
            for fault in faults
            if fault.kind in STYLES[service] - PASSING_STYLES and fault.hosts is None
        ]
        fault = styles[0] if styles else Fault(kind=DEFAULT_STYLES[service])
        return Decision(
            host=decision.host,
            style=fault.kind,
            fault=fault,
            category=code,
            profile=profile,
            page_flaws=_page_flaws(faults),
        )

    def _reads(self, faults: tuple[Fault, ...]) -> bool:
        off = {FaultKind.OFF, FaultKind.MISS, FaultKind.UNREAD}
        return self.policy.reads_pages and not off & {fault.kind for fault in faults}

    def _blocking_fault(
        self, host: str, profile: str, service: Service, faults: tuple[Fault, ...]
    ) -> Fault | None:
        """Return the fault that blocks the request (the policy's own as well), or None."""
        if host == BLOCK_HOST:
            return None
        kinds = {fault.kind for fault in faults}
        captive = next((fault for fault in faults if fault.kind is FaultKind.CAPTIVE), None)
        if captive is not None:
            return captive
        if kinds & {FaultKind.OFF, FaultKind.MISS}:
            return None
        styles = [fault for fault in faults if fault.kind in STYLES[service]]
        named = [fault for fault in styles if fault.hosts is not None]
        if named:
            return named[0]
        if FaultKind.OVERBLOCK in kinds or self.policy.is_blocked(host, profile):
            return styles[0] if styles else Fault(kind=DEFAULT_STYLES[service])
        return None


def _page_flaws(faults: Iterable[Fault]) -> frozenset[str]:
    broken = (each.flaw for each in faults if each.kind is FaultKind.PAGE_FLAW)
    return frozenset(flaw for flaw in broken if flaw is not None)
