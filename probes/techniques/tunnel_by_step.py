r"""Step ``tunnel-by``: a tunnel by a real client program to the origin, for the next step.

``tunnel-by ssh | http1 GET / HTTP/1.1\r\nHost: {host}...``: the client runs in a private network;
its only way out leads over the line to the tunnel's far end at the origin, by default at the
address ``at={ip}`` (or a host, such as ``{allowed}``) and the usual port (``port=`` another one).
What the next step sends goes through the tunnel, and reaches the origin's pages at its other end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from harness.errors import known
from harness.ports.network import authorities_of
from harness.ports.streams import ByteStream, DialsStreams, SendsDatagrams
from probes.net.private_network import PrivateNetwork, PrivateNetworkError
from probes.net.route import is_literal
from probes.techniques.carried_ports import CarriedPorts
from probes.techniques.far_end import FarEnd, port_of
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import NotCarriedError, StepRun, TechniqueRun
from probes.techniques.steps import options_of, step
from probes.tunnels.ends import PAGE_PORT, ClientEnd, Tunnel
from probes.tunnels.table import TUNNELS, missing_program

SERVICE = "tunnels"
"""The entry of the origin's services with its far ends: by name nothing, or why there is none."""


@step("tunnel-by")
def read_tunnel_by(text: str) -> StepRun:
    """Read the name of a tunnel, and the options ``at`` and ``port``."""
    name, _, rest = text.partition(" ")
    if name not in TUNNELS:
        msg = f"unknown tunnel {name!r}; {known(TUNNELS)}"
        raise ValueError(msg)
    options = options_of(rest, {"at": "{ip}", "port": ""})
    at, port = pieces_of(options["at"]), port_of(options["port"])

    async def run(run: TechniqueRun) -> None:
        await _open(run, TUNNELS[name], at, port)

    return run


async def _open(run: TechniqueRun, tunnel: Tunnel, at: tuple[Piece, ...], port: int) -> None:
    """Open the tunnel, and leave its end as the stream. Raises NotCarriedError, NotDialledError."""
    obstacle = _obstacle(run, tunnel)
    if obstacle:
        raise NotCarriedError(obstacle)
    address = run.text(at)
    try:
        network = await run.closers.enter_async_context(PrivateNetwork())
        carried = CarriedPorts(run=run, network=network)
        run.closers.push_async_callback(carried.close)
        fixed = address if is_literal(address) else ""
        far_ends = [FarEnd(host=address, port=each, address=fixed) for each in tunnel.ports]
        if port:
            far_ends[0] = far_ends[0]._replace(port=port)
        for inside, far_end in zip(tunnel.ports, far_ends, strict=True):
            await carried.carry(inside, tunnel.over, far_end)
    except PrivateNetworkError as error:
        raise NotCarriedError(str(error)) from None
    run.note("tunnel-by", str(far_ends[0]), f"{tunnel.name} over {tunnel.over}")
    run.recorder.stage = "tunnel"
    run.stream = run.keep(await _opened(tunnel, _client_end(run, network), carried))
    run.port = PAGE_PORT
    run.is_proxied = False


def _obstacle(run: TechniqueRun, tunnel: Tunnel) -> str:
    """Return why the tunnel cannot be tried at all; empty if nothing is in the way."""
    if tunnel.over == "tcp" and not isinstance(run.line, DialsStreams):
        return f"line {run.line.name!r} opens no byte streams"
    if tunnel.over == "udp" and not isinstance(run.line, SendsDatagrams):
        return f"line {run.line.name!r} carries no UDP"
    offered = run.origin.services.get(SERVICE, {})
    if tunnel.name not in offered:
        return f"the origin has no far end for tunnels by {tunnel.name}"
    if offered[tunnel.name]:
        return f"the origin has no far end for tunnels by {tunnel.name}: {offered[tunnel.name]}"
    return missing_program(tunnel.client_programs)


def _client_end(run: TechniqueRun, network: PrivateNetwork) -> ClientEnd:
    host = run.values["host"]
    return ClientEnd(
        network=network,
        key=run.origin.key,
        host=run.values["allowed"] or host,
        zone=run.values["zone"],
        authorities=authorities_of(run.line),
        number=run.draw(f"tunnel {run.values['nonce']}").getrandbits(32),
    )


async def _opened(tunnel: Tunnel, end: ClientEnd, carried: CarriedPorts) -> ByteStream:
    """Return the open tunnel. Raises what went wrong on the line, or ConnectionError."""
    opening = asyncio.ensure_future(tunnel.open(end))
    waiting: set[asyncio.Future[Any]] = {opening, carried.failed}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        # What went wrong on the line is why a client fails, so it is what counts.
        if carried.failed.done():
            carried.failed.result()
        return opening.result()
    except BaseException as error:
        opening.cancel()
        for opened in await asyncio.gather(opening, return_exceptions=True):
            if not isinstance(opened, BaseException):
                opened.close()
        if not isinstance(error, PrivateNetworkError):
            raise
        raise ConnectionError(str(error)) from None
