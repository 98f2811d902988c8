"""The wire lane: one exchange as one errand of the reactor."""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import Self

from harness.ports.asking import Answer, Exchange, Question, Request
from probes.net.address import Address
from probes.net.certificate import read_certificate
from probes.net.head import write_head
from probes.net.passage import Passage
from probes.net.route import Route, looking
from probes.net.target import Target, read_target
from probes.net.tunnel import PROXY_AUTHENTICATION_REQUIRED, Tunnel, TunnelRefusedError
from probes.net.wire.asking import ask
from probes.net.wire.http1 import speak
from probes.net.wire.reactor import Errand, Reactor, Steps
from probes.net.wire.tcp import Tcp
from probes.net.wire.tls import Tls


class WireLane:
    """Carries exchanges over raw sockets."""

    def __init__(self) -> None:
        self._reactor: Reactor | None = None

    async def __aenter__(self) -> Self:
        self._reactor = Reactor()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._reactor is not None:
            self._reactor.close()
            self._reactor = None

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

    async def ask(self, question: Question, server: Address) -> Answer:
        """Carry one question; what is out of the ordinary goes to dnspython."""
        if self._reactor is None:
            raise RuntimeError("a lane is used inside 'async with'")
        return await ask(self._reactor, question, server)


def _carry(errand: Errand, request: Request, route: Route, passage: Passage) -> Steps[None]:
    """The whole exchange; whatever ends it is noted in the passage."""
    try:
        target = read_target(request.url)
        with closing(Tcp(errand)) as tcp:
            yield from _reach(tcp, route, target, passage)
            stream = tcp if target.scheme == "http" else _secure(tcp, route, target)
            if isinstance(stream, Tls):
                with passage.phase("tls", "tls"):
                    yield from stream.handshake()
                passage.certificate = read_certificate(stream.engine, trusted=True)
            yield from speak(stream, _head(request, route, target), passage)
        _check(route, target, passage)
    except ssl.SSLCertVerificationError as error:
        passage.fail(error)
        yield from _look(errand, route, read_target(request.url), passage)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the exchange
        passage.fail(error)


def _reach(tcp: Tcp, route: Route, target: Target, passage: Passage) -> Steps[None]:
    with passage.phase("connect", "proxy_connect" if route.by_proxy else "connect"):
        yield from tcp.connect(route.address)
    passage.peer = route.address.host
    if route.by_proxy and target.scheme == "https":
        tunnel = Tunnel(passage, route, target.far)
        yield from tcp.write(tunnel.request)
        while not tunnel.feed((yield from tcp.read())):
            pass


def _secure(tcp: Tcp, route: Route, target: Target) -> Tls:
    return Tls(tcp, route.trust, target.far.host)


def _look(errand: Errand, route: Route, target: Target, passage: Passage) -> Steps[None]:
    """See which certificate was shown, for it was refused before it could be read.

    No request is sent. Whatever fails here changes nothing: the verification failure stands.
    """
    aside = Passage(passage.limit)
    with closing(Tcp(errand)) as tcp:
        try:
            yield from _reach(tcp, route, target, aside)
            tls = Tls(tcp, looking(), target.far.host)
            yield from tls.handshake()
        except (OSError, EOFError, ValueError, TunnelRefusedError):
            return
        passage.certificate = read_certificate(tls.engine, trusted=False)


def _head(request: Request, route: Route, target: Target) -> bytes:
    headers = [("Host", target.authority), *request.headers, ("Connection", "close")]
    words = target.path
    if route.by_proxy and target.scheme == "http":
        words = f"http://{target.authority}{target.path}"
        if route.authorization:
            headers.append(("Proxy-Authorization", route.authorization))
    return write_head("GET", words, headers)


def _check(route: Route, target: Target, passage: Passage) -> None:
    refused = passage.head is not None and passage.head.status == PROXY_AUTHENTICATION_REQUIRED
    if refused and route.by_proxy and target.scheme == "http":
        passage.end("proxy_authentication_required")
