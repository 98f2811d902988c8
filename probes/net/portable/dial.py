"""Open the connection of one request: TCP connect, proxy handshake, TLS handshake.

aiohttp could do all three, but does not report which stage failed, how long each took, or the
response of a proxy that refused a tunnel. Holds ``dial`` and ``open_stream``, the ``Stream`` they
use, and ``ArrivalTimes``, aiohttp's protocol with the time of the first byte.
"""

from __future__ import annotations

import asyncio
import ssl
from time import perf_counter

from aiohttp.client_proto import ResponseHandler

from probes.net.dialling import open_stream
from probes.net.exchange_recorder import ExchangeRecorder, Headers
from probes.net.route import Address, Route, unverified_tls_context
from probes.net.tls_facts import read_certificate


class ArrivalTimes(ResponseHandler):
    """aiohttp's protocol, which also records the first byte's time and how the connection ended."""

    first_byte: float | None = None
    close_reason: BaseException | None = None

    def data_received(self, data: bytes) -> None:
        """Record the time of the first byte."""
        if self.first_byte is None:
            self.first_byte = perf_counter()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Record why the connection ended; None means an orderly close."""
        self.close_reason = exc
        super().connection_lost(exc)


async def dial(
    recorder: ExchangeRecorder, route: Route, scheme: str, endpoint: Address, headers: Headers = ()
) -> ResponseHandler:
    """Open the connection of one request; ``endpoint`` is the host and port of its URL.

    ``headers`` are those of a CONNECT, if there is one. If the certificate does not verify, the
    failure is recorded and a second connection is opened without verification, as there may be a
    block page behind it. Raises OSError, ssl.SSLError, ValueError or TunnelRefusedError; the
    recorder has the stage.
    """
    stream = await open_stream(recorder, route, scheme, endpoint, headers)
    loop = asyncio.get_running_loop()
    try:
        if scheme == "http":
            return await stream.switch_protocol(ArrivalTimes(loop))
        with recorder.phase("tls", "tls"):
            handler = await stream.switch_protocol(ArrivalTimes(loop), route.trust, endpoint.host)
    except ssl.SSLCertVerificationError as error:
        stream.close()
        recorder.fail(error)
        return await _dial_unverified(recorder, route, endpoint, headers)
    except BaseException:
        stream.close()
        raise
    recorder.certificate = read_certificate(_ssl_object(handler.transport), trusted=True)
    return handler


async def _dial_unverified(
    recorder: ExchangeRecorder, route: Route, endpoint: Address, headers: Headers
) -> ResponseHandler:
    """Open the connection again without verification. The first failure is kept."""
    stream = await open_stream(ExchangeRecorder(recorder.limit), route, "https", endpoint, headers)
    try:
        handler = await stream.switch_protocol(
            ArrivalTimes(asyncio.get_running_loop()), unverified_tls_context(), endpoint.host
        )
    except BaseException:
        stream.close()
        raise
    recorder.certificate = read_certificate(_ssl_object(handler.transport), trusted=False)
    return handler


def _ssl_object(transport: asyncio.BaseTransport | None) -> ssl.SSLObject:
    assert transport is not None, "the TLS handshake is complete"
    engine: ssl.SSLObject = transport.get_extra_info("ssl_object")
    return engine
