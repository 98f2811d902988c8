"""The origin of the laboratory: a public origin, with its further servers for techniques.

Run as a program with the origin's ``origin.yaml``, as ``accredit origin serve`` is. What that serves
already needs no entry here.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path

from harness.cli.origin import read_settings
from harness.cli.origin_serving import allow_many_files, report, serve
from probes.net.doq import PORT as DOQ_PORT
from probes.range.authority import Authority, Certificates
from probes.range.name_server import Reply
from probes.range.origin import OriginServer
from probes.range.public_origin import PublicOrigin
from probes.range.quic_services import QuicServices
from probes.range.resolver import ZoneServer
from probes.range.visitor_limits import VisitorLimits


class TechniqueOrigin(PublicOrigin):
    """A public origin that also starts ``further_servers``."""

    async def _listen_beside(
        self,
        stack: AsyncExitStack,
        addresses: tuple[str, ...],
        limits: VisitorLimits,
        zones: ZoneServer,
        certificates: Certificates,
    ) -> None:
        await super()._listen_beside(stack, addresses, limits, zones, certificates)
        for server in self.further_servers(addresses, limits, zones):
            await stack.enter_async_context(server)

    def further_servers(
        self, addresses: tuple[str, ...], limits: VisitorLimits, zones: ZoneServer
    ) -> Iterator[AbstractAsyncContextManager[object]]:
        """The servers beside those of a public origin. New ones are added here."""
        authority = self._zone_certificates
        assert isinstance(authority, Authority)
        web = OriginServer(
            pages=replace(self._pages, names=zones.names),
            certificates=authority,
            log=self.log,
            addresses=addresses,
            http_port=self.settings.ports.http,
            https_port=self.settings.ports.https,
            limits=limits,
        )
        yield QuicServices(
            origin=web,
            authority=authority,
            reply_to=lambda query: Reply(message=zones.answer(query)),
            doq_port=DOQ_PORT,
        )


def main(file: Path) -> None:
    """Serve until a signal ends it."""
    settings = read_settings(file)
    origin = TechniqueOrigin(settings, file.parent, texts={}, contents={}, report=report)
    allow_many_files()
    asyncio.run(serve(origin))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
