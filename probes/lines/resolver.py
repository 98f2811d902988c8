"""The resolver line: a service that filters by its DNS answers."""

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
    """Options of the resolver line.

    ``server`` is the service's name server, ``address:port`` or a URL with ``tcp://``, ``tls://``
    (DoT) or ``https://`` (DoH). ``server_address`` is the IP address of a server given by name, if
    this machine's resolver does not know the name.
    """

    server: str
    server_address: str = ""


@LINES.register("resolver")
class ResolverLine(DirectLine):
    """Resolves by the service's name server and connects to the answered address."""

    Options: ClassVar[type[BaseModel]] = ResolverOptions

    def __init__(
        self, name: str, options: ResolverOptions, origin: Origin | None, limits: Limits
    ) -> None:
        what = f"line {name!r}, option 'server'"
        server = parse_dns_server(options.server, what, options.server_address)
        super().__init__(name, options, origin, limits, server)

    def _declared_endpoints(self) -> tuple[Address, ...]:
        return (self._server.address,)
