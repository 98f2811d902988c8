"""Questions to a name server, on every lane: answers told apart from silence and trouble."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from harness.ports.asking import Answer, Question
from probes.net.address import Address
from probes.net.lane import Lane

Reply = Callable[[dns.message.Message], list[bytes]]
Start = Callable[[Reply], Awaitable[Address]]
Ask = Callable[[Address, Question], Awaitable[Answer]]


@pytest.fixture
def ask(lane: Lane) -> Ask:
    async def go(server: Address, question: Question) -> Answer:
        return await lane.ask(question, server)

    return go


def found(query: dns.message.Message, *addresses: str) -> dns.message.Message:
    reply = dns.message.make_response(query, recursion_available=True)
    if addresses:
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", *addresses))
    return reply


async def test_an_answer_becomes_facts(start: Start, ask: Ask) -> None:
    asked: list[dns.message.Message] = []

    def reply(query: dns.message.Message) -> list[bytes]:
        asked.append(query)
        return [found(query, "192.0.2.1", "192.0.2.2").to_wire()]

    answer = await ask(await start(reply), Question(name="a.accredit.test"))

    assert answer.failure is None
    assert (answer.facts.rcode, answer.facts.transport) == ("NOERROR", "udp")
    assert set(answer.facts.addresses) == {"192.0.2.1", "192.0.2.2"}
    assert answer.facts.records[0].name == "a.accredit.test"
    assert "RA" in answer.facts.flags
    assert answer.timings.total is not None
    assert asked[0].ednsflags & dns.flags.DO


async def test_a_refusal_is_a_fact_with_its_reason(start: Start, ask: Ask) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        refused = found(query)
        refused.set_rcode(dns.rcode.NXDOMAIN)
        refused.authority.append(
            dns.rrset.from_text("accredit.test.", 60, "IN", "SOA", ". . 1 1 1 1 1")
        )
        refused.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.FILTERED, "filtered")])
        return [refused.to_wire()]

    answer = await ask(await start(reply), Question(name="a.accredit.test"))

    assert answer.failure is None
    assert (answer.facts.rcode, answer.facts.has_soa) == ("NXDOMAIN", True)
    assert [(each.code, each.text) for each in answer.facts.extended_errors] == [(17, "filtered")]
    assert answer.facts.addresses == ()


async def test_silence_is_a_timeout(start: Start, ask: Ask) -> None:
    answer = await ask(await start(lambda _: []), Question(name="a.test", timeout=0.05))

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("generic_timeout_error", "resolve")


async def test_a_closed_port_refuses(closed_port: int, ask: Ask) -> None:
    server = Address(host="127.0.0.1", port=closed_port)
    answer = await ask(server, Question(name="a.test", timeout=2))

    assert answer.failure is not None
    assert (answer.failure.name, answer.failure.stage) == ("connection_refused", "resolve")


async def test_strays_are_passed_over(start: Start, ask: Ask) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        other = dns.message.make_query("other.test", "A", id=query.id)
        real = found(query, "192.0.2.1").to_wire()
        return [b"", b"x", bytes(2) + real[2:], found(other, "192.0.2.9").to_wire(), real]

    answer = await ask(await start(reply), Question(name="a.test"))

    assert answer.facts.addresses == ("192.0.2.1",)


async def test_nonsense_is_a_misbehaving_server(start: Start, ask: Ask) -> None:
    def reply(query: dns.message.Message) -> list[bytes]:
        return [query.id.to_bytes(2, "big") + b"\xff" * 9]

    answer = await ask(await start(reply), Question(name="a.test", timeout=2))

    assert answer.failure is not None
    assert answer.failure.name == "dns_server_misbehaving"


async def test_a_cut_answer_is_asked_for_again_over_tcp(start: Start, ask: Ask) -> None:
    def cut(query: dns.message.Message) -> list[bytes]:
        reply = found(query)
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(length))
        wire = found(query, "192.0.2.1").to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    address = await start(cut)
    server = await asyncio.start_server(whole, "127.0.0.1", address.port)
    answer = await ask(address, Question(name="a.test"))
    server.close()

    assert (answer.facts.transport, answer.facts.addresses) == ("tcp", ("192.0.2.1",))


async def test_a_name_that_is_none_is_our_own_trouble(start: Start, ask: Ask) -> None:
    address = await start(lambda _: [])
    for name in ("a" * 64 + ".test", "a..test", "x." * 200):
        answer = await ask(address, Question(name=name))

        assert answer.failure is not None
        assert answer.failure.is_instrument
