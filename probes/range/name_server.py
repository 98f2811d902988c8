"""DNS servers on loopback: UDP and TCP (``NameServer``), TLS and HTTPS.

A ``ReplyFunction`` decides what they answer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, cast

import dns.exception
import dns.message

from probes.range.connection import Connection, Request, close_server
from probes.range.origin_pages import Page
from probes.range.zone import ADDRESS

PORT_TRIES = 20
"""Attempts to find a port that is free for both UDP and TCP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message to send after ``delay`` seconds; None: send no answer.

    ``late`` is a second answer sent directly after it over UDP, where injection is possible. Over
    TCP only ``message`` is sent.
    """

    message: dns.message.Message | None
    delay: float = 0.0
    late: dns.message.Message | None = None


ReplyFunction = Callable[[dns.message.Message], Reply]


class NameServer:
    """Serves ``reply_to`` on one loopback port over UDP and TCP; a context manager."""

    def __init__(self, reply_to: ReplyFunction) -> None:
        self._reply_to = reply_to
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._streams: set[_Stream] = set()
        self.port = 0

    @property
    def address(self) -> str:
        """``address:port`` as campaign files name a resolver."""
        return f"{ADDRESS}:{self.port}"

    async def __aenter__(self) -> Self:
        for attempts_left in reversed(range(PORT_TRIES)):
            try:
                await self._listen()
            except OSError:
                if not attempts_left:
                    raise
            else:
                break
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            await close_server(self._tcp, self._streams)
        await asyncio.sleep(0)  # the datagram transport closes in the loop's next iteration

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._reply_to), local_addr=(ADDRESS, 0)
        )
        port = udp.get_extra_info("sockname")[1]
        try:
            self._tcp = await loop.create_server(self._stream, ADDRESS, port)
        except OSError:
            udp.close()
            raise
        self._udp, self.port = udp, port

    def _stream(self) -> _Stream:
        stream = _Stream(self._reply_to, self._streams)
        self._streams.add(stream)
        return stream


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, reply_to: ReplyFunction) -> None:
        self._reply_to = reply_to
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer(self._reply_to, data, lambda wire: self._send(wire, addr), over_udp=True)

    def _send(self, wire: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)


class _Stream(asyncio.Protocol):
    """DNS over TCP: each message has a two-octet length prefix (RFC 1035, 4.2.2)."""

    def __init__(self, reply_to: ReplyFunction, streams: set[_Stream]) -> None:
        self._reply_to = reply_to
        self._streams = streams
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._streams.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 2:  # noqa: PLR2004 - size of the length prefix
            length = int.from_bytes(self._received[:2], "big")
            if len(self._received) < 2 + length:
                return
            message = bytes(self._received[2 : 2 + length])
            del self._received[: 2 + length]
            answer(self._reply_to, message, self._send)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self, wire: bytes) -> None:
        if self._transport is not None:
            self._transport.write(len(wire).to_bytes(2, "big") + wire)


def answer(
    reply_to: ReplyFunction, wire: bytes, send: Callable[[bytes], None], *, over_udp: bool = False
) -> None:
    """Answer one message; ignore what is not a DNS message."""
    try:
        query = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return
    reply = reply_to(query)
    if reply.message is None:
        return
    messages = (reply.message, reply.late if over_udp else None)
    for response in (message.to_wire() for message in messages if message is not None):
        if reply.delay:
            asyncio.get_running_loop().call_later(reply.delay, send, response)
        else:
            send(response)


ENCRYPTED_HOST = "dns.accredit.test"
"""The name on the certificate of the range's encrypted name servers."""

DNS_PATH = "/dns-query"


class DnsOverTls(Connection):
    """DNS over TLS (RFC 7858)."""

    def __init__(self, reply_to: ReplyFunction, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self._reply_to = reply_to

    def on_bytes(self, data: bytes) -> None:
        """Answer each complete message."""
        self._received += data
        while len(self._received) >= 2:  # noqa: PLR2004 - size of the length prefix
            end = 2 + int.from_bytes(self._received[:2], "big")
            if len(self._received) < end:
                return
            message = bytes(self._received[2:end])
            del self._received[:end]
            answer(self._reply_to, message, self._reply)

    def _reply(self, wire: bytes) -> None:
        self.send(len(wire).to_bytes(2, "big") + wire)


class DnsOverHttps(Connection):
    """DNS over HTTPS by POST (RFC 8484), one question per connection."""

    def __init__(self, reply_to: ReplyFunction, context: ssl.SSLContext) -> None:
        super().__init__(context)
        self._reply_to = reply_to

    def on_request(self, request: Request) -> None:
        """Answer a posted question; ignore what is not a DNS message."""
        if request.method != "POST" or request.path != DNS_PATH:
            self.answer(Page(status=404, body=b"questions are posted to /dns-query\n"))
            return
        answer(self._reply_to, request.body, self._reply)

    def _reply(self, wire: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
            f"Content-Length: {len(wire)}\r\nConnection: close\r\n\r\n"
        )
        self.send(head.encode("ascii") + wire)
        self.close()
