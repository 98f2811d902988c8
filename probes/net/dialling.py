"""Open byte streams and datagram sockets along a route, for probes of other protocols."""

from __future__ import annotations

import asyncio
import socket
from time import perf_counter

from harness.model.observation import Failure, Timings
from harness.ports.network import ByteStream, DatagramSocket, Dialled
from probes.net.exchange_recorder import ExchangeRecorder, failure_of
from probes.net.local_binding import UNBOUND, LocalBinding, open_socket
from probes.net.portable.dial import open_stream
from probes.net.route import Address, Route

DATAGRAM_BYTES = 65535


async def dial_stream(route: Route, endpoint: Address, patience: float) -> Dialled[ByteStream]:
    """Connect to ``endpoint`` along a route, through CONNECT or SOCKS5 where it has a proxy.

    Never raises for network trouble: the failure names what went wrong and at which stage.
    """
    recorder = ExchangeRecorder(0)
    started = perf_counter()
    stream: ByteStream | None = None
    try:
        async with asyncio.timeout(patience):
            # "https" makes a proxy open a tunnel instead of taking a whole request.
            stream = await open_stream(recorder, route, "https", endpoint, ())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is named in the result
        recorder.fail(error)
    return Dialled(
        timings=Timings(**recorder.phases, total=perf_counter() - started),
        opened=stream,
        failure=recorder.failure,
        peer=recorder.peer,
        tunnel_status=recorder.tunnel.status if recorder.tunnel else None,
    )


def not_dialled(failure: Failure, resolve: float | None = None) -> Dialled[ByteStream]:
    """Return the result of a stream that was never opened."""
    return Dialled(timings=Timings(resolve=resolve, total=resolve), failure=failure)


class Datagrams:
    """A connected UDP socket (RFC 768): it takes datagrams from its far end alone."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def send(self, data: bytes) -> None:
        """Send one datagram. Raises OSError, also for an ICMP error that came before."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        """Wait for the next datagram. Raises OSError; waits for ever without a timeout outside."""
        return await asyncio.get_running_loop().sock_recv(self._sock, DATAGRAM_BYTES)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


def open_datagrams(address: Address, binding: LocalBinding = UNBOUND) -> Dialled[DatagramSocket]:
    """Open a UDP socket to an address; nothing is sent."""
    started = perf_counter()
    opened: DatagramSocket | None = None
    failure = None
    try:
        sock = open_socket(address.host, socket.SOCK_DGRAM, binding)
        try:
            sock.connect((address.host, address.port))
        except BaseException:
            sock.close()
            raise
        opened = Datagrams(sock)
    except OSError as error:
        failure = failure_of(error, "connect")
    return Dialled(
        timings=Timings(total=perf_counter() - started),
        opened=opened,
        failure=failure,
        peer=address.host,
    )
