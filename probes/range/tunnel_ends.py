"""The origin's ends of tunnels (``probes.tunnels``), each started when it is needed.

Every far end has a private network in which nothing but the origin's pages can be reached, so a
tunnel leads nowhere else. Its programs end with this process.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Self, cast

from harness.ports.streams import ByteStream
from probes.net.dialling import DATAGRAM_BYTES
from probes.net.private_network import LOOPBACK, PrivateNetwork, PrivateNetworkError
from probes.range.authority import Authority
from probes.range.bound_socket import bound_socket
from probes.range.connection import Connection
from probes.range.listener import Listener, close_server
from probes.range.pushed_stream import PushedStream
from probes.range.zone import ADDRESS
from probes.tunnels.ends import PAGE_PORT, FarEnd, Tunnel, pass_to_program
from probes.tunnels.table import TUNNELS, missing_program

DNS = 53
MOST_PEERS = 64
"""Clients over UDP of one port; the first one is forgotten for another."""

UNKNOWN_HOST = "www.gb2vqk4dzo.net"
"""The host of certificates that nobody knows, as relays of Tor have them."""

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - of a private network
Peer = tuple[str, int]
SendDatagram = Callable[[bytes], None]


@dataclass(slots=True, kw_only=True)
class TunnelEnds:
    """The far ends of ``tunnels``; a context manager.

    ``page_connection`` makes a connection of the origin's pages. ``ports`` maps the usual ports to
    those that are listened on at ``address``; the ports of the web and of the name server have
    servers of their own, which pass on what begins a tunnel. ``report`` is told what goes wrong.
    """

    key: bytes
    zone: str
    page_connection: Callable[[], Connection]
    address: str = ADDRESS
    tunnels: Mapping[str, Tunnel] = field(default_factory=lambda: TUNNELS)
    report: Callable[[str], None] = lambda _: None
    ports: dict[int, int] = field(default_factory=dict)
    _ends: dict[str, asyncio.Task[FarEnd]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _relays: dict[int, _Relay] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end_tasks)
            for tunnel in self.tunnels.values():
                for port in tunnel.ports:
                    if tunnel.over == "udp":
                        self._relays[port] = relay = _Relay(self, tunnel, port)
                        stack.callback(relay.close)
                    if not tunnel.inside_web and port != DNS:
                        self.ports[port] = await self._listen(stack, tunnel, port)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def services(self) -> dict[str, dict[str, str]]:
        """What the origin declares of them: for each nothing, or the program that is missing."""
        offered = {name: missing_program(one.server_programs) for name, one in self.tunnels.items()}
        return {"tunnels": offered}

    async def _listen(self, stack: AsyncExitStack, tunnel: Tunnel, port: int) -> int:
        if tunnel.over == "tcp":
            context = Authority("Relay").context(UNKNOWN_HOST) if tunnel.in_tls else None
            connect = partial(TunnelConnection, self, tunnel, context)
            return (await stack.enter_async_context(Listener(connect, self.address))).port
        relay = self._relays[port]
        opened, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(relay), sock=bound_socket(socket.SOCK_DGRAM, self.address, 0)
        )
        stack.callback(opened.close)
        return int(opened.get_extra_info("sockname")[1])

    def take_question(self, question: bytes, peer: Peer, send: SendDatagram) -> bool:
        """Pass a question of DNS to a far end if it is below its zone; return whether it is."""
        relay = self._relays.get(DNS)
        if relay is None or not _is_below(question, f"i.{self.zone}"):
            return False
        relay.pass_on(question, peer, send)
        return True

    def begin(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do something until it is done, or the range ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def serve(self, tunnel: Tunnel, stream: ByteStream) -> None:
        """Serve a client's connection to its end."""
        try:
            end = await self.end_of(tunnel)
            if tunnel.serve is not None:
                await tunnel.serve(end, stream)
            else:
                await pass_to_program(tunnel, end, stream)
        except EOFError:
            return
        except (PrivateNetworkError, OSError, ValueError) as error:
            self.report(f"tunnel {tunnel.name}: {error}")
        finally:
            stream.close()

    async def end_of(self, tunnel: Tunnel) -> FarEnd:
        """Return the far end of a tunnel, which is started once. Raises PrivateNetworkError."""
        if tunnel.name not in self._ends:
            starting = asyncio.get_running_loop().create_task(self._started(tunnel))
            self._ends[tunnel.name] = starting
        return await asyncio.shield(self._ends[tunnel.name])

    async def _started(self, tunnel: Tunnel) -> FarEnd:
        async with AsyncExitStack() as stack:
            network = await stack.enter_async_context(PrivateNetwork())
            pages: set[Connection] = set()

            def connect() -> Connection:
                made = self.page_connection()
                made.on_lost = pages.discard
                pages.add(made)
                return made

            listening = await network.listen(PAGE_PORT, EVERY_ADDRESS)
            server = await asyncio.get_running_loop().create_server(connect, sock=listening)
            stack.push_async_callback(close_server, server, pages)
            end = FarEnd(network=network, key=self.key, zone=self.zone)
            await tunnel.start(end)
            self._stack.push_async_exit(stack.pop_all())
        return end

    async def _end_tasks(self) -> None:
        tasks = (*self._tasks, *self._ends.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class TunnelConnection(Connection):
    """A client's connection at the port of a tunnel."""

    def __init__(
        self, ends: TunnelEnds, tunnel: Tunnel, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(context)
        self._ends, self._tunnel = ends, tunnel
        self._stream = PushedStream(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve it: some servers speak first."""
        super().connection_made(transport)
        self._ends.begin(self._ends.serve(self._tunnel, self._stream))

    def on_bytes(self, data: bytes) -> None:
        """Pass on what was received."""
        self._stream.feed(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the far end."""
        super().connection_lost(exc)
        self._stream.feed(b"")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, relay: _Relay) -> None:
        self._relay = relay
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        self._relay.pass_on(data, addr[:2], partial(self._send, addr=addr))

    def _send(self, data: bytes, addr: Peer) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, addr)


class _Relay:
    """Datagrams of one port: each client has a socket in the network of the far end."""

    def __init__(self, ends: TunnelEnds, tunnel: Tunnel, port: int) -> None:
        self._ends, self._tunnel, self._port = ends, tunnel, port
        self._waiting: dict[Peer, asyncio.Queue[bytes]] = {}
        self._serving: dict[Peer, asyncio.Task[None]] = {}

    def pass_on(self, data: bytes, peer: Peer, send: SendDatagram) -> None:
        """Pass a client's datagram on; ``send`` takes what comes back."""
        if peer not in self._waiting:
            self._waiting[peer] = asyncio.Queue()
            self._serving[peer] = self._ends.begin(self._serve(self._waiting[peer], send))
            if len(self._waiting) > MOST_PEERS:
                first = next(iter(self._waiting))
                del self._waiting[first]
                self._serving.pop(first).cancel()
        self._waiting[peer].put_nowait(data)

    async def _serve(self, waiting: asyncio.Queue[bytes], send: SendDatagram) -> None:
        try:
            end = await self._ends.end_of(self._tunnel)
            inside = await end.network.datagrams()
        except PrivateNetworkError as error:
            self._ends.report(f"tunnel {self._tunnel.name}: {error}")
            return
        loop = asyncio.get_running_loop()
        with inside:
            inside.connect((LOOPBACK, self._port))
            answering = self._ends.begin(_answer(inside, send))
            try:
                while True:
                    data = await waiting.get()
                    with suppress(OSError):
                        await loop.sock_sendall(inside, data)
            finally:
                answering.cancel()
                await asyncio.gather(answering, return_exceptions=True)

    def close(self) -> None:
        """Forget all clients."""
        self._waiting.clear()
        self._serving.clear()


async def _answer(inside: socket.socket, send: SendDatagram) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            send(await loop.sock_recv(inside, DATAGRAM_BYTES))
        except OSError:
            await asyncio.sleep(0)


def _is_below(question: bytes, zone: str) -> bool:
    """Whether a message of DNS asks for a name below a zone (RFC 1035 section 4.1.2)."""
    ending = b"".join(bytes((len(label),)) + label.encode() for label in zone.split(".")) + b"\0"
    place, labels = 12, 0
    while place < len(question) and 0 < question[place] < 64:  # noqa: PLR2004 - a label, no pointer
        if labels and question[place : place + len(ending)].lower() == ending:
            return True
        place += question[place] + 1
        labels += 1
    return False


OPENVPN_OPCODES = frozenset({0x38, 0x50})
"""The first byte of a client's first packet: P_CONTROL_HARD_RESET_CLIENT_V2 and V3."""

FIRST_IN_TLS = {b"\x05": "tls", b"SSTP_DUPLEX_POST ": "sstp"}
"""How a connection begins inside TLS that is a tunnel's, and which tunnel that is."""


def tunnel_that_begins(data: bytes, *, inside_tls: bool) -> str:
    """Return the tunnel that a connection to the web's port begins; empty for the web."""
    if inside_tls:
        return next((name for first, name in FIRST_IN_TLS.items() if data.startswith(first)), "")
    is_openvpn = len(data) > 2 and not data[0] and data[2] in OPENVPN_OPCODES  # noqa: PLR2004
    return "openvpn-tcp" if is_openvpn else ""
