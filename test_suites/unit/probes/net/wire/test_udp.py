"""Many questions on one socket: each gets its own answer, error or silence."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from time import perf_counter
from typing import Any

import dns.message
import pytest

from probes.net.route import Address
from probes.net.wire import udp as module
from probes.net.wire.dns_codec import Query, write_query
from probes.net.wire.reactor import IcmpError
from probes.net.wire.udp import UdpSocket


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(2)
        yield sock


@pytest.fixture
async def udp(server: socket.socket) -> AsyncIterator[UdpSocket]:
    opened = UdpSocket(Address(host="127.0.0.1", port=server.getsockname()[1]))
    asyncio.get_running_loop().add_reader(opened.fileno(), opened.read_datagrams)
    yield opened
    asyncio.get_running_loop().remove_reader(opened.fileno())
    opened.close()


def query(name: str = "a.test") -> Query:
    made = write_query(name, "A")
    assert made is not None
    return made


def soon() -> float:
    return perf_counter() + 2


def reply_to(wire: bytes) -> bytes:
    return dns.message.make_response(dns.message.from_wire(wire)).to_wire()


async def test_answers_find_their_questions_in_any_order(
    udp: UdpSocket, server: socket.socket
) -> None:
    names = ("a.test", "b.test", "c.test")
    asked = [udp.ask(query(name), soon()) for name in names]
    await asyncio.sleep(0)
    answer = [server.recvfrom(512) for _ in names]
    for wire, peer in reversed(answer):
        server.sendto(reply_to(wire), peer)
    answers = [await each.answer for each in asked]

    assert [
        str(dns.message.from_wire(each.wire).question[0].name)[:-1] for each in answers
    ] == list(names)
    assert all(0 < each.took < 2 for each in answers)
    assert udp.waiting == {}
    assert len({peer for _, peer in answer}) == 1


async def test_an_id_is_used_once(udp: UdpSocket) -> None:
    count = len(udp.ids)
    asked = [udp.ask(query(), soon()) for _ in range(count)]

    assert len({each.id for each in asked}) == count == module.QUESTIONS
    assert udp.ids == []


async def test_a_stray_is_passed_over_and_nonsense_is_an_answer(
    udp: UdpSocket, server: socket.socket
) -> None:
    asked = udp.ask(query(), soon())
    await asyncio.sleep(0)
    wire, peer = server.recvfrom(512)
    other = wire[:12] + b"\1b" + wire[14:]
    for each in (reply_to(other), b"", wire[:1], bytes(2) + wire[2:], wire, asked.id + b"\xff" * 9):
        server.sendto(each, peer)

    assert (await asked.answer).wire == asked.id + b"\xff" * 9


async def test_a_closed_port_is_heard_of(closed_port: int) -> None:
    udp = UdpSocket(Address(host="127.0.0.1", port=closed_port))
    for _ in range(3):  # the error of one must not be another's
        asked = udp.ask(query(), soon())
        await asyncio.sleep(0)
        udp.read_datagrams()
        with pytest.raises(OSError, match="icmp 3/3") as caught:
            await asked.answer

        assert caught.value.errno == errno.ECONNREFUSED
    udp.close()


@pytest.mark.parametrize(("quoted", "blamed"), [(True, {1}), (False, set())])
async def test_an_icmp_message_is_held_against_the_question_that_it_quotes(
    udp: UdpSocket, monkeypatch: pytest.MonkeyPatch, quoted: bool, blamed: set[int]
) -> None:
    asked = [udp.ask(query(), soon()) for _ in range(3)]
    told = [IcmpError(code=errno.EHOSTUNREACH, quoted=asked[1].id + b"..." if quoted else b"")]
    monkeypatch.setattr(module, "read_icmp_error", lambda _: told.pop() if told else None)
    udp._read_error_queue()

    assert {place for place, each in enumerate(asked) if each.answer.done()} == blamed
    for each in asked:
        each.answer.cancel()


async def test_an_icmp_message_that_quotes_nothing_is_the_only_ones(
    udp: UdpSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = udp.ask(query(), soon())
    told = [IcmpError(code=errno.EHOSTUNREACH)]
    monkeypatch.setattr(module, "read_icmp_error", lambda _: told.pop() if told else None)
    udp._read_error_queue()

    with pytest.raises(OSError, match="EHOSTUNREACH"):
        await asked.answer


async def test_who_waited_long_enough_hears_of_it(udp: UdpSocket) -> None:
    early, late = udp.ask(query(), 5.0), udp.ask(query(), 6.0)
    udp.expire(5.5)

    with pytest.raises(TimeoutError):
        await early.answer
    assert list(udp.waiting.values()) == [late]


async def test_what_is_forgotten_in_time_is_not_sent(udp: UdpSocket, server: socket.socket) -> None:
    udp.forget(udp.ask(query(), soon()))
    udp.ask(query("b.test"), soon())
    await asyncio.sleep(0)

    assert b"\1b\4test" in server.recv(512)
    server.settimeout(0)
    with pytest.raises(BlockingIOError):
        server.recv(512)


async def test_no_room_to_send_is_our_own_trouble(udp: UdpSocket, monkeypatch: Any) -> None:
    class Full:
        def send(self, _: bytes) -> int:
            raise BlockingIOError

    with monkeypatch.context() as within:
        within.setattr(udp, "_sock", Full())
        asked = udp.ask(query(), soon())
        await asyncio.sleep(0)

    with pytest.raises(OSError) as caught:
        await asked.answer
    assert caught.value.errno == errno.ENOBUFS
