"""The origin of the laboratory: a public origin that answers DNS over QUIC as well.

Run as a program with the origin's ``origin.yaml``, as ``accredit origin serve`` is.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import dns.message

from harness.cli.long_running import allow_many_files
from harness.cli.origin import read_settings
from harness.cli.origin_serving import report, serve
from probes.net.doq import PORT as DOQ_PORT
from probes.range.authority import Certificates
from probes.range.doq_server import doq_listener
from probes.range.name_server import Reply
from probes.range.public_origin import PublicOrigin
from probes.range.resolver import ZoneServer
from probes.range.server_chain import CurrentChain
from probes.range.visitor_limits import VisitorLimits


class TechniqueOrigin(PublicOrigin):
    """A public origin that also answers DNS over QUIC."""

    async def _listen_beside(
        self,
        stack: AsyncExitStack,
        addresses: tuple[str, ...],
        limits: VisitorLimits,
        zones: ZoneServer,
        certificates: Certificates,
    ) -> None:
        await super()._listen_beside(stack, addresses, limits, zones, certificates)
        chain = CurrentChain(certificates, *zones.names.certificate_names)

        def reply(query: dns.message.Message) -> Reply:
            return Reply(message=zones.answer(query))

        doq = doq_listener(reply, chain, addresses, DOQ_PORT, limits)
        await stack.enter_async_context(doq)


def main(file: Path) -> None:
    """Serve until a signal ends it."""
    settings = read_settings(file)
    origin = TechniqueOrigin(settings, file.parent, texts={}, contents={}, report=report)
    allow_many_files()
    asyncio.run(serve(origin))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
