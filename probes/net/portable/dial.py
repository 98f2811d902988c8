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
from probes.net.head import END, HEAD_BYTES, read_head, write_head
from probes.net.passage import Passage
from probes.net.portable.hearing import Hearing
from probes.net.route import Route, looking

SUCCESS = range(200, 300)
PROXY_AUTHENTICATION_REQUIRED = 407
READ_BYTES = 65536


class TunnelRefusedError(Exception):
    """The proxy answered CONNECT with a refusal, or a page of its own; the passage holds it."""


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
        passage.stage = "tunnel"
        try:
            await _tunnel(passage, sock, route, far)
        except BaseException:
            sock.close()
            raise
    return sock


async def _connect(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    try:
        sock.setblocking(False)  # noqa: FBT003 - the socket module asks for it
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    except BaseException:
        sock.close()
        raise
    return sock


async def _tunnel(passage: Passage, sock: socket.socket, route: Route, far: Address) -> None:
    """Ask the proxy for a tunnel (RFC 9110 section 9.3.6); what it says when it refuses is kept."""
    headers = [("Host", str(far)), ("Proxy-Connection", "close")]
    if route.authorization:
        headers.append(("Proxy-Authorization", route.authorization))
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, write_head("CONNECT", str(far), headers))
    received = b""
    while END not in received:
        if len(received) > HEAD_BYTES:
            raise ValueError("the proxy's answer to CONNECT has no end")
        received += await _read(sock)
    head, _, rest = received.partition(END)
    passage.tunnel = read_head(head)
    if passage.tunnel.status in SUCCESS and not rest:
        return
    passage.body += rest
    if passage.tunnel.status in SUCCESS:
        # In TLS the client speaks first: this is the proxy's own page (Squid, deny_info 200).
        passage.stage = "tls"
        passage.end("ssl_failed_handshake", "wrong version: plain text came instead of TLS")
    else:
        refused = passage.tunnel.status == PROXY_AUTHENTICATION_REQUIRED
        passage.end("proxy_authentication_required" if refused else "proxy_refused_tunnel")
    await _read_refusal(passage, sock)
    raise TunnelRefusedError


async def _read_refusal(passage: Passage, sock: socket.socket) -> None:
    assert passage.tunnel is not None
    declared = passage.tunnel.header("content-length")
    length = int(declared) if declared.isascii() and declared.isdigit() else passage.limit
    while len(passage.body) < min(length, passage.limit):
        try:
            passage.body += await _read(sock)
        except (OSError, EOFError):
            return


async def _read(sock: socket.socket) -> bytes:
    received = await asyncio.get_running_loop().sock_recv(sock, READ_BYTES)
    if not received:
        raise EOFError("the far end closed")
    return received


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
