"""The web probes: fetch an item's page as a browser would, and note what came.

Redirects are followed one by one, so that each hop is a fact. On the canary zone the request
carries the attempt's nonce; *seen* means that the origin's token came back from the last page,
and that page is of the host that was asked first, or every hop before it had its token too: a
filter's own redirect to another page of the zone can never pass for access.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from time import perf_counter
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from harness.model.corpus import Item
from harness.model.evidence import Evidence
from harness.model.marker import HEADER
from harness.model.observation import (
    CONTROL,
    CanarySighting,
    Failure,
    Hop,
    Timings,
    WebFacts,
)
from harness.plugins import register
from harness.ports.asking import Attempt, Exchange, Line, Request, Sighting
from probes.net.page import Page, PageReader
from probes.net.variant import Variant, host_of, url_of

REDIRECTS = frozenset({301, 302, 303, 307, 308})
HEADER_CHARACTERS = 300
BROWSER_HEADERS = (
    ("User-Agent", "Mozilla/5.0 (compatible; accredit)"),
    ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.8"),
    ("Accept-Encoding", "gzip, deflate"),
)
CHOSEN_HEADERS = frozenset(
    {
        "cf-mitigated",
        "content-length",
        "content-type",
        "link",
        "location",
        "proxy-authenticate",
        "proxy-status",
        "refresh",
        "retry-after",
        "server",
        "via",
        "x-blocked-by",
        "x-cache",
        "x-powered-by",
        "x-squid-error",
        "x-proxy-error",
    }
)
"""The headers that are facts: who answered, where it leads, and what filters say of themselves."""


@dataclass(slots=True, kw_only=True)
class _Journey:
    """The hops of one attempt, under way."""

    url: str
    hops: list[Hop] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def last(self) -> Exchange:
        """The exchange that the journey ended with."""
        return self.exchanges[-1]


class _Web:
    """Fetches the root page of a host, or an item's own URL, by one scheme, in one variant."""

    asks: ClassVar[str] = "fetch"
    scheme: ClassVar[str]
    variant: ClassVar[Variant] = "as_given"

    def __init__(self) -> None:
        self._pages = PageReader()

    def fits(self, item: Item) -> bool:
        """Whether the item has this variant; a sentinel without one is tried as it is."""
        return self.variant == "as_given" or bool(host_of(item, self.variant))

    async def try_item(self, attempt: Attempt, line: Line) -> Sighting:
        """Fetch the item over the line, once, following redirects."""
        if not attempt.item.value:
            detail = "the item has no value that could be fetched"
            failure = Failure(name="instrument_error", stage="instrument", detail=detail)
            return Sighting(timings=Timings(), failure=failure)
        started = perf_counter()
        home = host_of(attempt.item, self.variant) or attempt.item.host
        url = url_of(attempt.item, self.scheme, self.variant)
        journey = await _travel(attempt, line, url, home)
        timings = _timings(journey.exchanges, perf_counter() - started)
        facts = _facts(attempt, journey, _canary(attempt, line, journey), self._pages)
        return Sighting(
            timings=timings,
            facts=facts,
            failure=journey.failure,
            evidence=_evidence(attempt, journey.last, facts),
        )


@register("probes", "web")
class Web(_Web):
    """By plain HTTP."""

    scheme = "http"


@register("probes", "web_https")
class WebHttps(_Web):
    """By HTTPS."""

    scheme = "https"


async def _travel(attempt: Attempt, line: Line, url: str, home: str) -> _Journey:
    deadline = perf_counter() + attempt.timeout
    journey = _Journey(url=url)
    while True:
        host = _host(journey.url) if journey.hops else home
        request = Request(
            url=journey.url,
            headers=BROWSER_HEADERS + _mark(attempt, line, host),
            timeout=max(deadline - perf_counter(), 0.001),
            body_bytes=attempt.limits.body_bytes,
        )
        exchange = await line.fetch(request)
        journey.exchanges.append(exchange)
        journey.hosts.append(host)
        journey.failure = exchange.failure
        location = _location(exchange)
        onward = _onward(journey.url, location) if exchange.failure is None else ""
        if not onward:
            return journey
        journey.hops.append(Hop(url=journey.url, status=exchange.status or 0, location=location))
        if len(journey.hops) > attempt.limits.redirects:
            journey.failure = Failure(name="http_redirect_limit", stage="response")
            return journey
        journey.url = onward


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _mark(attempt: Attempt, line: Line, host: str) -> tuple[tuple[str, str], ...]:
    """The nonce, for hosts of the canary zone only: nobody else has to know of us."""
    if attempt.marker is None or not _is_canary(attempt, line, host):
        return ()
    return ((HEADER, attempt.marker.nonce),)


