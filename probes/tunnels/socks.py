"""SOCKS5 (RFC 1928): a client of our own, and microsocks at the far end, alone and inside TLS.

Inside TLS the client is stunnel, at the port of the origin's web servers.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

from harness.ports.streams import ByteStream
from probes.net.private_network import LOOPBACK, program
from probes.tunnels.ends import LOCAL_PORT, PAGE_PORT, ClientEnd, FarEnd, Tunnel

PORT, TLS_PORT = 1080, 443
SERVER, STUNNEL = ("microsocks", "microsocks"), ("stunnel", "stunnel4")

VERSION, CONNECT, BY_IPV4, NO_LOGIN, BY_PASSWORD = 5, 1, 1, 0, 2
PASSWORD_VERSION = 1
BOUND_BYTES = {1: 4, 4: 16}
"""Bytes of the address in a reply, by its type; names are refused."""


class _Reader:
    """Reads so many bytes; what comes after them is not read."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._received = b""

    async def exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            more = await self._stream.read()
            if not more:
                raise EOFError("the SOCKS server closed the connection")
            self._received += more
        taken, self._received = self._received[:size], self._received[size:]
        return taken


async def connect_by_socks(
    stream: ByteStream, address: str, port: int, login: tuple[bytes, bytes] | None = None
) -> None:
    """Ask a SOCKS5 server for a connection, with a user's name and password if it wants them.

    The other end must wait for the client's first bytes. Raises ValueError if it is refused, and
    what the stream raises; the stream is then closed. ``login``: RFC 1929.
    """
    try:
        await _connect_by_socks(stream, address, port, login)
    except BaseException:
        stream.close()
        raise


async def _connect_by_socks(
    stream: ByteStream, address: str, port: int, login: tuple[bytes, bytes] | None
) -> None:
    reader = _Reader(stream)
    method = NO_LOGIN if login is None else BY_PASSWORD
    await stream.write(bytes((VERSION, 1, method)))
    if await reader.exactly(2) != bytes((VERSION, method)):
        raise ValueError("the SOCKS server refused how its client signs in")
    if login is not None:
        user, password = login
        fields = bytes((len(user),)) + user + bytes((len(password),)) + password
        await stream.write(bytes((PASSWORD_VERSION,)) + fields)
        if (await reader.exactly(2))[1]:
            raise ValueError("the SOCKS server refused the password")
    target = IPv4Address(address).packed + struct.pack("!H", port)
    await stream.write(bytes((VERSION, CONNECT, 0, BY_IPV4)) + target)
    version, reply, _, kind = await reader.exactly(4)
    if version != VERSION or reply or kind not in BOUND_BYTES:
        msg = f"the SOCKS server refused the connection with reply {reply}"
        raise ValueError(msg)
    await reader.exactly(BOUND_BYTES[kind] + 2)


async def _open(end: ClientEnd) -> ByteStream:
    stream = await end.network.connect(LOOPBACK, PORT)
    await connect_by_socks(stream, LOOPBACK, PAGE_PORT)
    return stream


async def _open_in_tls(end: ClientEnd) -> ByteStream:
    lines = [
        "foreground = yes",
        "pid =",
        "[tunnel]",
        "client = yes",
        f"accept = {LOOPBACK}:{LOCAL_PORT}",
        f"connect = {LOOPBACK}:{TLS_PORT}",
        f"sni = {end.host}",
        f"checkHost = {end.host}",
        "verifyChain = yes",
    ]
    lines += [f"CAfile = {path}" for path in end.authorities]
    path = await end.network.write("stunnel.conf", "\n".join((*lines, "")))
    await end.network.start("stunnel", [program(*STUNNEL), path])
    stream = await end.network.connect(LOOPBACK, LOCAL_PORT, "stunnel")
    await connect_by_socks(stream, LOOPBACK, PAGE_PORT)
    return stream


async def _start(end: FarEnd, port: int = PORT) -> None:
    await end.network.start("microsocks", [program(*SERVER), "-i", LOOPBACK, "-p", str(port)])
    (await end.network.connect(LOOPBACK, port, "microsocks")).close()


async def _start_in_tls(end: FarEnd) -> None:
    await _start(end, TLS_PORT)


SOCKS = Tunnel(
    name="socks",
    over="tcp",
    ports=(PORT,),
    open=_open,
    start=_start,
    server_programs=(SERVER,),
)
TLS = Tunnel(
    name="tls",
    over="tcp",
    ports=(TLS_PORT,),
    open=_open_in_tls,
    start=_start_in_tls,
    client_programs=(STUNNEL,),
    server_programs=(SERVER,),
    inside_web=True,
)
