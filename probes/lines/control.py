"""The control line: direct access to the internet that bypasses the service under test."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.network import Origin
from probes.net.direct import DirectLine, DirectOptions
from probes.net.dns_server import DnsServer, parse_dns_server
from probes.net.portable.resolver import system_server


class ControlOptions(DirectOptions):
    """``resolver`` as ``address:port`` (default: the origin's, else this machine's own).

    It may be a URL as for the resolver line; ``server_address`` is then its IP address. Other
    lines' answers are compared with its answers, so ``mixed_case`` makes them hard to spoof.
    """

    resolver: str | None = None
    server_address: str = ""
    mixed_case: bool = True


@LINES.register("control")
class Control(DirectLine):
    """Resolves by an unfiltered name server and connects directly."""

    Options: ClassVar[type[BaseModel]] = ControlOptions

    def __init__(
        self, name: str, options: ControlOptions, origin: Origin | None, limits: Limits
    ) -> None:
        address_text = options.resolver or (origin.resolver if origin else "")
        what = f"line {name!r}, option 'resolver'"
        at = options.server_address
        server = (
            parse_dns_server(address_text, what, at)
            if address_text
            else DnsServer(address=system_server())
        )
        super().__init__(name, options, origin, limits, server)
