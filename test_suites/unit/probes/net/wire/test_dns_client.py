"""The wire's own asking; what every lane must answer is in ``test_backend``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import dns.message
import dns.rrset
import pytest
import uvloop

from harness.ports.network import Answer, Question
from probes.net.dns_server import DnsServer
from probes.net.route import Address
from probes.net.wire import dns_client
from probes.net.wire.dns_client import DnsClient
from probes.net.wire.udp import QUESTIONS

Ask = Callable[..., Awaitable[DnsClient]]


@pytest.fixture
async def asker(start: Any) -> AsyncIterator[Callable[..., Awaitable[DnsClient]]]:
    opened: list[DnsClient] = []

    async def make(reply: Callable[[dns.message.Message], list[bytes]]) -> DnsClient:
        opened.append(DnsClient(await start(reply)))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def text_record(query: dns.message.Message) -> list[bytes]:
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text("a.test.", 60, "IN", "TXT", '"words"'))
    return [reply.to_wire()]


def nothing(query: dns.message.Message) -> list[bytes]:
    return [dns.message.make_response(query).to_wire()]


async def test_an_odd_answer_is_read_by_dnspython(asker: Ask) -> None:
    answer = await (await asker(text_record)).ask(Question(name="a.test", type="TXT"))

    assert answer.failure is None
    assert [record.data for record in answer.facts.records] == ['"words"']


async def test_a_common_answer_is_not(asker: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_client, "read_message", None)
    answer = await (await asker(nothing)).ask(Question(name="a.test"))

    assert (answer.facts.rcode, answer.failure) == ("NOERROR", None)


class Heard(asyncio.DatagramProtocol):
    """A name server that notes ports and ids, and keeps silent for names in ``silent``."""

    def __init__(self) -> None:
        self.section: list[tuple[str, int, bytes]] = []

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = str(query.question[0].name)[:-1]
        self.section.append((name, addr[1], data[:2]))
        if not name.startswith("silent"):
            self.transport.sendto(nothing(query)[0], addr)


@pytest.fixture
async def noting() -> AsyncIterator[tuple[Heard, DnsClient]]:
    transport, heard = await asyncio.get_running_loop().create_datagram_endpoint(
        Heard, local_addr=("127.0.0.1", 0)
    )
    host, port = transport.get_extra_info("sockname")
    made = DnsClient(DnsServer(address=Address(host=host, port=port)))
    yield heard, made
    made.close()
    transport.close()
    await asyncio.sleep(0)


async def test_ports_and_ids_change_all_the_time(noting: tuple[Heard, DnsClient]) -> None:
    heard, asker = noting
    count = 3 * QUESTIONS
    answers = await asyncio.gather(*(asker.ask(Question(name=f"n{n}.test")) for n in range(count)))

    assert {(each.failure, each.facts.rcode) for each in answers} == {(None, "NOERROR")}
    assert [each.facts.name for each in answers] == [f"n{n}.test" for n in range(count)]
    assert len({port for _, port, _ in heard.section}) == 3
    assert len({(port, id_) for _, port, id_ in heard.section}) == count


async def test_what_was_met_with_silence_is_asked_from_a_port_of_its_own(
    noting: tuple[Heard, DnsClient],
) -> None:
    heard, asker = noting

    def ask(*names: str) -> Awaitable[list[Answer]]:
        return asyncio.gather(*(asker.ask(Question(name=each, timeout=0.05)) for each in names))

    first = await ask("silent.test", "a.test")
    await ask("silent.test", "b.test", "c.test")

    assert first[0].failure is not None
    assert (first[0].failure.name, first[1].failure) == ("generic_timeout_error", None)
    ports = [
        [port for name, port, _ in heard.section if name.startswith(n)] for n in ("s", "a", "b")
    ]
    assert ports[0][0] == ports[1][0]
    assert ports[0][1] not in (ports[0][0], *ports[2])
    assert ports[2] != ports[1]
    assert {port for name, port, _ in heard.section if name == "c.test"} == set(ports[2])


async def test_sockets_that_nobody_needs_are_closed(noting: tuple[Heard, DnsClient]) -> None:
    _, asker = noting
    questions = [Question(name=f"n{n}.test") for n in range(QUESTIONS + 1)]
    await asyncio.gather(*map(asker.ask, questions))
    asker._tick()

    assert len(asker._open) == 1
    assert asker._timer is None


async def test_a_cancelled_question_leaves_nothing_behind(noting: tuple[Heard, DnsClient]) -> None:
    _, asker = noting
    task = asyncio.create_task(asker.ask(Question(name="silent.test")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert [udp.waiting for udp in asker._open.values()] == [{}]


async def test_the_second_asking_ends_in_time_though_nobody_waited_meanwhile(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []

    def small_once(query: dns.message.Message) -> list[bytes]:
        heard.append(query.id)
        reply, name = nothing(query)[0], query.question[0].name.to_wire() or b""
        return [] if heard[1:] else [reply.replace(name, name.lower())]

    asker = DnsClient(replace(await start(small_once), mixed_case=True))
    again = asker._ask_as_written

    async def after_the_last_look(*given: Any) -> Any:
        assert asker._timer is not None
        asker._timer.cancel()
        asker._tick()
        return await again(*given)

    monkeypatch.setattr(asker, "_ask_as_written", after_the_last_look)
    async with asyncio.timeout(2):
        answer = await asker.ask(Question(name="many-letters.example", timeout=0.2))
    asker.close()

    assert (answer.failure, answer.facts.case_lost) == (None, True)


def test_on_another_loop_an_icmp_message_ends_one_question_and_no_socket(closed_port: int) -> None:
    async def ask_thrice() -> list[str]:
        asker = DnsClient(DnsServer(address=Address(host="127.0.0.1", port=closed_port)))
        failures = [(await asker.ask(Question(name="a.test"))).failure for _ in range(3)]
        asker.close()
        return [each.name if each else "" for each in failures]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask_thrice()) == ["connection_refused"] * 3
