"""Dials: connects a socket, opens a tunnel through a proxy, and shakes hands.

aiohttp would do all three, but folds them together: which stage failed, how long each took,
and what a proxy said when it refused a tunnel are facts that it loses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from aiohttp.client_proto import ResponseHandler

from probes.net.address import Address
from probes.net.certificate import read_certificate
from probes.net.passage import Passage
from probes.net.portable.hearing import Hearing
from probes.net.route import Route, looking
from probes.net.tunnel import Tunnel, TunnelRefusedError

READ_BYTES = 65536


async def dial(passage: Passage, route: Route, scheme: str, far: Address) -> ResponseHandler:
    """Open the connection that carries one request; ``far`` is the host and port of its URL.

    Raises OSError, ssl.SSLError, ValueError or TunnelRefused; the passage knows the stage.
    """
    sock = await _reach(passage, route, scheme, far)
    loop = asyncio.get_running_loop()
    try:
        if scheme == "http":
            _, hearing = await loop.create_connection(lambda: Hearing(loop), sock=sock)
            return hearing
        with passage.phase("tls", "tls"):
            transport, hearing = await loop.create_connection(
                lambda: Hearing(loop), sock=sock, ssl=route.trust, server_hostname=far.host
            )
    except BaseException as error:
        sock.close()
        if isinstance(error, ssl.SSLCertVerificationError):
            await _look(passage, route, far)
        raise
    passage.certificate = read_certificate(transport.get_extra_info("ssl_object"), trusted=True)
    return hearing


async def _reach(passage: Passage, route: Route, scheme: str, far: Address) -> socket.socket:
    with passage.phase("connect", "proxy_connect" if route.by_proxy else "connect"):
        sock = await _connect(route.address)
    passage.peer = route.address.host
    if route.by_proxy and scheme == "https":
        try:
            await _tunnel(passage, sock, route, far)
        except BaseException:
            sock.close()
            raise
    return sock


async def _connect(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _tunnel(passage: Passage, sock: socket.socket, route: Route, far: Address) -> None:
    loop = asyncio.get_running_loop()
    tunnel = Tunnel(passage, route, far)
    await loop.sock_sendall(sock, tunnel.request)
    while not tunnel.feed(await loop.sock_recv(sock, READ_BYTES)):
        pass


async def _look(passage: Passage, route: Route, far: Address) -> None:
    """See which certificate was shown, for it was refused before it could be read.

    No request is sent. Whatever fails here changes nothing: the verification failure stands.
    """
    aside = Passage(passage.limit)
    loop = asyncio.get_running_loop()
    try:
        sock = await _reach(aside, route, "https", far)
        try:
            transport, _ = await loop.create_connection(
                asyncio.Protocol, sock=sock, ssl=looking(), server_hostname=far.host
            )
        except BaseException:
            sock.close()
            raise
    except (OSError, EOFError, ValueError, TunnelRefusedError):
        return
    passage.certificate = read_certificate(transport.get_extra_info("ssl_object"), trusted=False)
    transport.abort()
