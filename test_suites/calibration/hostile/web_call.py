"""One request at a hostile proxy or gateway, and what its supplier may do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from probes.range.connection import Request
from probes.range.tampering import without_nonce
from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.knowledge import MARKER, Known
from test_suites.kit.networks.byte_stream import ByteStream

if TYPE_CHECKING:
    from test_suites.calibration.hostile.web_service import WebService

BLOCK_TITLE = "Page blocked - Example School Filter"
BLOCK_TEXT = "This page is blocked by the Example School Filter for your safety."
"""The sentence of the block page that every campaign declares."""

TUNNEL_MADE = b"HTTP/1.1 200 Connection established\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a client for ``host``, at a service of one profile.

    ``is_first`` is what comes before TLS: a CONNECT request, or at a gateway a ClientHello,
    for which a request is made up. ``hello`` is that ClientHello, where TLS was spoken.
    """

    service: WebService
    stream: ByteStream
    request: Request
    host: str
    profile: str = ""
    is_secure: bool = False
    is_first: bool = False
    hello: bytes = field(default=b"", repr=False)

    @property
    def known(self) -> Known | None:
        """What the supplier knows of the host."""
        return self.service.knowledge.find(self.host)

    @property
    def is_harmful(self) -> bool:
        """Whether the host is an item that must be blocked; no sentinel is one."""
        return self.service.knowledge.is_harmful(self.host)

    @property
    def is_sentinel(self) -> bool:
        """Whether the host is a sentinel of either sort."""
        return self.service.knowledge.is_sentinel(self.host)

    @property
    def way(self) -> str:
        """Host and scheme, for suppliers that treat each way to a page apart."""
        return f"{'https' if self.is_secure or self.is_first else 'http'}://{self.host}"

    async def filter_rightly(self) -> None:
        """Do what a good service does: block what is listed, and pages that show a category."""
        if self.is_first:
            inner = await self.intercept()
            if inner is not None:
                await inner.filter_rightly()
        elif self.service.knowledge.is_listed(self.host):
            await self.block()
        else:
            answer = await self.fetch()
            if MARKER in answer.text:
                await self.block()
            else:
                await self.give(answer)

    async def pass_on(self) -> None:
        """Let the origin's page through unchanged, in a tunnel if that is asked for."""
        if self.is_first:
            await self.tunnel()
        else:
            await self.give(await self.fetch())

    async def block(self, status: int = 403, extra: str = "", **headers: str) -> None:
        """Show the service's block page, with ``extra`` HTML at its end."""
        await self.give(self.block_answer(status, extra, **headers))

    def block_answer(self, status: int = 403, extra: str = "", **headers: str) -> Answer:
        """The service's block page for this host."""
        return Answer(status=status).with_body(block_page(self.host, extra).encode(), **headers)

    async def intercept(self) -> Call | None:
        """Answer a first call with TLS under the service's own authority; gives what is asked."""
        hello = self.hello
        if not hello:
            await self.stream.send(TUNNEL_MADE)
            hello = await self.stream.hello()
        if not hello:
            return None
        self.stream.begin_tls(self.service.authority.context(self.host), hello)
        request = await self.stream.request()
        if request is None:
            return None
        return replace(self, request=request, is_secure=True, is_first=False, hello=hello)

    async def tunnel(self) -> None:
        """Carry a first call to the origin's own TLS, unseen."""
        if not self.hello:
            await self.stream.send(TUNNEL_MADE)
        await self.stream.relay(ADDRESS, self.service.origin_ports[443], self.hello)

    async def fetch(
        self, *, host: str = "", path: str = "", is_marked: bool = True, method: str = ""
    ) -> Answer:
        """The origin's answer to this request, or to the same for another host or path.

        Not ``is_marked`` leaves the test's own header out. An origin that fails is a 502.
        """
        lines = tuple(
            line for line in self.request.lines if line.partition(b":")[0].lower() != b"host"
        )
        lines = (f"Host: {host or self.host}".encode(), *lines)
        asked = replace(
            self.request,
            method=method or self.request.method,
            target=path or self.request.path,
            lines=lines if is_marked else without_nonce(lines),
        )
        return await self.service.ask_origin(asked.to_origin_form())

    async def give(self, answer: Answer) -> None:
        """Send a whole answer, and close."""
        for part in (answer.framed_head, answer.padding, answer.body):
            await self.stream.send(part)
        self.stream.close()

    async def wait(self, seconds: float) -> None:
        """Do nothing for a while."""
        await asyncio.sleep(seconds)

    async def keep_silent(self) -> None:
        """Never answer; ends when the client does."""
        while await self.stream.read():
            pass


WebBehaviour = Callable[[Call], Awaitable[None]]


def block_page(host: str, extra: str = "") -> str:
    """The HTML of the service's own block page."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{BLOCK_TITLE}</title>'
        f"</head>\n<body><h1>{BLOCK_TITLE}</h1>\n<p>{BLOCK_TEXT}</p>\n"
        f"<p>Access to {host} has been denied by your school's internet policy. If you think this "
        f"is wrong, please speak to your network manager.</p>\n{extra}</body></html>\n"
    )
