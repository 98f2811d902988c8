"""Follow HTTP redirects one by one, recording each response (RFC 9110 section 15.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urljoin, urlsplit

from harness.model.facts import Hop
from harness.model.observation import Failure
from harness.model.private_address import without_blanks
from harness.ports.network import Exchange, Fetches, Request
from probes.net.browser_profiles import SentHeaders

REDIRECTS = frozenset({301, 302, 303, 307, 308})
SAME_METHOD = frozenset({307, 308})
"""Redirects that repeat the method and the body (RFC 9110 section 15.4)."""
LONGEST_ADDRESS = 8192
"""Characters of the longest address that is followed (RFC 9110 section 4.1 asks for 8000)."""


@dataclass(slots=True, kw_only=True)
class RedirectChain:
    """The exchanges from a URL to its last page; ``hosts[i]`` is the host of ``exchanges[i]``."""

    url: str
    hops: list[Hop] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    failure: Failure | None = None

    @property
    def last(self) -> Exchange:
        """The last exchange of the chain."""
        return self.exchanges[-1]

    def add(self, host: str, exchange: Exchange) -> None:
        """Add the exchange with a host."""
        self.exchanges.append(exchange)
        self.hosts.append(host)
        self.failure = exchange.failure


async def follow_redirects(
    line: Fetches,
    url: str,
    home: str,
    headers_for: Callable[[str, str], SentHeaders],
    *,
    deadline: float,
    most: int,
    body_bytes: int,
    address: str = "",
    may_lead: bool = False,
    method: str = "GET",
    body: bytes = b"",
) -> RedirectChain:
    """Fetch ``url`` and follow at most ``most`` redirects until ``deadline``.

    ``home`` is the host of ``url``; ``headers_for`` returns the request headers for a URL and its
    host; ``deadline`` is a ``perf_counter`` time. ``address`` is the IP address of ``home``, if
    already known; the others are those of ``Request``. A failure ends the chain and is recorded in
    it; a redirect to a private address that the line refuses is recorded in ``hops``.
    """
    chain = RedirectChain(url=url)
    while True:
        host = url_host(chain.url) if chain.hops else home
        sent = headers_for(chain.url, host)
        request = Request(
            url=chain.url,
            headers=sent.direct,
            proxied_headers=sent.proxied,
            tunnel_headers=sent.tunnel,
            timeout=max(deadline - perf_counter(), 0.001),
            body_bytes=body_bytes,
            address=address if host == home else "",
            may_lead=may_lead,
            method=method,
            body=body,
        )
        exchange = await line.fetch(request)
        chain.add(host, exchange)
        location = _location(exchange)
        if exchange.failure is not None or not (target := web_address(chain.url, location)):
            return chain
        chain.hops.append(Hop(url=chain.url, status=exchange.status or 0, location=location))
        if len(chain.hops) > most:
            chain.failure = Failure(name="http_redirect_limit", stage="response")
            return chain
        chain.url = target
        if exchange.status not in SAME_METHOD:
            method, body = "HEAD" if method == "HEAD" else "GET", b""


def url_host(url: str) -> str:
    """Return the host of an absolute URL, in lower case."""
    return (urlsplit(url).hostname or "").lower()


def web_address(base: str, address: str) -> str:
    """Resolve a reference in a page or header to an absolute http or https URL, else ''.

    Also '' for an address that is longer than LONGEST_ADDRESS.
    """
    if not address:
        return ""
    try:
        target = urljoin(base, address.strip())
        parts = urlsplit(target)
        has_host = bool(parts.hostname)
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and has_host
    return without_blanks(target) if is_web and len(target) <= LONGEST_ADDRESS else ""


def _location(exchange: Exchange) -> str:
    if exchange.status not in REDIRECTS:
        return ""
    return next((value for name, value in exchange.headers if name == "location"), "")
