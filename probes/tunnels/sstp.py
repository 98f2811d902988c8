"""SSTP (MS-SSTP) at TCP port 443: PPP inside HTTPS, spoken by this program at both ends.

Debian has no server, and its client needs PPP in the kernel. Packets of IP go to and come from a
TUN device of each end's network, so what is carried is a connection of the system's own TCP.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK
from probes.net.route import client_tls_context
from probes.tunnels.ends import PAGE_PORT, ClientEnd, End, FarEnd, Tunnel, nothing_to_start
from probes.tunnels.sstp_packets import (
    AUTHENTICATE_ACK,
    AUTHENTICATE_NAK,
    AUTHENTICATE_REQUEST,
    AUTHENTICATION,
    CONFIGURE_ACK,
    CONFIGURE_NAK,
    CONFIGURE_REQUEST,
    CONNECT_ACK,
    CONNECT_REQUEST,
    CONNECTED,
    CRYPTO_BINDING,
    CRYPTO_BINDING_REQUEST,
    ENCAPSULATED_PROTOCOL,
    IP_ADDRESS,
    IPCP,
    IPV4,
    LCP,
    MAGIC_NUMBER,
    METHOD,
    PAP,
    PPP,
    UNLIMITED,
    URI,
    Negotiation,
    PacketReader,
    kind_of,
    read_frame,
    read_negotiation,
    read_options,
    write_control,
    write_frame,
    write_negotiation,
    write_options,
)

PORT = 443
PACKET_BYTES = 2000
LONGEST_HEAD = 8192
END_OF_HEAD = b"\r\n\r\n"
USER = b"pupil"
SHA256_HASH = b"\0\0\0\2"
"""The reserved bytes and the mask that allow SHA-256 for the crypto binding."""

NONCE_PLACE = slice(12, 44)
"""Where the nonce is in the packet that accepts a client (section 2.2.10)."""

_numbers = itertools.count()


@dataclass(slots=True, kw_only=True)
class Session:
    """One end of a session, once HTTP is over; the far end if ``is_server``.

    ``own`` and ``other`` are the addresses of both ends; those of the server assign the client's.
    """

    stream: ByteStream
    password: bytes
    own: IPv4Address
    other: IPv4Address
    is_server: bool
    is_open: bool = False
    _nonce: bytes = bytes(32)
    _reader: PacketReader = field(default_factory=PacketReader)
    _acknowledged: set[tuple[int, str]] = field(default_factory=set)

    async def begin(self) -> None:
        """Send the client's first packet."""
        if not self.is_server:
            request = write_control(CONNECT_REQUEST, {ENCAPSULATED_PROTOCOL: PPP})
            await self.stream.write(request)

    async def packets(self, first: bytes = b"") -> AsyncIterator[bytes]:
        """Negotiate, and yield the packets of IP that come; nothing (b"") once the session is open.

        ``first`` was read already. Raises what the stream raises, ValueError if the other end
        refuses, EOFError if it closes.
        """
        data = first
        while True:
            for packet in self._reader.feed(data):
                if packet.is_control:
                    await self._control(packet.data)
                    continue
                protocol, inside = read_frame(packet.data)
                if protocol == IPV4 and self.is_open:
                    yield inside
                elif protocol in (LCP, PAP, IPCP) and await self._negotiate(protocol, inside):
                    self.is_open = True
                    yield b""
            data = await self.stream.read()
            if not data:
                raise EOFError("the other end of SSTP closed the connection")

    async def send(self, packet: bytes) -> None:
        """Send a packet of IP."""
        await self.stream.write(write_frame(IPV4, packet))

    async def _control(self, control: bytes) -> None:
        kind = kind_of(control)
        if kind == CONNECT_REQUEST and self.is_server:
            binding = SHA256_HASH + os.urandom(32)
            await self.stream.write(write_control(CONNECT_ACK, {CRYPTO_BINDING_REQUEST: binding}))
            await self._request(LCP, {AUTHENTICATION: PAP.to_bytes(2), MAGIC_NUMBER: os.urandom(4)})
        elif kind == CONNECT_ACK and not self.is_server:
            self._nonce = control[NONCE_PLACE].ljust(32, b"\0")
            await self._request(LCP, {MAGIC_NUMBER: os.urandom(4)})
        elif kind != CONNECTED:
            msg = f"the other end of SSTP refused with a packet of kind {kind}"
            raise ValueError(msg)

    async def _negotiate(self, protocol: int, data: bytes) -> bool:
        """Answer a packet of LCP, PAP or IPCP; return whether the session is open by that."""
        packet = read_negotiation(data)
        if protocol == PAP:
            await self._sign_in(packet)
        elif packet.code == CONFIGURE_REQUEST:
            await self._answer(protocol, packet)
        elif packet.code == CONFIGURE_ACK:
            self._acknowledged.add((protocol, "by other"))
        elif packet.code == CONFIGURE_NAK and protocol == IPCP and not self.is_server:
            self.own = IPv4Address(read_options(packet.data)[IP_ADDRESS])
            await self._request(IPCP, {IP_ADDRESS: self.own.packed})
        else:
            msg = f"the other end of PPP refused with code {packet.code}"
            raise ValueError(msg)
        both = {(protocol, "by other"), (protocol, "by us")}
        if protocol == LCP and both <= self._acknowledged and not self.is_server:
            fields = bytes((len(USER),)) + USER + bytes((len(self.password),)) + self.password
            await self._send(PAP, Negotiation(AUTHENTICATE_REQUEST, 1, fields))
        return protocol == IPCP and both <= self._acknowledged and not self.is_open

    async def _sign_in(self, packet: Negotiation) -> None:
        """Check a password, or go on once the own one was accepted (RFC 1334)."""
        if self.is_server and packet.code == AUTHENTICATE_REQUEST:
            is_right = packet.data.endswith(bytes((len(self.password),)) + self.password)
            code = AUTHENTICATE_ACK if is_right else AUTHENTICATE_NAK
            await self._send(PAP, Negotiation(code, packet.identifier, b"\0"))
            if is_right:
                await self._request(IPCP, {IP_ADDRESS: self.own.packed})
        elif packet.code == AUTHENTICATE_ACK:
            # The hashes are zero, since PAP gives no keys for them (MS-SSTP section 3.2.5.2).
            binding = SHA256_HASH + self._nonce + bytes(64)
            await self.stream.write(write_control(CONNECTED, {CRYPTO_BINDING: binding}))
            await self._request(IPCP, {IP_ADDRESS: bytes(4)})
        else:
            raise ValueError("the SSTP server refused the password")

    async def _answer(self, protocol: int, packet: Negotiation) -> None:
        """Accept what the other end requests; a client's address is the one that it is given."""
        options = read_options(packet.data)
        is_address_wrong = options.get(IP_ADDRESS) != self.other.packed
        if protocol == IPCP and self.is_server and is_address_wrong:
            assigned = write_options({IP_ADDRESS: self.other.packed})
            await self._send(IPCP, Negotiation(CONFIGURE_NAK, packet.identifier, assigned))
            return
        if protocol == IPCP and not self.is_server and IP_ADDRESS in options:
            self.other = IPv4Address(options[IP_ADDRESS])
        self._acknowledged.add((protocol, "by us"))
        await self._send(protocol, packet._replace(code=CONFIGURE_ACK))

    async def _request(self, protocol: int, options: dict[int, bytes]) -> None:
        await self._send(protocol, Negotiation(CONFIGURE_REQUEST, 1, write_options(options)))

    async def _send(self, protocol: int, packet: Negotiation) -> None:
        await self.stream.write(write_negotiation(protocol, packet))


