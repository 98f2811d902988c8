"""What the range's origin offers over QUIC: HTTP/3 beside https, and DNS over QUIC."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

from harness.model.technique_host import PART
from probes.net.doq import PORT as DOQ_PORT
from probes.range.authority import Authority
from probes.range.doq_server import doq_listener
from probes.range.h3_server import h3_listener
from probes.range.name_server import ReplyFunction
from probes.range.origin import OriginServer
from probes.range.server_chain import read_chain


@dataclass(slots=True, kw_only=True)
class QuicServices:
    """The servers at the addresses of ``origin``, which listens already; a context manager.

    HTTP/3 has the UDP port with the number of https. ``doq_port`` is that of DNS over QUIC, which
    the system chooses if it is 0; ``ports`` maps the usual port to it.
    """

    origin: OriginServer
    authority: Authority
    reply_to: ReplyFunction
    doq_port: int = 0
    ports: dict[int, int] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        origin, authority = self.origin, self.authority
        names = origin.pages.names
        wanted = (*names.certificate_names, *(f"*.{PART}.{zone.zone}" for zone in names.zones))
        # aioquic shows the same certificate whatever name a client asks for.
        chain = read_chain(authority.pem_with_key(authority.leaf(*wanted)))
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(h3_listener(origin, chain, origin.https_port))
            doq = doq_listener(self.reply_to, chain, origin.addresses, self.doq_port)
            self.ports[DOQ_PORT] = (await stack.enter_async_context(doq)).port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()
