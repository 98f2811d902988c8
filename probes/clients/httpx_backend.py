"""Sockets for httpx that leave as a line's own do: its resolver, its ports, its interface."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from harness.model.observation import Failure
from probes.net.local_binding import open_socket
from probes.net.url_target import DEFAULT_PORTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from probes.net.client_way import ClientWay

PATIENCE = 60.0
"""Seconds for one step, where httpx names none."""


class LineTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport, with connections made as a line makes them."""

    def __init__(self, way: ClientWay) -> None:
        super().__init__(verify=way.trust)
        self._way = way
        backend = _Backend(way)
        if way.proxy:
            self._pool = httpcore.AsyncHTTPProxy(
                proxy_url=way.proxy,
                proxy_auth=way.credentials,
                ssl_context=way.trust,
                proxy_ssl_context=way.proxy_trust,
                http2=True,
                network_backend=backend,
            )
        else:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=way.trust, http2=True, network_backend=backend
            )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless the line refuses where it leads. Raises httpx.ConnectError."""
        if self._way.refusal is not None:
            url = request.url
            port = url.port or DEFAULT_PORTS.get(url.scheme, 0)
            refusal = await self._way.refusal(url.host, port, PATIENCE)
            if refusal is not None:
                raise httpx.ConnectError(f"{refusal.name}: {refusal.detail}")
        return await super().handle_async_request(request)


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, way: ClientWay) -> None:
        self._way = way

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Find the host as the line does, and connect."""
        del local_address, socket_options
        patience = timeout or PATIENCE
        found = await self._way.find(host, port, patience)
        if isinstance(found, Failure):
            raise httpcore.ConnectError(found.name)
        async with _told(patience, httpcore.ConnectTimeout, httpcore.ConnectError):
            sock = open_socket(found.host, socket.SOCK_STREAM, self._way.source)
            try:
                await asyncio.get_running_loop().sock_connect(sock, (found.host, found.port))
                reader, writer = await asyncio.open_connection(sock=sock)
            except BaseException:
                sock.close()
                raise
        return _Stream(reader, writer)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's own signature
        async with _told(timeout, httpcore.ReadTimeout, httpcore.ReadError):
            return await self._reader.read(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's own signature
        async with _told(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            self._writer.write(buffer)
            await self._writer.drain()

    async def aclose(self) -> None:
        self._writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
    ) -> httpcore.AsyncNetworkStream:
        async with _told(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        name = {"ssl_object": "ssl_object", "server_addr": "peername", "socket": "socket"}
        return self._writer.get_extra_info(name[info]) if info in name else None


@asynccontextmanager
async def _told(
    patience: float | None, late: type[Exception], broken: type[Exception]
) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(patience):
            yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, ssl.SSLError, EOFError) as error:
        raise broken(f"{type(error).__name__}: {error}") from error
