"""``accredit origin check`` says whether pages come over HTTP/3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.model.marker import Marker, mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.model.origin_zone import OriginZone
from harness.ports.network import Exchange, Line, Origin, Request
from probes.range import origin_h3_check
from test_suites.kit.networks.public_origin import ZONE
from test_suites.kit.processes.product import LOOPBACK
from test_suites.products.checked_origin import SECOND, StartWorld, problems, start_origin

__all__ = ["start_origin"]


async def test_pages_that_do_not_come_over_udp_are_told(
    start_origin: StartWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await start_origin()
    told = Failure(name="generic_timeout_error", stage="connect", detail="nothing came")

    async def by_none(line: Line, request: Request) -> Exchange:
        del line, request
        return Exchange(timings=Timings(), failure=told)

    monkeypatch.setattr(origin_h3_check, "by_h3", by_none)
    found = problems(await world.check())

    assert [each.of for each in found.values()] == [ZONE, SECOND]
    for each in found.values():
        assert each.check == f"http/3 page at {LOOPBACK}"
        assert "generic_timeout_error nothing came" in each.seen
        port = world.origin.ports[443]
        assert each.fix.startswith(f"let UDP port {port} of {LOOPBACK} through")


async def test_a_machine_without_ipv6_cannot_see_pages_over_udp(
    start_origin: StartWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await start_origin()
    told = Failure(name="network_unreachable", stage="connect")

    async def by_none(line: Line, request: Request) -> Exchange:
        del line, request
        return Exchange(timings=Timings(), failure=told)

    monkeypatch.setattr(origin_h3_check, "by_h3", by_none)
    zone = OriginZone(zone=ZONE, addresses=("2001:db8::10",))
    origin = replace(world.origin, zones=(zone,))
    (seen,) = await origin_h3_check.check_h3(origin, marker_of(origin), 5.0)

    assert (seen.state, seen.seen) == ("unseen", "2001:db8::10: this machine has no IPv6")


def marker_of(origin: Origin) -> Callable[[str], Marker]:
    """Make a marker for a visit to each host."""

    def made(host: str) -> Marker:
        key = AttemptKey(campaign="c", item=host, probe="web", line="l", profile="all")
        return mark(origin.key, key, host)

    return made
