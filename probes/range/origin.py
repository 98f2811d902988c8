"""The origin: answers HTTP and HTTPS for any host of the zone, and knows what reached it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from harness.model.marker import HEADER
from probes.range.authority import Authority
from probes.range.connection import Connection, Listener
from probes.range.faults import FaultKind, Faults
from probes.range.log import Log
from probes.range.pages import Page, Pages
from probes.range.request import Request
from probes.range.tls import server_context
from probes.range.zone import PageKind, is_within, kind_of

SLOW_DELAY = 1.0
"""Seconds that a slow host thinks before it answers."""


@dataclass(slots=True, kw_only=True)
class Origin:
    """Two listeners, plain and TLS, that share pages, faults and log; a context manager."""

    pages: Pages
    authority: Authority
    log: Log
    faults: Faults = field(default_factory=Faults)
    slow_delay: float = SLOW_DELAY
    http_port: int = 0
    https_port: int = 0
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        context = server_context(self.authority)
        plain = await self._stack.enter_async_context(Listener(lambda: _Answering(self)))
        secure = Listener(lambda: _Answering(self, context))
        self.http_port = plain.port
        self.https_port = (await self._stack.enter_async_context(secure)).port
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def is_dead(self, host: str) -> bool:
        """Whether the origin gives up every request for that host."""
        faults = self.faults.on(host, service="origin")
        return kind_of(host) is PageKind.DEAD or any(
            fault.kind is FaultKind.DEAD for fault in faults
        )


class _Answering(Connection):
    """One client of the origin."""

    server = "accredit-origin"

    def __init__(self, origin: Origin, context: ssl.SSLContext | None = None) -> None:
        super().__init__(context)
        self._origin = origin
        self._is_secure = context is not None

    def on_request(self, request: Request) -> None:
        """Log the request, then answer it as its host demands."""
        nonce = request.headers.get(HEADER.lower(), "")
        self._origin.log.note(
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
        elif kind_of(request.host) is PageKind.SLOW:
            loop = asyncio.get_running_loop()
            loop.call_later(self._origin.slow_delay, self._answer, request, nonce)
        else:
            self._answer(request, nonce)

    def _answer(self, request: Request, nonce: str) -> None:
        scheme = "https" if self._is_secure else "http"
        page = self._origin.pages.page(request.host, request.path, scheme, nonce)
        self.answer(page, bodiless=request.method == "HEAD")
