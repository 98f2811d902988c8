"""The visit of an attempt in a browser: its marks, its connections, and what came as exchanges.

The nonce goes to the hosts of the canary zone alone: as a cookie of the zone, or as a header that
is added to each request for such a host, also after redirects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from harness.model.content_form import variant_of
from harness.model.facts import Hop
from harness.model.observation import CONTROL, Failure, Timings
from harness.model.search_case import cookie_of
from harness.ports.network import Attempt, Exchange, HostsBrowser, Origin
from probes.clients.browser_visit import ShownFrame, ShownPage, VisitOptions, endpoint_of
from probes.net.browser_relay import VisitConnections
from probes.net.delivery import ExpectedMarks
from probes.net.net_errors import CERTIFICATE, failure_for
from probes.net.redirects import RedirectChain, url_host
from probes.net.tls_facts import certificate_of

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedVisit:
    """What one attempt visits, with the connections that it opens."""

    connections: VisitConnections
    options: VisitOptions


def marked_visit(
    attempt: Attempt,
    line: HostsBrowser,
    expected: ExpectedMarks,
    url: str,
    deadline: float,
) -> MarkedVisit:
    """Return the visit of ``url`` in an attempt; ``deadline`` is a ``perf_counter`` time.

    Of S3 and S4 items, and on the control line, no screenshot is taken.
    """
    item = attempt.item
    cookies = (*_own_cookies(attempt, url), *_zone_cookies(expected, item.host, url, line.origin))
    connections = VisitConnections(
        dial=line.dial,
        deadline=deadline,
        may_lead=attempt.may_lead,
        addresses={item.host: attempt.address} if attempt.address else {},
    )
    options = VisitOptions(
        url=url,
        deadline=deadline,
        body_bytes=attempt.limits.body_bytes,
        cookies=cookies,
        marks=lambda host: expected.request_marks(host).headers,
        takes_picture=attempt.key.line != CONTROL and not item.is_sensitive,
    )
    return MarkedVisit(connections=connections, options=options)


def _own_cookies(attempt: Attempt, url: str) -> Iterator[Mapping[str, str]]:
    """Yield the cookies that the item's case sets at its own host."""
    if url_host(url) != attempt.item.host:
        return
    for pair in filter(None, cookie_of(variant_of(attempt.item.stratum)).split("; ")):
        name, _, value = pair.partition("=")
        yield {"name": name, "value": value, "url": url}


def _zone_cookies(
    expected: ExpectedMarks, host: str, url: str, origin: Origin | None
) -> Iterator[Mapping[str, str]]:
    """Yield the cookie that carries the nonce, for each zone of the origin."""
    name, _, value = expected.request_marks(host).cookie.partition("=")
    if not name:
        return
    if origin is None:
        yield {"name": name, "value": value, "url": url}
        return
    for zone in origin.zone_names:
        yield {"name": name, "value": value, "domain": f".{zone}", "path": "/"}


def chain_of(shown: ShownPage, connections: VisitConnections) -> RedirectChain:
    """Return the responses on the way to a page as exchanges; the last one has the failure."""
    chain = RedirectChain(url=shown.url)
    urls = [*(each.url for each in shown.responses), *([shown.url] if shown.net_error else [])]
    for place, response in enumerate(shown.responses):
        exchange = Exchange(
            timings=Timings(),
            status=response.status,
            headers=response.headers,
            body=response.body,
            peer=_peer(connections, response.url),
        )
        chain.add(url_host(response.url), exchange)
        if place + 1 < len(urls):
            location = dict(response.headers).get("location", "") or urls[place + 1]
            chain.hops.append(Hop(url=response.url, status=response.status, location=location))
    failure = _failure_of(shown, connections)
    if shown.net_error or not shown.responses:
        chain.add(url_host(shown.url), _refused(shown, connections, failure))
    elif failure is not None:
        chain.exchanges[-1] = msgspec.structs.replace(chain.last, failure=failure)
        chain.failure = failure
    _add_certificate(chain, shown)
    return chain


def _refused(shown: ShownPage, connections: VisitConnections, failure: Failure | None) -> Exchange:
    """Return the exchange of an address from which no page came, with a proxy's refusal."""
    dialled = connections.results.get(endpoint_of(shown.url))
    if dialled is None or dialled.opened is not None:
        peer = _peer(connections, shown.url)
        return Exchange(timings=Timings(), failure=failure, peer=peer)
    return Exchange(
        timings=Timings(),
        failure=failure,
        peer=dialled.peer,
        tunnel_status=dialled.tunnel_status,
        headers=dialled.headers,
        body=dialled.body,
    )


def _failure_of(shown: ShownPage, connections: VisitConnections) -> Failure | None:
    if shown.net_error:
        is_known = shown.failure is not None and not shown.net_error.startswith(CERTIFICATE)
        return shown.failure if is_known else failure_for(shown.net_error)
    if not shown.is_late or (shown.responses and shown.is_complete):
        return None
    known = connections.failure_at(endpoint_of(shown.url))
    return known or Failure(
        name="generic_timeout_error", stage="response", detail="the page was still loading"
    )


def _peer(connections: VisitConnections, url: str) -> str:
    dialled = connections.results.get(endpoint_of(url))
    return dialled.peer if dialled is not None else ""


def _add_certificate(chain: RedirectChain, shown: ShownPage) -> None:
    """Add the chain of the last address to the exchanges with its host."""
    trusted = not shown.net_error.startswith(CERTIFICATE)
    found = certificate_of(shown.chain, trusted=trusted)
    if found is None:
        return
    host = url_host(shown.url)
    chain.exchanges = [
        msgspec.structs.replace(exchange, certificate=found) if name == host else exchange
        for name, exchange in zip(chain.hosts, chain.exchanges, strict=True)
    ]


def rendered_body(frames: Iterable[ShownFrame]) -> bytes:
    """Return what stands in a page after its scripts ran, frames included; its type is HTML."""
    parts = [part for each in frames for part in (each.markup, each.title, each.text)]
    return "\n".join(parts).encode()


def rendered_chain(chain: RedirectChain, shown: ShownPage) -> RedirectChain:
    """Return the chain with what stands in its last page after its scripts ran."""
    others = (each for each in chain.last.headers if each[0] != "content-type")
    headers = (("content-type", HTML), *others)
    last = msgspec.structs.replace(chain.last, body=rendered_body(shown.frames), headers=headers)
    return replace(chain, exchanges=[*chain.exchanges[:-1], last])
