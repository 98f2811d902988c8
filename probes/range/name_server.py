"""DNS servers: UDP and TCP (``NameServer``), TLS and HTTPS.

A ``ReplyFunction`` decides what they answer. With ``VisitorLimits`` (a public origin) answers over
UDP are small and limited for each network, and connections over TCP are counted and end when idle.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self, cast

import dns.exception
import dns.flags
import dns.message

from probes.net.route import Address
from probes.range.bound_socket import bound_socket
from probes.range.connection import Connection, Request
from probes.range.listener import close_server
from probes.range.origin_pages import Page
from probes.range.visitor_limits import Admission, Visit, VisitorLimits, peer_address
from probes.range.zone import ADDRESS

PORT_TRIES = 20
"""Attempts to find a port that is free for both UDP and TCP."""

MOST_UNREAD = 64 * 1024
"""Bytes of answers over TCP that a client of a public origin may leave unread."""

SMALLEST_ANSWER = 512
"""Bytes of an answer over UDP that every client accepts (RFC 1035 section 4.2.1)."""


Note = Callable[[str, int, int], None]
"""Takes the client's address, and the bytes of the question and of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message to send after ``delay`` seconds; None: send no answer.

    ``late`` is a second answer sent directly after it over UDP, where injection is possible. Over
    TCP only ``message`` is sent. ``note`` is called just before ``message`` is sent, or at once if
    there is none.
    """

    message: dns.message.Message | None
    delay: float = 0.0
    late: dns.message.Message | None = None
    note: Note = lambda *_: None


ReplyFunction = Callable[[dns.message.Message], Reply]


TakeQuestion = Callable[[bytes, tuple[str, int], Callable[[bytes], None]], bool]
"""Takes a question over UDP that another server answers; returns whether it did."""


class NameServer:
    """Serves ``reply_to`` on one port over UDP and TCP; a context manager.

    It listens on each of ``addresses``; a ``port`` of 0 is chosen by the system at the first one.
    ``take_question`` sees each question over UDP first.
    """

    def __init__(
        self,
        reply_to: ReplyFunction,
        addresses: tuple[str, ...] = (ADDRESS,),
        port: int = 0,
        limits: VisitorLimits | None = None,
    ) -> None:
        self._reply_to = reply_to
        self._addresses = addresses
        self._limits = limits
        # Sources over UDP can be forged, so they use up nothing that TCP and HTTP need.
        self._udp_limits = VisitorLimits(rules=limits.rules, now=limits.now) if limits else None
        self._stack = AsyncExitStack()
        self.port = port
        self.take_question: TakeQuestion = lambda *_: False

    @property
    def host(self) -> str:
        """The first address that it listens on."""
        return self._addresses[0]

    @property
    def address(self) -> str:
        """``address:port`` as campaign files name a resolver."""
        return str(Address(host=self._addresses[0], port=self.port))

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            tries = 1 if self.port else PORT_TRIES
            for attempts_left in reversed(range(tries)):
                try:
                    self.port = await self._listen(stack, self._addresses[0], self.port)
                except OSError:
                    if not attempts_left:
                        raise
                else:
                    break
            for address in self._addresses[1:]:
                await self._listen(stack, address, self.port)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
        await asyncio.sleep(0)  # the datagram transport closes in the loop's next iteration

    async def _listen(self, stack: AsyncExitStack, address: str, port: int) -> int:
        """Listen on one address over UDP and TCP; return the port."""
        loop = asyncio.get_running_loop()
        udp, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self, self._reply_to, self._udp_limits),
            sock=bound_socket(socket.SOCK_DGRAM, address, port),
        )
        streams: set[_Stream] = set()

        def stream() -> _Stream:
            made = _Stream(self._reply_to, streams, self._limits)
            streams.add(made)
            return made

        port = udp.get_extra_info("sockname")[1]
        try:
            tcp = await loop.create_server(stream, address, port)
        except OSError:
            udp.close()
            raise
        stack.push_async_callback(close_server, tcp, streams)
        stack.callback(udp.close)
        return port


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(
        self, server: NameServer, reply_to: ReplyFunction, limits: VisitorLimits | None
    ) -> None:
        self._server = server
        self._reply_to = reply_to
        self._limits = limits
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply_to, most = self._reply_to, 0
        if self._limits is not None:
            admission = self._limits.admit(addr[0])
            if admission is Admission.DROPPED:
                return
            if admission is Admission.REFUSED:
                reply_to = _ask_by_tcp
            most = self._limits.rules.answer_bytes
        send = partial(self._send, addr=addr)
        if self._server.take_question(data, addr[:2], send):
            return
        answer(reply_to, data, send, client=addr[0], most=most, over_udp=True)

    def _send(self, wire: bytes, addr: tuple[str, int]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)


def _ask_by_tcp(query: dns.message.Message) -> Reply:
    """Answer nothing but that a resolver may ask by TCP, where addresses cannot be forged."""
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return Reply(message=response)


class _Stream(asyncio.Protocol):
    """DNS over TCP: each message has a two-octet length prefix (RFC 1035, 4.2.2)."""

    def __init__(
        self, reply_to: ReplyFunction, streams: set[_Stream], limits: VisitorLimits | None
    ) -> None:
        self._reply_to = reply_to
        self._streams = streams
        self._limits = limits
        self._visit: Visit | None = None
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._client = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._client = peer_address(transport)
        if self._limits is not None:
            self._visit = Visit(self._limits, self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self._visit is not None:
            self._visit.end()
        self._streams.discard(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 2:  # noqa: PLR2004 - size of the length prefix
            length = int.from_bytes(self._received[:2], "big")
            if self._limits is not None and length > self._limits.rules.message_bytes:
                self.abort()
                return
            if len(self._received) < 2 + length:
                return
            message = bytes(self._received[2 : 2 + length])
            del self._received[: 2 + length]
            if not self._may_ask():
                self.abort()
                return
            answer(self._reply_to, message, self._send, client=self._client)

    def _may_ask(self) -> bool:
        """Whether one more question of this connection is answered; it also restarts its time.

        Not if the client asks without reading the answers, which would fill the memory.
        """
        if self._limits is None or self._visit is None or self._transport is None:
            return True
        if self._transport.get_write_buffer_size() > MOST_UNREAD:
            return False
        self._visit.restart(self._transport)
        return self._visit.next_admission() is Admission.SERVED

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self, wire: bytes) -> None:
        if self._transport is not None:
            self._transport.write(len(wire).to_bytes(2, "big") + wire)


def answer(
    reply_to: ReplyFunction,
    wire: bytes,
    send: Callable[[bytes], None],
    *,
    client: str = "",
    most: int = 0,
    over_udp: bool = False,
) -> None:
    """Answer one message; ignore what is not a DNS message, and what is itself an answer.

    ``client`` is the address of who asks. ``most`` is the largest answer in bytes (0: any); the
    client may allow less. A larger answer is truncated.
    """
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return
    if query.flags & dns.flags.QR:
        return
    reply = reply_to(query)
    if reply.message is None:
        reply.note(client, len(wire), 0)
        return
    size = min(most, max(query.payload, SMALLEST_ANSWER)) if most else 65535
    messages = [reply.message, *([reply.late] if over_udp and reply.late else [])]
    responses = [each.to_wire(max_size=size, prefer_truncation=True) for each in messages]

    def send_all() -> None:
        reply.note(client, len(wire), len(responses[0]))
        for response in responses:
            send(response)

    if reply.delay:
        asyncio.get_running_loop().call_later(reply.delay, send_all)
    else:
        send_all()


ENCRYPTED_HOST = "dns.accredit.test"
"""The name on the certificate of the range's encrypted name servers."""

DNS_PATH = "/dns-query"


class DnsOverTls(Connection):
    """DNS over TLS (RFC 7858)."""

    def __init__(
        self, reply_to: ReplyFunction, context: ssl.SSLContext, limits: VisitorLimits | None = None
    ) -> None:
        super().__init__(context, limits)
        self._reply_to = reply_to

    def on_bytes(self, data: bytes) -> None:
        """Answer each complete message."""
        self._received += data
        while len(self._received) >= 2:  # noqa: PLR2004 - size of the length prefix
            end = 2 + int.from_bytes(self._received[:2], "big")
            if self._limits is not None and end > self._limits.rules.message_bytes:
                self.abort()
                return
            if len(self._received) < end:
                return
            message = bytes(self._received[2:end])
            del self._received[:end]
            if self._visit is not None and self._visit.next_admission() is not Admission.SERVED:
                self.abort()
                return
            answer(self._reply_to, message, self._reply, client=self.client)

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
        answer(self._reply_to, request.body, self._reply, client=self.client)

    def _reply(self, wire: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n"
            f"Content-Length: {len(wire)}\r\nConnection: close\r\n\r\n"
        )
        self.send(head.encode("ascii") + wire)
        self.close()
