"""Services that block harmful pages at first and let them through in the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from test_suites.calibration.slow_proxies import DENIED, LOOPBACK, SENTINEL, SlowProxy

COOKIE = b"coached=yes"
TARPIT = 2.2
"""The delay of ``tarpit`` in seconds: more than the second timeout of its test, less than the last."""


def is_harmful(host: str) -> bool:
    """Whether the service blocks the host at first."""
    return host.startswith(("drug-", "gamb-")) and ".canary." in host


async def reload_to_pass(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Show the block page to the first request, and the page to the second."""
    if host == SENTINEL or (is_harmful(host) and proxy.asked[host] % 2):
        writer.write(DENIED)
        await writer.drain()
    else:
        await proxy.forward(head, writer)


async def coach_page(
    proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter
) -> None:
    """Show a block page with a link to continue, which lets the client through."""
    if host == SENTINEL or (is_harmful(host) and COOKIE not in head):
        page = DENIED.replace(b"</body>", b'<a href="/?continue=1">Continue anyway</a></body>')
        if b"continue=1" in head.split(b"\r\n", 1)[0] and host != SENTINEL:
            page = (
                b"HTTP/1.1 302 Found\r\nSet-Cookie: " + COOKIE + b"; Path=/\r\n"
                b"Location: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        writer.write(page)
        await writer.drain()
    else:
        await proxy.forward(head, writer)


async def tarpit(proxy: SlowProxy, host: str, head: bytes, writer: asyncio.StreamWriter) -> None:
    """Delay harmful pages for long, and let them through in the end."""
    if host == SENTINEL:
        writer.write(DENIED)
        await writer.drain()
        return
    if is_harmful(host):
        await asyncio.sleep(TARPIT)
    await proxy.forward(head, writer)


class _Flapping(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self._asked: dict[str, int] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        with suppress(Exception):
            self._transport.sendto(self._answer(dns.message.from_wire(data)).to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        """Deny a harmful name in every second answer, with a time to live of 0."""
        question = query.question[0]
        host = question.name.to_text(omit_final_dot=True).lower()
        self._asked[host] = self._asked.get(host, 0) + 1
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if host == SENTINEL or (is_harmful(host) and self._asked[host] % 2):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            answer.answer.append(dns.rrset.from_text(question.name, 0, "IN", "A", LOOPBACK))
        return answer


@contextmanager
def flapping_names() -> Iterator[str]:
    """Run a name server that denies harmful names in every second answer; yields its address."""
    ready, over = threading.Event(), threading.Event()
    place: list[str] = []

    async def live() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(_Flapping, local_addr=(LOOPBACK, 0))
        place.append(f"{LOOPBACK}:{transport.get_extra_info('sockname')[1]}")
        ready.set()
        await asyncio.to_thread(over.wait)
        transport.close()

    thread = threading.Thread(target=asyncio.run, args=(live(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield place[0]
    finally:
        over.set()
        thread.join()
