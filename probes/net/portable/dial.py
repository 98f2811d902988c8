"""Dials: connects a socket, opens a way through a proxy, and shakes hands.

aiohttp would do all three, but folds them together: which stage failed, how long each took,
and what a proxy said when it refused a tunnel are facts that it loses.
"""

from __future__ import annotations

import asyncio
import ssl

from aiohttp.client_proto import ResponseHandler

from probes.net.address import Address
from probes.net.certificate import read_certificate
from probes.net.exchange_recorder import Passage
from probes.net.http_head import Headers
from probes.net.portable.arrival_times import Hearing
from probes.net.portable.stream import Stream, connect
from probes.net.proxy_handshake import opening_of
from probes.net.route import Route, accepting_any


async def dial(
    passage: Passage, route: Route, scheme: str, far: Address, headers: Headers = ()
) -> ResponseHandler:
    """Open the connection that carries one request; ``far`` is the host and port of its URL.

    ``headers`` are those of a CONNECT, if there is one.
    A certificate that does not verify is noted in the passage as its failure; the connection is
    opened all the same, for what is shown behind that certificate may be the page.
    Raises OSError, ssl.SSLError, ValueError or TunnelRefused; the passage knows the stage.
    """
    stream = await reach(passage, route, scheme, far, headers)
    loop = asyncio.get_running_loop()
    try:
        if scheme == "http":
            return await stream.hand_to(Hearing(loop))
        with passage.phase("tls", "tls"):
            hearing = await stream.hand_to(Hearing(loop), route.trust, far.host)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        passage.fail(error)
        return await _dial_unverified(passage, route, far, headers)
    except BaseException:
        stream.close()
        raise
    passage.certificate = read_certificate(_engine(hearing.transport), trusted=True)
    return hearing


async def reach(
    passage: Passage, route: Route, scheme: str, far: Address, headers: Headers
) -> Stream:
    """Connect, and open the way through a proxy if the route has one; raises as ``dial``."""
    proxy = route.proxy
    passage.peer = route.address.host
    with passage.phase("connect", "proxy_connect" if proxy else "connect"):
        stream = await connect(route.address, route.source)
        try:
            if proxy is not None and proxy.trust is not None:
                await stream.seal(proxy.trust, proxy.host)
        except BaseException:
            stream.close()
            raise
    try:
        opening = opening_of(passage, route, scheme, far, headers)
        while opening is not None:
            await stream.write(opening.due())
            if opening.feed(await stream.read()):
                break
    except BaseException:
        stream.close()
        raise
    return stream


async def _dial_unverified(
    passage: Passage, route: Route, far: Address, headers: Headers
) -> ResponseHandler:
    """The same connection once more, with any certificate. The first failure stands."""
    stream = await reach(Passage(passage.limit), route, "https", far, headers)
    try:
        hearing = await stream.hand_to(
            Hearing(asyncio.get_running_loop()), accepting_any(), far.host
        )
    except BaseException:
        stream.close()
        raise
    passage.certificate = read_certificate(_engine(hearing.transport), trusted=False)
    return hearing


def _engine(transport: asyncio.BaseTransport | None) -> ssl.SSLObject:
    assert transport is not None, "the hands were shaken just now"
    engine: ssl.SSLObject = transport.get_extra_info("ssl_object")
    return engine
