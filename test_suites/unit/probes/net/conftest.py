"""A lane of each kind, and an authority to trust, for the tests of this folder."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import dns.message
import dns.rrset
import pytest

from harness.ports.network import Answer, Exchange, Question, Request
from probes.net.backend import BACKENDS, Backend, has_wire, open_backend
from probes.net.dns_server import DnsServer
from probes.net.route import Address, Route, client_tls_context
from probes.range.authority import Authority

Reply = Callable[[dns.message.Message], list[bytes]]
Start = Callable[[Reply], Awaitable[DnsServer]]
Ask = Callable[[DnsServer, Question], Awaitable[Answer]]


@pytest.fixture(params=sorted(BACKENDS))
async def lane(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    if request.param == "wire" and not has_wire():
        pytest.skip("the wire lane is not there on this machine")
    async with open_backend(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def trust(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    path = tmp_path_factory.mktemp("authority") / "authority.pem"
    path.write_bytes(authority.pem)
    return client_tls_context(str(path))


@pytest.fixture
def fetch(lane: Backend, trust: ssl.SSLContext) -> Callable[..., Awaitable[Exchange]]:
    async def go(url: str, port: int, **more: Any) -> Exchange:
        way = {key: more.pop(key) for key in ("proxy", "binding") if key in more}
        route = Route(address=Address(host="127.0.0.1", port=port), trust=trust, **way)
        return await lane.exchange(Request(url=url, **{"timeout": 5.0, **more}), route)

    return go


class NameServer(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for each in self.reply(dns.message.from_wire(data)):
            self.transport.sendto(each, addr)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    open_ones: list[asyncio.BaseTransport] = []

    async def go(reply: Reply) -> DnsServer:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: NameServer(reply), local_addr=("127.0.0.1", 0)
        )
        open_ones.append(transport)
        host, port = transport.get_extra_info("sockname")
        return DnsServer(address=Address(host=host, port=port))

    yield go
    for transport in open_ones:
        transport.close()
    await asyncio.sleep(0)


@pytest.fixture
def ask(lane: Backend) -> Ask:
    async def go(server: DnsServer, question: Question) -> Answer:
        return await lane.ask(question, server)

    return go


def found(query: dns.message.Message, *addresses: str) -> dns.message.Message:
    """The answer that a name has these addresses."""
    reply = dns.message.make_response(query, recursion_available=True)
    if addresses:
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", *addresses))
    return reply
