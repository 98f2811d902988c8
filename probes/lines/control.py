"""The control line: straight to the internet, past the service under test."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel

from harness.model.campaign import Limits
from harness.plugins import register
from harness.ports.asking import Origin
from probes.net.address import parse_address
from probes.net.direct import DirectLine, DirectOptions
from probes.net.portable.resolver import DNS_PORT, system_server


class ControlOptions(DirectOptions):
    """``resolver`` as ``address:port`` (default: the origin's, else this machine's own)."""

    resolver: str | None = None


@register("lines", "control")
class Control(DirectLine):
    """Resolves by an unfiltered name server."""

    Options: ClassVar[type[BaseModel]] = ControlOptions

    def __init__(
        self, name: str, options: ControlOptions, origin: Origin | None, limits: Limits
    ) -> None:
        named = options.resolver or (origin.resolver if origin else "")
        what = f"line {name!r}, option 'resolver'"
        server = parse_address(named, what, DNS_PORT) if named else system_server()
        super().__init__(name, options, origin, limits, server)
