"""The portable backend: aiohttp over connections that ``dial`` opens.

One connection per request; no cookies, redirects, retries or environment proxies. Bodies are read
and decompressed up to a limit. DNS questions go to ``Resolver``.
"""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Self

import aiohttp
from aiohttp import BaseConnector, ClientTimeout, DummyCookieJar, http_exceptions
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dialling import open_stream
from probes.net.dns_server import DnsServer
from probes.net.exchange_recorder import (
    HEAD_BYTES,
    ExchangeRecorder,
    Head,
    Headers,
    header_text,
    request_headers,
)
from probes.net.portable.name_resolver import Resolver
from probes.net.proxy_handshake import PROXY_AUTHENTICATION_REQUIRED
from probes.net.route import Address, Route, unverified_tls_context
from probes.net.tls_facts import read_certificate
from probes.net.url_target import parse_url_target


class ArrivalTimes(ResponseHandler):
    """aiohttp's protocol, which also records the first byte's time and how the connection ended."""

    first_byte: float | None = None
    close_reason: BaseException | None = None

    def data_received(self, data: bytes) -> None:
        """Record the time of the first byte."""
        if self.first_byte is None:
            self.first_byte = perf_counter()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Record why the connection ended; None means an orderly close."""
        self.close_reason = exc
        super().connection_lost(exc)


async def dial(
    recorder: ExchangeRecorder, route: Route, scheme: str, endpoint: Address, headers: Headers = ()
) -> ResponseHandler:
    """Open the connection of one request; ``endpoint`` is the host and port of its URL.

    ``headers`` are those of a CONNECT, if there is one. If the certificate does not verify, the
    failure is recorded and a second connection is opened without verification, as there may be a
    block page behind it. Raises OSError, ssl.SSLError, ValueError or TunnelRefusedError; the
    recorder has the stage.
    """
    stream = await open_stream(recorder, route, scheme, endpoint, headers)
    loop = asyncio.get_running_loop()
    try:
        if scheme == "http":
            return await stream.switch_protocol(ArrivalTimes(loop))
        with recorder.phase("tls", "tls"):
            handler = await stream.switch_protocol(ArrivalTimes(loop), route.trust, endpoint.host)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        recorder.fail(error)
        return await _dial_unverified(recorder, route, endpoint, headers)
    except BaseException:
        stream.close()
        raise
    recorder.certificate = read_certificate(_ssl_object(handler.transport), trusted=True)
    return handler


async def _dial_unverified(
    recorder: ExchangeRecorder, route: Route, endpoint: Address, headers: Headers
) -> ResponseHandler:
    """Open the connection again without verification."""
    stream = await open_stream(ExchangeRecorder(recorder.limit), route, "https", endpoint, headers)
    try:
        handler = await stream.switch_protocol(
            ArrivalTimes(asyncio.get_running_loop()), unverified_tls_context(), endpoint.host
        )
    except BaseException:
        stream.close()
        raise
    recorder.certificate = read_certificate(_ssl_object(handler.transport), trusted=False)
    return handler


def _ssl_object(transport: asyncio.BaseTransport | None) -> ssl.SSLObject:
    assert transport is not None, "the TLS handshake is complete"
    engine: ssl.SSLObject = transport.get_extra_info("ssl_object")
    return engine


MALFORMED = (aiohttp.ClientResponseError, http_exceptions.HttpProcessingError)
"""Exceptions of aiohttp for a response that is not valid HTTP."""

_connection: ContextVar[ResponseHandler] = ContextVar("dialled")


class ConnectionBrokenError(aiohttp.ClientError):
    """The connection was lost during a request. Not a ClientOSError, so aiohttp does not retry."""


class PredialledConnector(BaseConnector):
    """A connector that gives aiohttp the connection which the current task has opened.

    Each connection is closed after use, but no ``Connection: close`` is added: the request decides
    which headers are sent.
    """

    @property
    def force_close(self) -> bool:
        """False, so that aiohttp adds no Connection header."""
        return False

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ARG002, ASYNC109 - aiohttp's own signature
        return _connection.get()


class PortableBackend:
    """Sends requests with aiohttp and questions with dnspython."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._resolvers: dict[int, Resolver] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=PredialledConnector(force_close=True, limit=0),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            middlewares=(_no_retry,),
            max_line_size=HEAD_BYTES,
            max_field_size=HEAD_BYTES,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()
            for resolver in self._resolvers.values():
                resolver.pool.close()
            # Aborted transports close their sockets in the loop's next iteration.
            await asyncio.sleep(0)

    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Send one request; failures are in the Exchange, never raised."""
        recorder = ExchangeRecorder(request.body_bytes)
        try:
            async with asyncio.timeout(request.timeout):
                await self._run(request, route, recorder)
        except ConnectionBrokenError as error:
            recorder.fail(error.__cause__ or error)
        except MALFORMED as error:
            recorder.fail_as("http_invalid_response", str(error))
        except Exception as error:  # noqa: BLE001 - recorded as the failure of the exchange
            recorder.fail(error)
        return recorder.exchange()

    async def ask(self, question: Question, server: DnsServer) -> Answer:
        """Ask one question with dnspython."""
        # Keyed by identity: a line keeps one DnsServer object, and the resolver keeps it alive.
        resolver = self._resolvers.get(id(server))
        if resolver is None:
            resolver = self._resolvers[id(server)] = Resolver(server)
        return await resolver.ask(question)

    async def _run(self, request: Request, route: Route, recorder: ExchangeRecorder) -> None:
        assert self._session is not None, "a backend is used inside 'async with'"
        target = parse_url_target(request.url)
        handler = await dial(
            recorder, route, target.scheme, target.endpoint, request.tunnel_headers
        )
        # aiohttp drops its reference on close, and a TLS close waits for the peer: abort it here.
        transport = handler.transport
        try:
            url = URL(target.text, encoded=target.text.isascii())
            await self._send(request, route, recorder, url, handler)
        finally:
            if transport is not None:
                transport.abort()

    async def _send(
        self,
        request: Request,
        route: Route,
        recorder: ExchangeRecorder,
        url: URL,
        handler: ResponseHandler,
    ) -> None:
        assert self._session is not None
        assert isinstance(handler, ArrivalTimes)
        absolute_form = route.uses_absolute_form(url.scheme)
        headers = request_headers(request, absolute_form=absolute_form)
        if absolute_form and route.proxy and route.proxy.authorization:
            headers.append(("Proxy-Authorization", route.proxy.authorization))
        _connection.set(handler)
        recorder.stage = "response"
        sent_at = perf_counter()
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
                # With a proxy aiohttp sends the absolute form; the connection is already open.
                proxy=URL("http://proxy.invalid") if absolute_form else None,
            ) as answer:
                recorder.head = _head(answer)
                await _read_body(answer, recorder)
        except aiohttp.ClientPayloadError as error:
            raise ConnectionBrokenError from handler.close_reason or EOFError(str(error))
        finally:
            if handler.first_byte is not None:
                recorder.phases["first_byte"] = handler.first_byte - sent_at
        if absolute_form and recorder.head.status == PROXY_AUTHENTICATION_REQUIRED:
            recorder.fail_as("proxy_authentication_required")


async def _no_retry(request: Any, handler: Any) -> Any:
    """Middleware that prevents aiohttp's retry after a lost connection."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError as error:
        raise ConnectionBrokenError from EOFError(str(error))
    except aiohttp.ClientOSError as error:
        raise ConnectionBrokenError from OSError(*error.args)


async def _read_body(answer: aiohttp.ClientResponse, recorder: ExchangeRecorder) -> None:
    while len(recorder.body) <= recorder.limit:
        received = await answer.content.read(recorder.limit + 1)
        if not received:
            return
        recorder.body += received


def _head(answer: aiohttp.ClientResponse) -> Head:
    headers = tuple(
        (header_text(name).lower(), header_text(value)) for name, value in answer.raw_headers
    )
    return Head(status=answer.status, headers=headers)
