"""The origin server: answers HTTP and HTTPS for all hosts of the zone and logs each arrival."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, Self

import msgspec

from harness.model.marker import find_nonce
from probes.range.authority import Authority, server_context
from probes.range.block_page import REFUSALS, refusal_page
from probes.range.connection import Connection, Listener, Request
from probes.range.faults import FaultKind, Faults
from probes.range.origin_pages import Page, Pages
from probes.range.zone import ADDRESS, PageKind, is_within, kind_of


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that reached the origin, or a question to its name server; ``at`` is aware UTC."""

    at: datetime
    over: Literal["http", "https", "dns"]
    host: str
    method: str = ""
    path: str = ""
    nonce: str = ""
    answer: str = ""


class ArrivalLog:
    """Arrivals in order, also written to ``path``; thread-safe. Keeps ``max_kept`` in memory."""

    def __init__(self, path: Path | None = None, max_kept: int = 100_000) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=max_kept)
        self._lock = Lock()
        self._file: BinaryIO | None = path.open("ab", buffering=0) if path else None

    def record(
        self,
        over: Literal["http", "https", "dns"],
        host: str,
        *,
        method: str = "",
        path: str = "",
        nonce: str = "",
        answer: str = "",
    ) -> None:
        """Record one arrival, before it is answered."""
        arrival = Arrival(
            at=datetime.now(UTC),
            over=over,
            host=host,
            method=method,
            path=path,
            nonce=nonce,
            answer=answer,
        )
        with self._lock:
            self._arrivals.append(arrival)
            if self._file is not None:
                self._file.write(msgspec.json.encode(arrival) + b"\n")

    def arrivals(self, host: str | None = None) -> tuple[Arrival, ...]:
        """Return the arrivals in memory, oldest first; of one host if given."""
        with self._lock:
            return tuple(entry for entry in self._arrivals if host in (None, entry.host))

    def saw(self, nonce: str) -> bool:
        """Whether a request with that nonce arrived."""
        with self._lock:
            return any(entry.nonce == nonce for entry in self._arrivals)

    def close(self) -> None:
        """Close the file; arrivals in memory stay readable."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


SLOW_DELAY = 1.0
"""Seconds that a slow host waits before it answers."""


@dataclass(slots=True, kw_only=True)
class OriginServer:
    """Listeners for http and https that share pages, faults and log; a context manager.

    ``also_at`` are further addresses to listen on, at the same ports.
    """

    pages: Pages
    authority: Authority
    log: ArrivalLog
    faults: Faults = field(default_factory=Faults)
    slow_delay: float = SLOW_DELAY
    also_at: tuple[str, ...] = ()
    http_port: int = 0
    https_port: int = 0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        context = server_context(self.authority)
        self.http_port = await self._listen(ADDRESS, 0, None)
        self.https_port = await self._listen(ADDRESS, 0, context)
        for address in self.also_at:
            await self._listen(address, self.http_port, None)
            await self._listen(address, self.https_port, context)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _listen(self, address: str, port: int, context: ssl.SSLContext | None) -> int:
        listener = Listener(lambda: _OriginConnection(self, context), address, port)
        return (await self._stack.enter_async_context(listener)).port

    def rejection_of(self, host: str) -> FaultKind | None:
        """Return how the origin rejects requests for a host, or None."""
        kinds = (fault.kind for fault in self.faults.on(host, service="origin"))
        return next((kind for kind in kinds if kind in REFUSALS), None)

    def is_dead(self, host: str) -> bool:
        """Whether the origin aborts every request for a host."""
        faults = self.faults.on(host, service="origin")
        return kind_of(host) is PageKind.DEAD or any(
            fault.kind is FaultKind.DEAD for fault in faults
        )


class _OriginConnection(Connection):
    """A client connection of the origin."""

    server = "nginx"

    def __init__(self, origin: OriginServer, context: ssl.SSLContext | None = None) -> None:
        super().__init__(context)
        self._origin = origin
        self._is_secure = context is not None

    def on_request(self, request: Request) -> None:
        """Log the request, then answer it according to its host."""
        nonce = find_nonce(self._origin.pages.key, request.headers.values())
        self._origin.log.record(
            "https" if self._is_secure else "http",
            request.host,
            method=request.method,
            path=request.path,
            nonce=nonce,
        )
        if not is_within(request.host):
            self.answer(Page(status=421, body=b"This origin does not serve that host.\n"))
        elif self._origin.is_dead(request.host):
            self.abort()
        elif (kind := self._origin.rejection_of(request.host)) is not None:
            self.answer(refusal_page(kind, request.host), bodiless=request.method == "HEAD")
        elif kind_of(request.host) is PageKind.SLOW:
            loop = asyncio.get_running_loop()
            loop.call_later(self._origin.slow_delay, self._answer, request, nonce)
        else:
            self._answer(request, nonce)

    def _answer(self, request: Request, nonce: str) -> None:
        scheme = "https" if self._is_secure else "http"
        page = self._origin.pages.page(request.host, request.path, scheme, nonce)
        self.answer(page, bodiless=request.method == "HEAD")
