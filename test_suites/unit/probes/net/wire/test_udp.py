"""A datagram out and back; and a closed port is heard of."""

from __future__ import annotations

import errno
import socket

import pytest

from probes.net.address import Address
from probes.net.wire.reactor import Errand, Reactor, Steps
from probes.net.wire.udp import Udp


async def exchange(port: int, sent: bytes, heard: list[bytes]) -> None:
    def work(errand: Errand) -> Steps[None]:
        udp = Udp(errand)
        try:
            udp.send(Address(host="127.0.0.1", port=port), sent)
            heard.append((yield from udp.read()))
        finally:
            udp.close()
            udp.close()

    reactor = Reactor()
    try:
        await reactor.run(work, 2.0)
        assert reactor.errands == {}
    finally:
        reactor.close()


async def test_a_datagram_comes_back() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0)
        heard: list[bytes] = []

        def work(errand: Errand) -> Steps[None]:
            udp = Udp(errand)
            udp.send(Address(host="127.0.0.1", port=server.getsockname()[1]), b"ask")
            question, peer = server.recvfrom(10)
            server.sendto(question + b"ed", peer)
            heard.append((yield from udp.read()))
            udp.close()

        reactor = Reactor()
        await reactor.run(work, 2.0)
        reactor.close()

    assert heard == [b"asked"]


async def test_a_closed_port_is_heard_of(closed_port: int) -> None:
    with pytest.raises(OSError, match="refused") as caught:
        await exchange(closed_port, b"x", [])

    assert caught.value.errno == errno.ECONNREFUSED


async def test_too_much_for_a_datagram_raises(closed_port: int) -> None:
    with pytest.raises(OSError, match="long"):
        await exchange(closed_port, b"x" * 70_000, [])
