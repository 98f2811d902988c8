"""A campaign over a public origin, with a zone of its own, is judged as over the range."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import dns.message
import pytest

from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.campaign.origin_file import read_origin
from harness.model.origin_zone import OriginZone
from harness.model.plain_twin import twin_of
from harness.model.verdict import State
from harness.ports.network import Origin
from probes.range.connection import Listener
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.filter import FilterPolicy, ReferenceFilter
from probes.range.name_server import NameServer, Reply
from probes.range.origin import ArrivalLog
from probes.range.proxy import ProxyConnection, Upstream
from probes.range.resolver import FilteringResolver, ZoneServer
from probes.range.zone import ZoneNames
from test_suites.processes.serving import prepared, serving
from test_suites.products.process import LOOPBACK
from test_suites.public_origin import TWINS, ZONE
from test_suites.rehearsal import rehearse, write_campaign

PASSES, BLOCKED = f"amber-lantern.{ZONE}", f"copper-meadow.{ZONE}"
MISSED, OVERBLOCKED = f"drug-003.canary.{ZONE}", f"drug-005.twin.{ZONE}"


def items_of_the_zone(folder: Path) -> dict[str, str]:
    """Write a pack of twelve drug canaries and their twins in the zone; gives codes by host."""
    rows, codes = [], {}
    for number in range(1, 13):
        pair = f"drug-{number:03}"
        for suffix, part, label, stratum in (
            ("", "canary", "DRUG", "DRUG"),
            ("-twin", "twin", "ALW.DRUGED", "twin:DRUG"),
        ):
            host = f"{pair}.{part}.{ZONE}"
            codes[host] = label
            rows.append({
                "id": pair + suffix, "value": host, "kind": "host", "registrable": host,
                "labels": label, "pair_id": pair, "stratum": stratum, "sensitivity": "S0",
            })  # fmt: skip
    details = PackDetails(
        name="own-zone", version="1.0.0", title="t", created="2026-11-01T00:00:00Z"
    )
    write_pack(folder, rows, details)
    assert 24 == len(list(open_pack(str(folder)).items()))
    return codes


@contextmanager
def in_thread(start: Callable[[AsyncExitStack], Awaitable[None]]) -> Iterator[None]:
    """Run servers on an event loop of their own while the context lasts."""
    is_started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            await start(stack)
            is_started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert is_started.wait(20)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


class Service:
    """A reference filter for the zone: a proxy, a resolver, and a resolver for other names."""

    def __init__(self, origin: Origin, codes: dict[str, str]) -> None:
        self.proxy = self.outside = ""
        self.resolvers: dict[str, str] = {}
        self.asked_outside: list[str] = []
        self._ports = origin.ports
        twins = {twin_of(host, ZONE, TWINS): code for host, code in codes.items()}
        policy = FilterPolicy(
            categories=codes | twins,
            blocks=lambda code, profile: (code, profile) == ("DRUG", "pupils"),
            must_allow=frozenset({PASSES, twin_of(PASSES, ZONE, TWINS)}),
            must_block=frozenset({BLOCKED, twin_of(BLOCKED, ZONE, TWINS)}),
        )
        self._filter = ReferenceFilter(
            policy=policy,
            faults=Faults(
                Fault(kind=FaultKind.MISS, hosts=frozenset({MISSED})),
                Fault(
                    kind=FaultKind.OVERBLOCK,
                    hosts=frozenset({OVERBLOCKED}),
                    profiles=frozenset({"pupils"}),
                ),
            ),
        )

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen on loopback."""
        zones = ZoneServer(
            log=ArrivalLog(),
            names=ZoneNames(
                zones=(OriginZone(zone=ZONE, addresses=(LOOPBACK,), nameservers=(f"ns1.{ZONE}",)),),
                twins=OriginZone(zone=TWINS, addresses=(LOOPBACK,), nameservers=(f"ns1.{TWINS}",)),
            ),
        )
        upstream = Upstream(zone_server=zones, ports=self._ports)
        listener = Listener(lambda: ProxyConnection(self._filter, "pupils", upstream))
        await stack.enter_async_context(listener)
        for profile in ("pupils", "staff"):
            answers = FilteringResolver(zone_server=zones, filter=self._filter, profile=profile)
            server = await stack.enter_async_context(NameServer(answers.reply))
            self.resolvers[profile] = server.address
        outside = await stack.enter_async_context(NameServer(self._outside))
        self.proxy = f"http://127.0.0.1:{listener.port}"
        self.outside = outside.address

    def _outside(self, query: dns.message.Message) -> Reply:
        self.asked_outside.append(query.question[0].name.to_text())
        return Reply(message=dns.message.make_response(query))


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[tuple[Path, Service]]:
    """A campaign over three lines, whose origin runs in a process of its own."""
    codes = items_of_the_zone(tmp_path / "own-zone")
    folder = tmp_path / "origin"
    ports = prepared(folder)
    origin = read_origin(folder / "origin.json")
    service = Service(origin, codes)
    with (
        (tmp_path / "arrivals").open("wb") as log,
        serving(folder, ports, stdout=log),
        in_thread(service.start),
    ):
        lines: list[dict[str, Any]] = [
            {
                "name": "proxy", "type": "explicit_proxy", "probes": ["web", "web_https"],
                "options": {"proxy": service.proxy},
            },
            {"name": "names", "type": "resolver", "options": {"server": service.resolvers["pupils"]}},
            {"name": "site", "type": "interface", "options": {"resolver": service.resolvers["staff"]}},
        ]  # fmt: skip
        path = write_campaign(
            tmp_path / "run",
            origin=folder / "origin.json",
            lines=lines,
            control={"options": {"outside_resolver": service.outside}},
            corpora=[{"pack": str(tmp_path / "own-zone")}],
            probes=["web", "web_https", "dns"],
            sentinels={"must_allow": [PASSES], "must_block": [BLOCKED]},
            items="agreed",
            plain_twins={"number": 4, "pause": 0},
        )
        yield path, service


def test_a_campaign_over_a_public_origin_is_judged_rightly(
    campaign: tuple[Path, Service],
) -> None:
    path, service = campaign
    arrivals = path.parent.parent / "arrivals"

    run = rehearse(path)

    assert [] == service.asked_outside
    hosts = {json.loads(line)["host"] for line in arrivals.read_text().splitlines()}
    assert any(host.endswith(f".{TWINS}") for host in hosts)
    assert all(host.endswith((f".{ZONE}", f".{TWINS}")) for host in hosts)
    for line, probes in (("proxy", ("web", "web_https")), ("names", ("web", "web_https", "dns"))):
        for probe in probes:
            assert {"drug-003"} == run.items(State.ALLOWED, "DRUG", line, probe), (line, probe)
            assert 11 == len(run.items(State.BLOCKED, "DRUG", line, probe))
            assert {"drug-005-twin"} == run.items(State.BLOCKED, "ALW.DRUGED", line, probe)
            assert 11 == len(run.items(State.ALLOWED, "ALW.DRUGED", line, probe))
    for probe in ("web", "web_https", "dns"):
        assert 12 == len(run.items(State.ALLOWED, "DRUG", "site", probe))
        assert 12 == len(run.items(State.ALLOWED, "ALW.DRUGED", "site", probe))
