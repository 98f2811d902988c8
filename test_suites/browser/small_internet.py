"""A small internet for a browser: hosts on loopback with answers of a test's own, and a line to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import DnsFacts, WebFacts
from harness.model.marker import Marker, mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.ports.network import Answer, Attempt, Exchange, Origin, ProbeResult, Question, Request
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.kinds.web_browser import Browser, BrowserHttps
from probes.net.dialling import dial_stream, not_dialled
from probes.net.route import Address, Route

LOOPBACK = "127.0.0.1"
KEY = b"k" * 16
ZONE = "accredit.test"
ORIGIN = Origin(zone=ZONE, resolver="", ports={}, authority="", key=KEY)
NOWHERE = Failure(name="dns_nxdomain_error", stage="resolve", detail="NXDOMAIN")

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def html(body: str, status: str = "200 OK", headers: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n{headers}"
        f"Content-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


@dataclass
class SmallInternet:
    """Servers by host and port. ``heads`` are the requests that arrived, by host."""

    answers: dict[tuple[str, str], bytes | Talk] = field(default_factory=dict)
    heads: dict[str, list[bytes]] = field(default_factory=dict)
    ports: dict[int, int] = field(default_factory=dict)
    secured: dict[str, ssl.SSLContext] = field(default_factory=dict)
    open: int = 0

    async def __aenter__(self) -> Self:
        self._stack = AsyncExitStack()
        server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.ports[80] = server.sockets[0].getsockname()[1]
        self._stack.callback(server.close)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def secure(self, port: int, context: ssl.SSLContext) -> None:
        """Serve over TLS at a port of URLs."""
        server = await asyncio.start_server(self._serve, LOOPBACK, 0, ssl=context)
        self.ports[port] = server.sockets[0].getsockname()[1]
        self._stack.callback(server.close)

    def at(self, url: str, answer: bytes | Talk) -> None:
        host, _, path = url.partition("/")
        self.answers[host, f"/{path}"] = answer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            named = (line.partition(": ")[2] for line in lines if line.lower().startswith("host:"))
            host = next(named, "").partition(":")[0]
            self.heads.setdefault(host, []).append(head)
            answer = self.answers.get((host, lines[0].split(" ")[1]), html("", "404 Not Found"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(reader, writer)
        except (EOFError, OSError):
            pass
        finally:
            self.open -= 1
            writer.close()


class LineTo:
    """A line to a small internet; ``failures`` are those of hosts that cannot be reached."""

    Options: ClassVar[type[BaseModel]] = BaseModel
    carries: ClassVar[frozenset[str]] = frozenset({"dial"})

    def __init__(self, internet: SmallInternet, authority: str, name: str = "service") -> None:
        self.name, self.origin = name, ORIGIN
        self.authorities = (authority,)
        self.internet = internet
        self.failures: dict[str, Failure] = {}
        self.dialled: list[DialRequest] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def at_close(self, end: Callable[[], Awaitable[None]]) -> None:
        self._stack.push_async_callback(end)

    async def fetch(self, request: Request) -> Exchange:
        raise NotImplementedError

    async def ask(self, question: Question) -> Answer:
        facts = DnsFacts(name=question.name, type=question.type, server="")
        return Answer(facts=facts, timings=Timings())

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        self.dialled.append(request)
        port = self.internet.ports.get(request.port)
        failure = self.failures.get(request.host)
        if port is None or failure is not None:
            return not_dialled(failure or NOWHERE)
        route = Route(
            address=Address(host=LOOPBACK, port=port), trust=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        endpoint = Address(host=request.host, port=request.port)
        return await dial_stream(route, endpoint, request.timeout, plain=request.plain)


def attempt_at(
    url: str, line: str = "service", run: str = "", timeout: float = 20.0, **item: Any
) -> Attempt:
    """An attempt of a page, with a marker if it is on the origin; ``run`` chooses its carrier."""
    key = AttemptKey(campaign="c", item="i", probe="browser", line=line, profile="ks2")
    made = Item(id="i", value=url, kind="url", labels=("GAMB",), **item)
    marker: Marker | None = mark(KEY, key, made.host, run=run) if ORIGIN.covers(made.host) else None
    return Attempt(key=key, item=made, limits=Limits(), timeout=timeout, marker=marker)


async def visited(url: str, line: Any, **of: Any) -> ProbeResult:
    """The result of a visit, by the probe for the URL's scheme."""
    probe = BrowserHttps() if url.startswith("https:") else Browser()
    return await probe.try_item(attempt_at(url, line.name, **of), line)


def facts(result: ProbeResult) -> WebFacts:
    assert isinstance(result.facts, WebFacts), result.failure
    return result.facts
