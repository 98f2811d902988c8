"""``WireBackend``: runs each exchange as one task of the reactor."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from contextlib import closing
from typing import TYPE_CHECKING, Any, Self, cast

from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dns_server import DnsServer
from probes.net.exchange_recorder import (
    ExchangeRecorder,
    Headers,
    request_headers,
    write_head,
)
from probes.net.proxy_handshake import (
    PROXY_AUTHENTICATION_REQUIRED,
    TunnelRefusedError,
    proxy_handshake_for,
)
from probes.net.route import Route, unverified_tls_context
from probes.net.tls_facts import read_certificate
from probes.net.url_target import UrlTarget, parse_url_target
from probes.net.wire.http1 import Stream, send_request
from probes.net.wire.reactor import Reactor, ReactorTask, Steps
from probes.net.wire.tcp import Tcp, Tls

if TYPE_CHECKING:
    from probes.net.wire.dns_client import DnsClient


class WireBackend:
    """Sends requests and DNS questions over raw sockets."""

    def __init__(self) -> None:
        self._reactor: Reactor | None = None
        self._dns_clients: dict[int, DnsClient] = {}

    async def __aenter__(self) -> Self:
        self._reactor = Reactor()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._reactor is not None:
            self._reactor.close()
            self._reactor = None
        for dns_client in self._dns_clients.values():
            dns_client.close()
        self._dns_clients.clear()
        # Aborted transports close their sockets in the loop's next iteration.
        await asyncio.sleep(0)

    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Send one request; failures are in the Exchange, never raised."""
        recorder = ExchangeRecorder(request.body_bytes)
        if self._reactor is None:
            recorder.fail(RuntimeError("a backend is used inside 'async with'"))
            return recorder.exchange()
        await self._reactor.run(lambda task: _run(task, request, route, recorder), request.timeout)
        return recorder.exchange()

    def ask(self, question: Question, server: DnsServer) -> Coroutine[Any, Any, Answer]:
        """Ask one question; unusual names and messages are left to dnspython."""
        if self._reactor is None:
            raise RuntimeError("a backend is used inside 'async with'")
        # Keyed by identity: a line keeps one DnsServer object, and the client keeps it alive.
        dns_client = self._dns_clients.get(id(server))
        if dns_client is None:
            # dnspython costs 8 MiB of memory: load it only when a name is asked for.
            from probes.net.wire.dns_client import DnsClient  # noqa: PLC0415

            dns_client = self._dns_clients[id(server)] = DnsClient(server)
        return dns_client.ask(question)


def _run(
    task: ReactorTask, request: Request, route: Route, recorder: ExchangeRecorder
) -> Steps[None]:
    """Run the whole exchange; record whatever ends it."""
    tcp = Tcp(task, route.binding)
    try:
        target = parse_url_target(request.url)
        stream = yield from _open_stream(tcp, route, target, recorder, request.tunnel_headers)
        if target.scheme == "https":
            stream = tls = Tls(stream, route.trust, target.endpoint.host)
            with recorder.phase("tls", "tls"):
                yield from tls.handshake()
            recorder.certificate = read_certificate(tls.ssl_object, trusted=True)
        yield from send_request(stream, _head(request, route, target), recorder)
        _check(route, target, recorder)
    except ssl.SSLCertVerificationError as error:
        tcp.close()
        recorder.fail(error)
        if recorder.stage == "tls":
            yield from _run_unverified(task, request, route, recorder)
    except Exception as error:  # noqa: BLE001 - recorded as the failure of the exchange
        recorder.fail(error)
    finally:
        tcp.close()


def _open_stream(
    tcp: Tcp, route: Route, target: UrlTarget, recorder: ExchangeRecorder, headers: Headers
) -> Steps[Stream]:
    """Connect, and perform the proxy handshake if the route needs one."""
    proxy, stream = route.proxy, cast("Stream", tcp)
    recorder.peer = route.address.host
    with recorder.phase("connect", "proxy_connect" if proxy else "connect"):
        yield from tcp.connect(route.address)
        if proxy is not None and proxy.trust is not None:
            stream = tls = Tls(tcp, proxy.trust, proxy.host)
            yield from tls.handshake()
    handshake = proxy_handshake_for(recorder, route, target.scheme, target.endpoint, headers)
    while handshake is not None:
        yield from stream.write(handshake.data_to_send())
        if handshake.receive_data((yield from stream.read())):
            break
    return stream


def _run_unverified(
    task: ReactorTask, request: Request, route: Route, recorder: ExchangeRecorder
) -> Steps[None]:
    """Send the request again without verification, as there may be a block page behind it.

    The verification failure is kept, unless no answer came in time.
    """
    second_recorder, target = ExchangeRecorder(recorder.limit), parse_url_target(request.url)
    with closing(Tcp(task, route.binding)) as tcp:
        try:
            stream = yield from _open_stream(
                tcp, route, target, second_recorder, request.tunnel_headers
            )
            tls = Tls(stream, unverified_tls_context(), target.endpoint.host)
            yield from tls.handshake()
            recorder.certificate = read_certificate(tls.ssl_object, trusted=False)
            yield from send_request(tls, _head(request, route, target), recorder)
        except TimeoutError as error:
            recorder.fail(error)
        except (OSError, EOFError, ValueError, TunnelRefusedError):
            return


def _head(request: Request, route: Route, target: UrlTarget) -> bytes:
    absolute_form = route.uses_absolute_form(target.scheme)
    headers = [("Host", target.authority), *request_headers(request, absolute_form=absolute_form)]
    if request.body and not any(name.lower() == "transfer-encoding" for name, _ in headers):
        headers.append(("Content-Length", str(len(request.body))))
    request_target = target.path
    if absolute_form:
        request_target = f"http://{target.authority}{target.path}"
        if route.proxy and route.proxy.authorization:
            headers.append(("Proxy-Authorization", route.proxy.authorization))
    return write_head(request.method, request_target, headers) + request.body


def _check(route: Route, target: UrlTarget, recorder: ExchangeRecorder) -> None:
    refused = recorder.head is not None and recorder.head.status == PROXY_AUTHENTICATION_REQUIRED
    if refused and route.uses_absolute_form(target.scheme):
        recorder.fail_as("proxy_authentication_required")
