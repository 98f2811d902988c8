"""The resolver line: a service that filters by answering DNS questions."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.plugins import register
from harness.ports.asking import Origin
from probes.net.address import parse_address
from probes.net.direct import DirectLine, DirectOptions
from probes.net.portable.resolver import DNS_PORT


class ResolverOptions(DirectOptions):
    """``server`` as ``address:port``: the name server of the service."""

    server: str


@register("lines", "resolver")
class ResolverLine(DirectLine):
    """Resolves by the service's name server, and connects to what it says."""

    Options: ClassVar[type[BaseModel]] = ResolverOptions

    def __init__(
        self, name: str, options: ResolverOptions, origin: Origin | None, limits: Limits
    ) -> None:
        server = parse_address(options.server, f"line {name!r}, option 'server'", DNS_PORT)
        super().__init__(name, options, origin, limits, server)
