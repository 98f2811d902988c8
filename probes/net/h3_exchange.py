"""``by_h3``: send a request over HTTP/3 (RFC 9114) through a line that carries UDP.

The certificate is recorded and not required: the page's token alone proves what came.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from msgspec.structs import replace

from harness.ports.network import Exchange, Line, Request
from harness.ports.streams import DatagramSocket, Dialled, SendsDatagrams
from probes.net.dialled_exchange import dial_request, refused_exchange
from probes.net.direct_line import MIN_PATIENCE, invalid_request
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.h3_client import H3Client, request_fields
from probes.net.quic_client import QuicClient, QuicHello
from probes.net.url_target import UrlTarget, parse_url_target


async def by_h3(line: Line, request: Request) -> Exchange:
    """Send a request without a body over HTTP/3, to the UDP port of its URL.

    Network trouble is in the Exchange, never raised. A line without UDP, or a URL that is not one
    of https, is a failure of the instrument.
    """
    try:
        target = parse_url_target(request.url)
    except ValueError as error:
        return invalid_request(str(error))
    if target.scheme != "https":
        return invalid_request(f"HTTP/3 is for https alone, not for {target.scheme}")
    if not isinstance(line, SendsDatagrams):
        return invalid_request(f"line {line.name!r} carries no UDP, which HTTP/3 needs")
    started = perf_counter()
    dialled = await line.datagrams(dial_request(request, target))
    if dialled.opened is None:
        return refused_exchange(dialled)
    deadline = started + request.timeout
    recorder = ExchangeRecorder(request.body_bytes)
    trust = line.origin.authority if line.origin is not None else ""
    client = QuicClient(dialled.opened, QuicHello(server_name=target.endpoint.host), trust)
    try:
        async with asyncio.timeout(max(deadline - perf_counter(), MIN_PATIENCE)):
            await _talk(client, request, target, recorder, deadline)
    except Exception as error:  # noqa: BLE001 - recorded as the failure
        recorder.fail(error)
    finally:
        await _close(client, dialled)
    exchange = recorder.exchange()
    timings = replace(exchange.timings, total=perf_counter() - started)
    return replace(exchange, timings=timings, peer=dialled.peer)


async def _talk(
    client: QuicClient,
    request: Request,
    target: UrlTarget,
    recorder: ExchangeRecorder,
    deadline: float,
) -> None:
    """Open the connection, send the request, and record the answer."""
    h3 = H3Client(client)
    fields = request_fields(request.method, target.authority, target.path, request.headers)
    stream = await h3.begin(fields, recorder, deadline)
    await h3.read_answer(stream, recorder)


async def _close(client: QuicClient, dialled: Dialled[DatagramSocket]) -> None:
    try:
        await client.close()
    finally:
        if dialled.opened is not None:
            dialled.opened.close()
