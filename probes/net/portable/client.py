"""The portable lane: aiohttp over connections that we dial ourselves.

A new connection for each request, no cookies, no redirects, no retry, no environment proxies;
bodies are read up to a limit and unpacked up to the same limit.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Self

import aiohttp
from aiohttp import BaseConnector, ClientTimeout, DummyCookieJar, http_exceptions
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.dns_server import DnsServer
from probes.net.exchange_recorder import (
    HEAD_BYTES,
    ExchangeRecorder,
    Head,
    header_text,
    request_headers,
)
from probes.net.portable.dial import ArrivalTimes, dial
from probes.net.portable.resolver import Resolver
from probes.net.proxy_handshake import PROXY_AUTHENTICATION_REQUIRED
from probes.net.route import Route
from probes.net.url_target import parse_url_target

MALFORMED = (aiohttp.ClientResponseError, http_exceptions.HttpProcessingError)
"""What aiohttp says of an answer that is no HTTP."""

_dialled: ContextVar[ResponseHandler] = ContextVar("dialled")


class ConnectionBrokenError(aiohttp.ClientError):
    """A connection broke under a request. Being no ClientOSError, aiohttp does not try again."""


class PredialledConnector(BaseConnector):
    """A connector that hands aiohttp the connection which this task has dialled.

    It closes each connection after use, but says nothing of that to the far end: which headers
    are sent is the request's own choice.
    """

    @property
    def force_close(self) -> bool:
        """What aiohttp asks before it writes a header of its own."""
        return False

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:  # noqa: ARG002, ASYNC109 - aiohttp's own signature
        return _dialled.get()


class PortableBackend:
    """Carries exchanges by aiohttp."""

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
            # Aborted transports close their sockets in the next turn of the loop.
            await asyncio.sleep(0)

    async def exchange(self, request: Request, route: Route) -> Exchange:
        """Carry one request; what went wrong is in the Exchange, never raised."""
        recorder = ExchangeRecorder(request.body_bytes)
        try:
            async with asyncio.timeout(request.timeout):
                await self._run(request, route, recorder)
        except ConnectionBrokenError as error:
            recorder.fail(error.__cause__ or error)
        except MALFORMED as error:
            recorder.end("http_invalid_response", str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the exchange
            recorder.fail(error)
        return recorder.exchange()

    async def ask(self, question: Question, server: DnsServer) -> Answer:
        """Carry one question, by dnspython."""
        # By identity, for a line has one Server all its life; the resolver keeps it alive.
        resolver = self._resolvers.get(id(server))
        if resolver is None:
            resolver = self._resolvers[id(server)] = Resolver(server)
        return await resolver.ask(question)

    async def _run(self, request: Request, route: Route, recorder: ExchangeRecorder) -> None:
        assert self._session is not None, "a lane is used inside 'async with'"
        target = parse_url_target(request.url)
        handler = await dial(
            recorder, route, target.scheme, target.endpoint, request.tunnel_headers
        )
        # Kept here: aiohttp forgets it when it closes, and a TLS close waits for the other end.
        transport = handler.transport
        try:
            await self._send(request, route, recorder, target.url, handler)
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
        _dialled.set(handler)
        recorder.stage = "response"
        sent_at = perf_counter()
        try:
            async with self._session.request(
                request.method,
                url,
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
                # aiohttp writes the whole URL when it knows of a proxy; we have dialled it.
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
            recorder.end("proxy_authentication_required")


async def _no_retry(request: Any, handler: Any) -> Any:
    """A middleware that makes a torn connection final: the second try is not the lane's choice."""
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