async def _head(stream: ByteStream) -> tuple[str, bytes]:
    """Read the head of a message of HTTP; return its first line, and what comes after it."""
    received = b""
    while END_OF_HEAD not in received:
        data = await stream.read()
        if not data or len(received) > LONGEST_HEAD:
            raise EOFError("the other end of SSTP sent no answer")
        received += data
    head, _, rest = received.partition(END_OF_HEAD)
    return head.partition(b"\r\n")[0].decode("latin-1"), rest


def _password(end: End) -> bytes:
    return end.secret("sstp").hex().encode()[:32]


class _Device:
    """A TUN device, whose packets a session carries; ``descriptor`` is closed at the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def carry(self, session: Session) -> None:
        """Send the packets of the device until it is cancelled, or the session ends."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[bytes] = asyncio.Queue()
        loop.add_reader(
            self._descriptor, lambda: waiting.put_nowait(os.read(self._descriptor, PACKET_BYTES))
        )
        try:
            while True:
                packet = await waiting.get()
                if packet[0] >> 4 == 4:  # noqa: PLR2004 - IPv4
                    await session.send(packet)
        finally:
            loop.remove_reader(self._descriptor)
            os.close(self._descriptor)

    def receive(self, packet: bytes) -> None:
        """Give a packet to the system; one that it does not take is lost."""
        with suppress(OSError):
            os.write(self._descriptor, packet)


