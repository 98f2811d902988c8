"""TLS in memory over our own stream; how handshakes break is in ``test_failures``."""

from __future__ import annotations

import ssl
from typing import Any

from probes.net.route import Address
from probes.net.wire.reactor import Reactor, ReactorTask, Steps
from probes.net.wire.tcp import Tcp, Tls

HOST = "gamb-001.canary.accredit.test"


async def test_bytes_go_both_ways_until_the_far_end_closes(
    serve: Any, say: Any, authority: Any, trust: ssl.SSLContext
) -> None:
    port = await serve(say(b"answer" * 50_000), authority.context(HOST))
    heard: list[bytes] = []
    arrivals: list[float] = []

    def work(task: ReactorTask) -> Steps[None]:
        tcp = Tcp(task)
        yield from tcp.connect(Address(host="127.0.0.1", port=port))
        tls = Tls(tcp, trust, HOST)
        yield from tls.handshake()
        yield from tls.write(b"GET / HTTP/1.1\r\n\r\n")
        while received := (yield from tls.read()):
            heard.append(received)
        arrivals.append(tls.arrived)
        assert (yield from tls.read()) == b""
        tcp.close()

    reactor = Reactor()
    await reactor.run(work, 5.0)
    reactor.close()

    assert b"".join(heard) == b"answer" * 50_000
    assert arrivals[0] > 0


async def test_the_last_of_the_handshake_goes_with_the_request(
    serve: Any, say: Any, authority: Any, trust: ssl.SSLContext
) -> None:
    """TLS 1.3, where the client has the last word (RFC 8446 section 2)."""
    port = await serve(say(b"answer"), authority.context(HOST))
    written: list[int] = []
    heard: list[bytes] = []

    class Counting(Tcp):
        def write(self, data: bytes) -> Steps[None]:
            written.append(len(data))
            return super().write(data)

    def work(task: ReactorTask) -> Steps[None]:
        tcp = Counting(task)
        yield from tcp.connect(Address(host="127.0.0.1", port=port))
        tls = Tls(tcp, trust, HOST)
        yield from tls.handshake()
        assert tls.ssl_object.version() == "TLSv1.3"
        yield from tls.write(b"GET / HTTP/1.1\r\n\r\n")
        heard.append((yield from tls.read()))
        tcp.close()

    reactor = Reactor()
    await reactor.run(work, 5.0)
    reactor.close()

    assert (len(written), heard) == (2, [b"answer"])