def _is_canary(attempt: Attempt, line: Line, host: str) -> bool:
    return line.origin.covers(host) if line.origin else host == attempt.item.host


def _location(exchange: Exchange) -> str:
    if exchange.status not in REDIRECTS:
        return ""
    return next((value for name, value in exchange.headers if name == "location"), "")


def _onward(url: str, location: str) -> str:
    """The URL of the next hop, or nothing where a redirect leads out of the web."""
    if not location:
        return ""
    try:
        target = urljoin(url, location)
        parts = urlsplit(target)
    except ValueError:
        return ""
    return target if parts.scheme in ("http", "https") and parts.hostname else ""


def _canary(attempt: Attempt, line: Line, journey: _Journey) -> CanarySighting:
    """Whether the origin's token came, also in an answer that broke off: facts, not verdicts."""
    if attempt.marker is None:
        return "not_applicable"
    came = [
        _token(attempt, line, host).encode() in exchange.body
        for host, exchange in zip(journey.hosts, journey.exchanges, strict=True)
    ]
    is_home = journey.hosts[-1] == journey.hosts[0]
    return "seen" if came[-1] and (is_home or all(came)) else "absent"


def _token(attempt: Attempt, line: Line, host: str) -> str:
    assert attempt.marker is not None
    if line.origin is None or host == attempt.item.host:
        return attempt.marker.token
    return line.origin.token(host, attempt.marker.nonce)


def _facts(
    attempt: Attempt, journey: _Journey, canary: CanarySighting, pages: PageReader
) -> WebFacts:
    """Peer, certificate, choices are of the item's own host; the rest is the last page's."""
    last, first = journey.last, journey.exchanges[0]
    answered = last.status is not None or last.tunnel_status is not None
    headers = [
        (name, value[:HEADER_CHARACTERS]) for name, value in last.headers if name in CHOSEN_HEADERS
    ]
    digest = hashlib.sha256(last.body).hexdigest() if last.body else ""
    page = Page()
    if answered and not _is_sensitive(attempt):
        page = pages.read(last.body, dict(headers).get("content-type", ""), digest)
    return WebFacts(
        url=journey.url,
        status=last.status,
        tunnel_status=last.tunnel_status,
        hops=tuple(journey.hops),
        headers=tuple(headers),
        peer=first.peer,
        certificate=first.certificate,
        title=page.title,
        text=page.text,
        frames=page.frames,
        body_length=len(last.body) if answered else None,
        body_sha256=digest,
        truncated=last.truncated,
        canary=canary,
        choices=first.choices,
    )


def _evidence(attempt: Attempt, last: Exchange, facts: WebFacts) -> tuple[Evidence, ...]:
    """What stood in place of the item's page: kept, for it may be the service's block page."""
    is_seen = facts.canary == "seen"
    if is_seen or attempt.key.line == CONTROL or _is_sensitive(attempt) or not last.body:
        return ()
    kind = dict(facts.headers).get("content-type", "") or "application/octet-stream"
    return (Evidence(media_type=kind, body=last.body),)


def _is_sensitive(attempt: Attempt) -> bool:
    return attempt.item.sensitivity in ("S3", "S4")


def _timings(exchanges: list[Exchange], total: float) -> Timings:
    """Each phase summed over the hops; a phase that never happened stays absent."""
    if len(exchanges) == 1:
        return replace(exchanges[0].timings, total=total)
    phases: dict[str, float] = {}
    for exchange in exchanges:
        for name in ("resolve", "connect", "tls", "first_byte"):
            took = getattr(exchange.timings, name)
            if took is not None:
                phases[name] = phases.get(name, 0.0) + took
    return Timings(**phases, total=total)
