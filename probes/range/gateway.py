"""The reference filter as a transparent gateway: it stands in the way, and nobody is told.

Of an http request it knows the Host line, of an https one the name in the ClientHello. What
it cannot say in the clear it says by interception: under a certificate of its own authority,
or under one that no client accepts.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import ClassVar

from probes.range.authority import Authority
from probes.range.faults import FaultKind
from probes.range.filter import Decision, ReferenceFilter, Service
from probes.range.hello import named_in
from probes.range.origin_pages import block_page
from probes.range.proxy import ProxyConnection, Upstream
from probes.range.request import Request
from probes.range.tls import Tls
from probes.range.zone import ADDRESS

ALERT = bytes((21, 3, 3, 0, 2, 2, 49))
"""A TLS record: a fatal alert, access_denied (RFC 8446 section 6.2)."""

OTHER_HOST = "portal.filter.accredit.test"
THROUGH = frozenset({None, FaultKind.UPGRADE})
"""Styles that leave a TLS connection alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seals:
    """The authorities of a gateway: its own, which clients may trust, and one that nobody knows."""

    own: Authority
    unknown: Authority

    def context(self, style: FaultKind | None, host: str) -> ssl.SSLContext:
        """The certificate under which a connection for ``host`` is intercepted."""
        match style:
            case FaultKind.UNKNOWN_AUTHORITY:
                return self.unknown.context(host)
            case FaultKind.WRONG_HOST:
                return self.own.context(OTHER_HOST)
            case FaultKind.EXPIRED:
                return self.own.lapsed_context(host)
        return self.own.context(host)


class PlainGateway(ProxyConnection):
    """One client that believes to speak http with the origin."""

    service: ClassVar[Service] = "gateway"

    def on_request(self, request: Request) -> None:
        """Decide by the host that the request names."""
        self._decide(request)


class SecureGateway(PlainGateway):
    """One client that believes to speak TLS with the origin."""

    def __init__(
        self, filter_: ReferenceFilter, profile: str, upstream: Upstream, seals: Seals
    ) -> None:
        super().__init__(filter_, profile, upstream)
        self._seals = seals
        self._hello: bytearray | None = bytearray()
        self._decided: Decision

    def data_received(self, data: bytes) -> None:
        """Read the ClientHello; after that, what was decided for its host goes on."""
        if self._hello is None:
            super().data_received(data)
            return
        self._hello += data
        try:
            name = named_in(bytes(self._hello))
        except ValueError:
            self.close()
            return
        if name is not None:
            self._decided = self._filter.decide(name, self._profile, self.service)
            self._begin(bytes(self._hello), name)

    def _decide(self, request: Request) -> None:
        """An intercepted request: its fate was decided by its ClientHello."""
        self._carry_out(self._decided, request)

    def _begin(self, hello: bytes, name: str) -> None:
        match self._decided.style:
            case FaultKind.SILENT:
                return
            case FaultKind.RESET:
                self.reset()
            case FaultKind.EOF:
                self.close()
            case FaultKind.ALERT:
                self.send(ALERT)
                self.close()
            case FaultKind.PLAIN:
                self.answer(block_page(name, self._decided.category))
            case style if style in THROUGH:
                # What the client says until the way is open is kept with its ClientHello.
                self._connecting = asyncio.get_running_loop().create_task(self._tunnel(name))
            case style:
                self._hello = None
                self._tls = Tls(self._seals.context(style, name))
                super().data_received(hello)

    async def _tunnel(self, name: str) -> None:
        await self._reach(ADDRESS, self._upstream.ports[443], name)
        if self._far is not None and self._hello is not None:
            self._far.has_spoken = True
            self._far.send(bytes(self._hello))
            self._hello = None
