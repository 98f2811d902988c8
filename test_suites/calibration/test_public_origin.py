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
from harness.campaign.origin_file import read_origin
from harness.campaign.own_hosts import on_own_host
from harness.model.corpus import Item
from harness.model.verdict import State
from harness.ports.network import Origin
from probes.range.arrival_log import ArrivalLog
from probes.range.faults import Fault, FaultKind, Faults
from probes.range.filter import FilterPolicy, ReferenceFilter
from probes.range.listener import Listener
from probes.range.name_server import NameServer, Reply
from probes.range.proxy import ProxyConnection, Upstream
from probes.range.resolver import FilteringResolver, ZoneServer
from probes.range.zone import BLOCK_HOST, ZoneNames
from test_suites.kit.campaigns.rehearsal import rehearse, write_campaign
from test_suites.kit.networks.public_origin import TWINS, ZONE
from test_suites.kit.processes.serving import prepared, serving

SECOND, TWIN_ADDRESS = "meadow.example", "127.0.0.9"
ITEMS = [f"drug-{number:03}{end}" for number in range(1, 13) for end in ("", "-twin")]
PASSES, BLOCKED = "amber-lantern.accredit.test", "copper-meadow.accredit.test"
MISSED, OVERBLOCKED = "drug-003.canary.accredit.test", "drug-005.twin.accredit.test"


def codes_by_host(origin: Origin) -> dict[str, str]:
    """The category of each item of the campaign, by its host in the origin's zones."""
    items = (on_own_host(item, origin) for item in open_pack("canary").items() if item.id in ITEMS)
    return {item.host: item.category for item in items}


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
        self._names = ZoneNames(zones=origin.zones, twins=origin.twins)
        twins = {self._twin(host, origin): code for host, code in codes.items()}
        policy = FilterPolicy(
            categories=codes | twins,
            blocks=lambda code, profile: (code, profile) == ("DRUG", "pupils"),
            must_allow=frozenset({origin.home_of(PASSES)}),
            must_block=frozenset({origin.home_of(BLOCKED)}),
        )
        self._filter = ReferenceFilter(
            policy=policy,
            faults=Faults(
                Fault(kind=FaultKind.MISS, hosts=frozenset({origin.home_of(MISSED)})),
                Fault(
                    kind=FaultKind.OVERBLOCK,
                    hosts=frozenset({origin.home_of(OVERBLOCKED)}),
                    profiles=frozenset({"pupils"}),
                ),
            ),
        )

    @staticmethod
    def _twin(host: str, origin: Origin) -> str:
        twin = origin.twin_of(Item(id="i", value=host, labels=("DRUG",)))
        assert twin is not None
        return twin.host

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen on loopback."""
        zones = ZoneServer(log=ArrivalLog(), names=self._names)
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
    folder = tmp_path / "origin"
    words = ("--zone", SECOND, "--twin-address", TWIN_ADDRESS)
    ports = prepared(folder, *words, addresses=("127.0.0.1",))
    origin = read_origin(folder / "origin.json")
    service = Service(origin, codes_by_host(origin))
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
            corpora=[{"pack": "canary", "items": ITEMS}],
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

    # The block page's link is followed, as a pupil may; nothing else is outside of the zones.
    assert {name.lower().rstrip(".") for name in service.asked_outside} == {BLOCK_HOST}
    hosts = {json.loads(line)["host"] for line in arrivals.read_text().splitlines()}
    for zone in (ZONE, SECOND, TWINS):
        assert any(host.endswith(f".{zone}") for host in hosts), zone
    assert all(host.endswith((f".{ZONE}", f".{SECOND}", f".{TWINS}")) for host in hosts)
    for line, probes in (("proxy", ("web", "web_https")), ("names", ("web", "web_https", "dns"))):
        for probe in probes:
            assert {"drug-003"} == run.items(State.ALLOWED, "DRUG", line, probe), (line, probe)
            assert 11 == len(run.items(State.BLOCKED, "DRUG", line, probe))
            assert {"drug-005-twin"} == run.items(State.BLOCKED, "ALW.DRUGED", line, probe)
            assert 11 == len(run.items(State.ALLOWED, "ALW.DRUGED", line, probe))
    for probe in ("web", "web_https", "dns"):
        assert 12 == len(run.items(State.ALLOWED, "DRUG", "site", probe))
        assert 12 == len(run.items(State.ALLOWED, "ALW.DRUGED", "site", probe))
