"""Far ends of their own for a step: servers beside the host whose page is wanted.

They are reached over the line, as the page is; where the next step connects to does not change.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import NamedTuple

from harness.ports.network import authorities_of
from harness.ports.streams import (
    ByteStream,
    DatagramSocket,
    DialRequest,
    DialsStreams,
    SendsDatagrams,
)
from probes.net.route import HIGHEST_PORT, client_tls_context, is_literal
from probes.techniques.run import NotCarriedError, NotDialledError, TechniqueRun


class FarEnd(NamedTuple):
    """A server: its name or address, its port, and the address to use (empty: as resolved)."""

    host: str
    port: int
    address: str = ""

    def __str__(self) -> str:
        at = f" at {self.address}" if self.address not in ("", self.host) else ""
        return f"{self.host}:{self.port}{at}"


def port_of(text: str) -> int:
    """Return the port that an option names; 0 if it is empty. Raises ValueError."""
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) <= HIGHEST_PORT):
        msg = f"{text!r} is not a port"
        raise ValueError(msg)
    return int(text or 0)


def request_for(run: TechniqueRun, far_end: FarEnd) -> DialRequest:
    """Return the request by which a line opens a stream or socket to a far end."""
    return DialRequest(
        host=far_end.host,
        port=far_end.port,
        timeout=run.remaining,
        address=far_end.address,
        guarded=run.attempt.item.host,
    )


async def dial_far_end(run: TechniqueRun, far_end: FarEnd) -> ByteStream:
    """Dial a stream, closed at the end of the attempt. Raises NotDialledError, NotCarriedError."""
    if not isinstance(run.line, DialsStreams):
        raise NotCarriedError(f"line {run.line.name!r} opens no byte streams")
    dialled = await run.line.dial(request_for(run, far_end))
    if dialled.opened is None:
        raise NotDialledError(dialled)
    return run.keep(dialled.opened)


async def open_far_end(run: TechniqueRun, far_end: FarEnd) -> DatagramSocket:
    """Open a UDP socket. Raises NotDialledError, and NotCarriedError if the line has no UDP."""
    if not isinstance(run.line, SendsDatagrams) or "datagrams" not in run.line.carries:
        raise NotCarriedError(f"line {run.line.name!r} carries no UDP")
    dialled = await run.line.datagrams(request_for(run, far_end))
    if dialled.opened is None:
        raise NotDialledError(dialled)
    return run.keep(dialled.opened)


async def secure(run: TechniqueRun, stream: ByteStream, host: str, protocol: str) -> None:
    """Perform the TLS handshake, with ``protocol`` offered by ALPN. Raises OSError, SSLError.

    The authorities of the origin and of the line are trusted. Where ``host`` is an IP address, the
    handshake names nothing, and the certificate may be for any name.
    """
    trust = _trust(authorities_of(run.line), protocol, named=not is_literal(host))
    await stream.start_tls(trust, host)


def trust_of(authorities: tuple[str, ...], protocol: str, *, named: bool) -> ssl.SSLContext:
    """Return a context that trusts the files of authorities, and offers one protocol."""
    trust = client_tls_context(*authorities, alpn=(protocol,))
    trust.check_hostname = named
    return trust


_trust = lru_cache(maxsize=64)(trust_of)
