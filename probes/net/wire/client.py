"""The wire lane: one exchange as one errand of the reactor."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self, cast

from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dns_server import Server
from probes.net.exchange_recorder import (
    Headers,
    Passage,
    sent_headers,
    write_head,
)
from probes.net.proxy_handshake import PROXY_AUTHENTICATION_REQUIRED, TunnelRefusedError, opening_of
from probes.net.route import Route, accepting_any
from probes.net.tls_facts import read_certificate
from probes.net.url_target import Target, read_target
from probes.net.wire.http1 import Stream, speak
from probes.net.wire.reactor import Errand, Reactor, Steps
from probes.net.wire.tcp import Tcp, Tls

if TYPE_CHECKING:
    from probes.net.wire.dns_client import Asker


class WireLane:
    """Carries exchanges over raw sockets."""

    def __init__(self) -> None:
        self._reactor: Reactor | None = None
        self._askers: dict[int, Asker] = {}

    async def __aenter__(self) -> Self:
        self._reactor = Reactor()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._reactor is not None:
            self._reactor.close()
            self._reactor = None
        for asker in self._askers.values():
            asker.close()
        self._askers.clear()
        # Aborted transports close their sockets in the next turn of the loop.
        await asyncio.sleep(0)

    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Carry one request; what went wrong is in the Exchange, never raised."""
        passage = Passage(request.body_bytes)
        if self._reactor is None:
            passage.fail(RuntimeError("a lane is used inside 'async with'"))
            return passage.exchange()
        await self._reactor.run(
            lambda errand: _carry(errand, request, route, passage), request.timeout
        )
        return passage.exchange()

    def ask(self, question: Question, server: Server) -> Coroutine[Any, Any, Answer]:
        """Carry one question; what is out of the ordinary goes to dnspython."""
        if self._reactor is None:
            raise RuntimeError("a lane is used inside 'async with'")
        # By identity, for a line has one Server all its life; the asker keeps it alive.
        asker = self._askers.get(id(server))
        if asker is None:
            # dnspython reads odd answers: 8 MiB that only those need who ask for names.
            from probes.net.wire.dns_client import Asker  # noqa: PLC0415

            asker = self._askers[id(server)] = Asker(server)
        return asker.ask(question)


def _carry(errand: Errand, request: Request, route: Route, passage: Passage) -> Steps[None]:
    """The whole exchange; whatever ends it is noted in the passage."""
    tcp = Tcp(errand, route.source)
    try:
        target = read_target(request.url)
        stream = yield from _reach(tcp, route, target, passage, request.tunnel_headers)
        if target.scheme == "https":
            stream = tls = Tls(stream, route.trust, target.far.host)
            with passage.phase("tls", "tls"):
                yield from tls.handshake()
            passage.certificate = read_certificate(tls.engine, trusted=True)
        yield from speak(stream, _head(request, route, target), passage)
        _check(route, target, passage)
    except ssl.SSLCertVerificationError as error:
        tcp.close()
        passage.fail(error)
        if passage.stage == "tls":
            yield from _ask_unverified(errand, request, route, passage)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the exchange
        passage.fail(error)
    finally:
        tcp.close()


def _reach(
    tcp: Tcp, route: Route, target: Target, passage: Passage, headers: Headers
) -> Steps[Stream]:
    """Connect, and open the way through the proxy if there is one."""
    proxy, stream = route.proxy, cast("Stream", tcp)
    passage.peer = route.address.host
    with passage.phase("connect", "proxy_connect" if proxy else "connect"):
        yield from tcp.connect(route.address)
        if proxy is not None and proxy.trust is not None:
            stream = tls = Tls(tcp, proxy.trust, proxy.host)
            yield from tls.handshake()
    opening = opening_of(passage, route, target.scheme, target.far, headers)
    while opening is not None:
        yield from stream.write(opening.due())
        if opening.feed((yield from stream.read())):
            break
    return stream


def _ask_unverified(
    errand: Errand, request: Request, route: Route, passage: Passage
) -> Steps[None]:
    """Ask once more with any certificate: what is shown behind it may be the page.

    The verification failure stands, whatever comes of this.
    """
    aside, target = Passage(passage.limit), read_target(request.url)
    with closing(Tcp(errand, route.source)) as tcp:
        try:
            stream = yield from _reach(tcp, route, target, aside, request.tunnel_headers)
            tls = Tls(stream, accepting_any(), target.far.host)
            yield from tls.handshake()
            passage.certificate = read_certificate(tls.engine, trusted=False)
            yield from speak(tls, _head(request, route, target), passage)
        except (OSError, EOFError, ValueError, TunnelRefusedError):
            return


def _head(request: Request, route: Route, target: Target) -> bytes:
    handed_on = route.hands_on(target.scheme)
    headers = [("Host", target.authority), *sent_headers(request, handed_on=handed_on)]
    if request.body:
        headers.append(("Content-Length", str(len(request.body))))
    words = target.path
    if handed_on:
        words = f"http://{target.authority}{target.path}"
        if route.proxy and route.proxy.authorization:
            headers.append(("Proxy-Authorization", route.proxy.authorization))
    return write_head(request.method, words, headers) + request.body


def _check(route: Route, target: Target, passage: Passage) -> None:
    refused = passage.head is not None and passage.head.status == PROXY_AUTHENTICATION_REQUIRED
    if refused and route.hands_on(target.scheme):
        passage.end("proxy_authentication_required")
