"""Campaigns with the pack ``circumvention`` from a network of pupils, behind filters with a flaw.

The good service is the range's gateway, which opens TLS and reads pages, and a name server that
passes on no questions of tunnels. Ports 80 and 443 of the pupils' network lead to the gateway; no
others are open. A service that filters by names alone has its filtering name server instead, and
its ports 80 and 443 lead to the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from corpora.generator.vector_packs import circumvention
from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.model.corpus import Item
from harness.model.outcome import Outcome
from harness.model.technique import TechniqueCase, case_of_item
from harness.model.technique_host import CODE, PART, RELAY
from probes.net.local_binding import run_in_namespace
from probes.net.route import parse_address
from probes.range.faults import Fault
from probes.range.filter import FilterPolicy
from probes.range.testbed import GATEWAY_FILE, RangeTestbed
from probes.range.zone import ZONE
from test_suites.calibration.pupils_network import Door, Doors, Leak, two_networks
from test_suites.kit.campaigns.ranges import POLICY, origin_file
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign
from test_suites.kit.networks.served_in_thread import served_in_thread

PACK = "circumvention"
PUPILS, UNFILTERED = "pupils", "unfiltered"
"""Profiles of the range: the pupils' own, and that of a name server that blocks no category."""

REQUIREMENTS = (
    "CIR-01", "CIR-04", "CIR-05", "CIR-07", "CIR-08", "CIR-09", "CIR-10", "CIR-11", "CIR-12",
    "CIR-14", "CIR-15", "TLS-09", "DEV-01",
)  # fmt: skip
PATIENCE = {
    "timeout": 5,
    "confirmation_timeout": 8,
    "silence_timeout": 6,
    "reading_timeout": 10,
    "concurrency": 8,
}
RELAYS = f"{RELAY}.{PART}.{ZONE}"
"""The name below which relays are."""


@cache
def techniques() -> tuple[Item, ...]:
    """All techniques of the pack, and the harmless items beside them."""
    return tuple(each for each in open_pack(PACK).items() if case_of_item(each) is not None)


def case_of(item: Item) -> TechniqueCase:
    """The case of a technique."""
    case = case_of_item(item)
    assert case is not None
    return case


def ids_of(*wanted: str, number: int = 1) -> list[str]:
    """The first items of each class of some groups, or of single classes (``name:absent``).

    Harmless items beside them come too.
    """
    found: dict[tuple[TechniqueCase, bool], list[str]] = {}
    for item in techniques():
        case = case_of(item)
        if {case.group, f"{case.group}:{case.name}"} & set(wanted):
            found.setdefault((case, item.id.endswith("-twin")), []).append(item.id)
    return [each for ids in found.values() for each in ids[:number]]


def some_techniques(folder: Path, items: Collection[str]) -> str:
    """Write a pack that holds some items of the shipped one alone; return its path.

    A campaign that chooses some items of a pack leaves out others, which a census needs.
    """
    written = folder / "some-techniques"
    details = PackDetails(
        name="some-techniques", version="1.0.0", title="Some techniques",
        created="2026-11-29T00:00:00Z", kind="agreed",
    )  # fmt: skip
    write_pack(written, (row for row in circumvention() if row["id"] in items), details)
    return str(written)


def good_policy() -> FilterPolicy:
    """The policy of a careful school, which knows the hosts of techniques and blocks relays."""
    harmful = [each for each in techniques() if each.category == CODE]
    known = FilterPolicy.from_items(
        harmful,
        lambda code, profile: profile == PUPILS and POLICY.expects(code, "ks2") == "block",
    )
    suffixes = {each.host: CODE for each in harmful} | {RELAYS: CODE}
    return replace(known, suffixes=suffixes, is_strict=True)


TO_ORIGIN = -1
"""Stands for the origin's own port in the leaks of a service."""


def _is_begun(first: bytes) -> bool:
    """Whether a connection begins with a record of TLS that is not complete."""
    return len(first) < 5 + int.from_bytes(first[3:5]) if first[:1] == b"\x16" else False


FilterKind = Literal["gateway", "names"]
"""What filters: a gateway, or a name server alone."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service with its flaws.

    ``leaks`` are those of the ports of the ``web``. ``open_udp`` and ``open_tcp`` are ports of the
    origin that can be reached, by their usual numbers. With ``pings`` the origin answers pings of
    pupils. ``waits`` says whether more must come before a leak can tell how a connection begins.
    """

    filters: FilterKind = "gateway"
    web: tuple[int, ...] = (80, 443)
    leaks: dict[int, tuple[Leak, ...]] = field(default_factory=dict)
    open_tcp: tuple[int, ...] = ()
    open_udp: tuple[int, ...] = ()
    pings: bool = False
    faults: tuple[Fault, ...] = ()
    waits: Callable[[bytes], bool] = _is_begun


