"""The resolver line: a service that filters by answering DNS questions."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Origin
from probes.net.direct import DirectLine, DirectOptions
from probes.net.dns_server import parse_dns_server
from probes.net.route import Address


class ResolverOptions(DirectOptions):
    """``server``: the service's name server, ``address:port`` or a URL.

    ``tcp://``, ``tls://`` (DoT) and ``https://`` (DoH) are known; ``server_address`` is the IP
    address of a server that is named, which this machine's own resolver need not know.
    """

    server: str
    server_address: str = ""


@LINES.register("resolver")
class ResolverLine(DirectLine):
    """Resolves by the service's name server, and connects to what it says."""

    Options: ClassVar[type[BaseModel]] = ResolverOptions

    def __init__(
        self, name: str, options: ResolverOptions, origin: Origin | None, limits: Limits
    ) -> None:
        what = f"line {name!r}, option 'server'"
        server = parse_dns_server(options.server, what, options.server_address)
        super().__init__(name, options, origin, limits, server)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        return (self._server.address,)
