"""Check that the pages of a public origin come over HTTP/3, which URL-19 and CIR-08 need."""

from __future__ import annotations

from asyncio import gather
from collections.abc import Callable

from harness.model.campaign import Limits
from harness.model.marker import Marker
from harness.model.observation import CONTROL
from harness.model.origin_zone import OriginZone
from harness.ports.network import Exchange, Origin, Request
from probes.lines.direct import Control, ControlOptions
from probes.net.h3_exchange import by_h3
from probes.net.route import Address
from probes.range.delegation import Checked, new_host

MakeMarker = Callable[[str], Marker]
"""Returns the marker of a visit to a host."""

NO_ROUTE = frozenset({"network_unreachable", "host_unreachable"})
"""Failures of a machine without IPv6."""


async def check_h3(origin: Origin, marker_of: MakeMarker, patience: float) -> list[Checked]:
    """Ask for a page of each zone at each address over UDP; the twins' zone has none there."""
    async with Control(CONTROL, ControlOptions(), origin, Limits()) as line:
        return list(
            await gather(
                *(
                    _checked_page(origin, line, marker_of, zone, address, patience)
                    for zone in origin.zones
                    for address in zone.addresses
                )
            )
        )


async def _checked_page(
    origin: Origin,
    line: Control,
    marker_of: MakeMarker,
    zone: OriginZone,
    address: str,
    patience: float,
) -> Checked:
    check, host = f"http/3 page at {address}", new_host(zone, origin)
    marker = marker_of(host)
    asked = Request(
        url=f"https://{host}/",
        headers=(marker.carrier.header(marker.nonce),),
        timeout=patience,
        address=address,
    )
    found = await by_h3(line, asked)
    if marker.token.encode() in found.body:
        return Checked(check=check, of=zone.zone, state="ok", seen=_OK)
    failure = found.failure
    if failure is not None and failure.name in NO_ROUTE and ":" in address:
        said = f"{address}: this machine has no IPv6"
        return Checked(check=check, of=zone.zone, state="unseen", seen=said)
    at = Address(host=address, port=origin.ports.get(443, 443))
    if found.status is not None:
        said = f"{host}: status {found.status}, and not a page with this origin's mark"
        fix = (
            "copy the origin.json that belongs to the served folder (its key differs), or see who "
            f"else answers at UDP port {at.port} of {at.host}"
        )
        return Checked(check=check, of=zone.zone, state="problem", seen=said, fix=fix)
    fix = f"let UDP port {at.port} of {at.host} through; URL-19 and CIR-08 need it"
    return Checked(check=check, of=zone.zone, state="problem", seen=_seen(host, found), fix=fix)


_OK = "the page has the mark of this visit"


def _seen(host: str, found: Exchange) -> str:
    """Say why no page came."""
    failure = found.failure
    return f"{host}: {failure.name} {failure.detail}".strip() if failure else f"{host}: no answer"