@dataclass(frozen=True, kw_only=True)
class TechniqueWorld:
    """The range in a network of its own, and the network of pupils beside it."""

    world: RangeTestbed
    outside: str
    inside: str
    trusted: Path

    def doors(self, service: Service) -> list[Door]:
        """The doors of the pupils' network with a service."""
        origin, reference = self.world.origin, self.world.origin.services["reference"]
        web = {
            port: reference["gateway"][PUPILS][str(port)]
            if service.filters == "gateway"
            else origin.ports[port]
            for port in service.web
        }
        names = self._name_server(service)
        doors = [
            Door(
                port=origin.ports[port],
                to=to,
                leaks=tuple(
                    each._replace(to=origin.ports[port]) if each.to == TO_ORIGIN else each
                    for each in service.leaks.get(port, ())
                ),
                waits=service.waits,
            )
            for port, to in web.items()
        ]
        doors += [Door(port=names, to=names), Door(port=names, to=names, over="udp")]
        for port in service.open_tcp:
            doors.append(Door(port=origin.ports[port], to=origin.ports[port]))
        for port in service.open_udp:
            doors.append(Door(port=origin.ports[port], to=origin.ports[port], over="udp"))
        return doors

    def _name_server(self, service: Service) -> int:
        profile = UNFILTERED if service.filters == "gateway" else PUPILS
        address = self.world.origin.services["reference"]["resolver"][profile]
        return parse_address(address, "resolver").port

    def line(self, service: Service) -> dict[str, Any]:
        """The line of a pupil's device behind a service."""
        options = {
            "netns": self.inside,
            "resolver": f"127.0.0.1:{self._name_server(service)}",
            "authority": str(self.trusted),
        }
        return {"name": "service", "type": "interface", "options": options}

    def measure(
        self,
        folder: Path,
        service: Service,
        requirements: Collection[str],
        items: Sequence[str] = (),
        **declared: Any,
    ) -> Rehearsal:
        """Measure and conclude a campaign with a pack of some techniques (default: of all)."""
        written = "".join(f"{{id: {each}}}, " for each in requirements)
        scheme = SCHEME.format(requirements=written)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scheme.yaml").write_text(scheme, encoding="utf-8")
        selection = {"pack": some_techniques(folder, items) if items else PACK}
        settings: dict[str, Any] = {
            "lines": [self.line(service)],
            "probes": ["web", "web_https", "techniques"],
            "limits": PATIENCE,
        }
        campaign = write_campaign(
            folder, origin=origin_file(self.world), scheme="scheme.yaml",
            **{"corpora": [selection]} | settings | declared,
        )  # fmt: skip
        pings = self.world.zone_server.tunnel if service.pings else None
        for fault in service.faults:
            self.world.faults.add(fault)
        try:
            return run_in_namespace(
                self.outside, partial(self._measured, campaign, self.doors(service), pings)
            )
        finally:
            self.world.faults.clear()

    def _measured(self, campaign: Path, doors: Sequence[Door], pings: Any) -> Rehearsal:
        with served_in_thread(Doors(self.inside, doors, pings)):
            return rehearse(campaign)


SCHEME = """\
id: our-school
version: "1.0"
title: Ways round the filter
policy: uk-schools-2026
requirements: [{requirements}]
"""


@contextmanager
def technique_world(folder: Path) -> Iterator[TechniqueWorld]:
    """Run the range, whose filter has the good policy, and make the network of pupils."""
    with two_networks() as (outside, inside):
        running = RangeTestbed.running(
            folder, policy=good_policy(), gateway=True, dual_stack=True,
            profiles=(PUPILS, UNFILTERED),
        )  # fmt: skip
        world = run_in_namespace(outside, running.__enter__)
        try:
            authority = Path(world.origin.authority).read_bytes()
            trusted = folder / "trusted.pem"
            trusted.write_bytes(authority + (folder / GATEWAY_FILE).read_bytes())
            yield TechniqueWorld(world=world, outside=outside, inside=inside, trusted=trusted)
        finally:
            running.__exit__(None, None, None)


def outcome(run: Rehearsal, requirement: str) -> Outcome:
    """What came of a requirement."""
    return run.outcome(requirement, "service")
