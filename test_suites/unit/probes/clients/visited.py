"""A server of a test's own, and a visit of the second client to it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, Line, Origin, ProbeResult
from probes.clients.second_client import SecondClient
from probes.net.backend import ClientSettings
from probes.net.route import Address
from probes.range.origin_pages import Pages

ORIGIN = Origin(zone="accredit.test", resolver="r", ports={}, authority="a", key=b"k" * 32)
HOST = "drug-001.canary.accredit.test"
ITEM = Item(id="i", value=HOST, labels=("DRUG",))
KEY = AttemptKey(campaign="c", item="i", probe="web", line="a", profile="ks2")
MARKER = mark(ORIGIN.key, KEY, HOST)
PAGE = f"<title>Ours</title>{MARKER.token}"
DENIED = "<title>Blocked</title>"

Answer = Callable[[str, str], str | tuple[str, str | bytes]]
"""Gives a body (or a head line with fields, and a body) for a path and what was sent."""


class Direct:
    """A line to one port of this machine."""

    name = "a"
    origin = ORIGIN

    def __init__(self, port: int, trust: ssl.SSLContext | None = None) -> None:
        self._port, self._trust = port, trust or ssl.create_default_context()

    def client_settings(self) -> ClientSettings:
        return ClientSettings(find=self._find, trust=self._trust)

    async def _find(self, host: str, port: int, patience: float) -> Address:
        del host, port, patience
        return Address(host="127.0.0.1", port=self._port)


@asynccontextmanager
async def served(answer: Answer) -> AsyncIterator[tuple[Line, list[str]]]:
    paths: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        length = re.search(r"(?i)content-length: (\d+)", head)
        head += (await reader.readexactly(int(length[1]))).decode() if length else ""
        paths.append(path)
        said = answer(path, head)
        first, body = said if isinstance(said, tuple) else ("200 OK", said)
        sent = body if isinstance(body, bytes) else body.encode()
        fields = f"Content-Type: text/html\r\nContent-Length: {len(sent)}\r\nConnection: close"
        writer.write(f"HTTP/1.1 {first}\r\n{fields}\r\n\r\n".encode() + sent)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield cast("Line", Direct(server.sockets[0].getsockname()[1])), paths


def page_at(path: str, host: str = HOST) -> str:
    """What the origin shows at a path."""
    return Pages(key=ORIGIN.key).page(host, path, "http", MARKER.nonce).body.decode()


async def visit(
    line: Line, url: str = f"http://{HOST}/", item: Item = ITEM, **limits: Any
) -> ProbeResult:
    given = Limits.model_validate({"timeout": 20.0, **limits})
    attempt = Attempt(key=KEY, item=item, limits=given, timeout=given.timeout, marker=MARKER)
    return await SecondClient().visit(attempt, url, line)


async def canary(answer: Answer) -> str:
    async with served(answer) as (line, _):
        seen = await visit(line)
    assert isinstance(seen.facts, WebFacts)
    return seen.facts.canary
