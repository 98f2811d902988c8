"""The probes ``web_ipv6`` and ``web_https_ipv6``: fetch pages over IPv6 alone.

They do over IPv6 what ``web`` and ``web_https`` do, which use IPv4 where a host has an address of
it. A line has to connect by itself; a proxy chooses the family of its own connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from msgspec.structs import replace

from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Fetches, Line, Request
from probes.kinds.web import PAGE, Web, WebHttps
from probes.net.direct_line import invalid_request
from probes.net.route import Family


@runtime_checkable
class FetchesOverFamily(Protocol):
    """A line that connects by IPv4 or IPv6 alone if it is asked to.

    Where a host has no address of the family, the exchange has a failure.
    """

    async def fetch_over(self, request: Request, family: Family) -> Exchange:
        """Fetch from an address of that family."""
        ...


@dataclass(frozen=True, slots=True)
class _OverIpv6:
    """A line, used over IPv6 alone."""

    line: Line

    async def fetch(self, request: Request) -> Exchange:
        """Fetch over IPv6."""
        if not isinstance(self.line, FetchesOverFamily):
            return invalid_request(f"line {self.line.name!r} does not choose IPv6 by itself")
        return await self.line.fetch_over(request, "ipv6")


@PROBES.register("web_ipv6")
class WebIpv6(Web):
    """Fetches by HTTP over IPv6."""

    declares = replace(PAGE, needs="fetch_over", only_scheme="http", over_ipv4="web")

    def _way(self, attempt: Attempt, line: Line) -> Fetches | None:
        del attempt
        return _OverIpv6(line)


@PROBES.register("web_https_ipv6")
class WebHttpsIpv6(WebHttps):
    """Fetches by HTTPS over IPv6."""

    declares = replace(PAGE, needs="fetch_over", only_scheme="https", over_ipv4="web_https")

    def _way(self, attempt: Attempt, line: Line) -> Fetches | None:
        del attempt
        return _OverIpv6(line)
