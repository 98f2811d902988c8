"""Each profile has gateways of its own, and sinkholes lead to a server that blocks everything."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from probes.range.authority import Authority
from probes.range.filter import FilterPolicy, ReferenceFilter
from probes.range.gateway import GatewayAuthorities, Gateways
from probes.range.proxy import Upstream
from probes.range.testbed import RangeTestbed


@pytest.fixture
def refusing() -> Iterator[dict[int, int]]:
    """Two ports that refuse, and that nobody else gets: they are bound, and do not listen."""
    with socket.socket() as plain, socket.socket() as secure:
        for held in (plain, secure):
            held.bind(("127.0.0.1", 0))
        yield {80: plain.getsockname()[1], 443: secure.getsockname()[1]}


async def test_each_profile_has_its_own_ports_and_they_close_again(
    refusing: dict[int, int],
) -> None:
    gateways = Gateways(
        filter=ReferenceFilter(policy=FilterPolicy()),
        upstream=Upstream(zone_server=None, ports=refusing),  # type: ignore[arg-type]
        authorities=GatewayAuthorities(own=Authority(), unknown=Authority()),
    )
    async with AsyncExitStack() as stack:
        given = await gateways.start(stack, ("ks2", "staff"))
        ports = [port for each in given.values() for port in each.values()]
        for port in ports:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()

    assert {"ks2", "staff"} == set(given)
    assert 4 == len(set(ports))
    for port in ports:
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port)) != 0


def test_a_world_has_them_only_when_asked(tmp_path: Path) -> None:
    with RangeTestbed.running(tmp_path / "without") as world:
        assert "gateway" not in world.origin.services["reference"]
    with RangeTestbed.running(tmp_path / "with", gateway=True) as world:
        assert {"ks2"} == set(world.origin.services["reference"]["gateway"])