async def _carry(session: Session, packets: AsyncIterator[bytes], device: _Device) -> None:
    """Carry packets both ways until the session ends."""
    sending = asyncio.ensure_future(device.carry(session))
    try:
        async for packet in packets:
            device.receive(packet)
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _open(end: ClientEnd) -> ByteStream:
    stream = await end.network.connect(LOOPBACK, PORT)
    carrying: asyncio.Future[None] | None = None
    try:
        await stream.start_tls(client_tls_context(*end.authorities, alpn=()), end.host)
        request = f"{METHOD} {URI} HTTP/1.1\r\nContent-Length: {UNLIMITED}\r\nHost: {end.host}"
        await stream.write(request.encode() + END_OF_HEAD)
        line, rest = await _head(stream)
        _check_answer(line)
        unknown = IPv4Address(0)
        session = Session(
            stream=stream, password=_password(end), own=unknown, other=unknown, is_server=False
        )
        await session.begin()
        packets = session.packets(rest)
        await anext(packets)
        device = _Device(await end.network.tun("sstp0", f"{session.own}/24"))
        carrying = asyncio.ensure_future(_carry(session, packets, device))
        carrying.add_done_callback(lambda done: done.cancelled() or done.exception())
        inner = await end.network.connect(str(session.other), PAGE_PORT)
    except BaseException:
        if carrying is not None:
            carrying.cancel()
        stream.close()
        raise
    return _Carried(inner, stream, carrying)


def _check_answer(line: str) -> None:
    """Raise ValueError for the first line of an answer that does not accept a session."""
    if line.split()[1:2] != ["200"]:
        msg = f"the SSTP server answered {line!r}"
        raise ValueError(msg)


class _Carried:
    """A stream through the session, which ends with it."""

    def __init__(
        self, inner: ByteStream, outer: ByteStream, carrying: asyncio.Future[None]
    ) -> None:
        self._inner, self._outer, self._carrying = inner, outer, carrying

    async def read(self) -> bytes:
        return await self._inner.read()

    async def write(self, data: bytes) -> None:
        await self._inner.write(data)

    async def start_tls(self, trust: ssl.SSLContext, host: str) -> None:
        await self._inner.start_tls(trust, host)

    def close(self) -> None:
        self._carrying.cancel()
        self._inner.close()
        self._outer.close()


async def _serve(end: FarEnd, stream: ByteStream) -> None:
    """Serve a client, which gets a network of two addresses."""
    line, rest = await _head(stream)
    if not line.startswith(f"{METHOD} {URI} "):
        raise ValueError("an SSTP client asked for another path")
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {UNLIMITED}\r\nServer: Microsoft-HTTPAPI/2.0"
    await stream.write(answer.encode() + END_OF_HEAD)
    number = next(_numbers) % 250
    own, other = (IPv4Address(f"10.5.{number}.{each}") for each in (1, 2))
    session = Session(stream=stream, password=_password(end), own=own, other=other, is_server=True)
    packets = session.packets(rest)
    await anext(packets)
    device = _Device(await end.network.tun(f"sstp{number}", f"{own}/24"))
    await _carry(session, packets, device)


SSTP = Tunnel(
    name="sstp",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=nothing_to_start,
    serve=_serve,
    inside_web=True,
)
