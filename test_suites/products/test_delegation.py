"""``accredit origin check`` finds each fault of the delegation by a real parent."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from harness.model.origin_zone import OriginZone
from probes.net.route import Address, parse_address
from probes.range.name_server import NameServer, Reply
from test_suites.kit.networks.public_origin import TWINS, ZONE
from test_suites.kit.processes.product import LOOPBACK, namespace
from test_suites.products.checked_origin import (
    APART,
    DELEGATION,
    SECOND,
    StartWorld,
    problems,
    start_origin,
    start_parent,
)

__all__ = ["start_origin", "start_parent"]


@pytest.mark.product("named")
async def test_an_origin_without_a_fault_has_none(
    start_origin: StartWorld, start_parent: Callable[..., Address]
) -> None:
    world = await start_origin()
    world.parent = start_parent(DELEGATION)

    results = await world.check()

    assert {"ok"} == {each.state for each in results}, problems(results)
    assert all(each.seen and not each.fix for each in results)
    checks = {each.check for each in results}
    for zone, address in ((ZONE, LOOPBACK), (SECOND, LOOPBACK), (TWINS, APART)):
        own = {each.check for each in results if each.of == zone}
        assert own >= {
            "delegation", "glue", "resolution", "name server by UDP", "name server by TCP",
            f"http page at {address}", f"https page at {address}",
        }  # fmt: skip
    assert {"certificate names", "health and clock", "authority", "path"} <= checks


@pytest.mark.product("named")
@pytest.mark.parametrize(
    ("records", "own", "check", "seen"),
    [
        ([], [], "delegation", "does not refer to any server (NXDOMAIN)"),
        (DELEGATION[ZONE][:1], [], "glue", f"has no address of ns1.{ZONE}"),
        (
            [DELEGATION[ZONE][0], f"ns1.{ZONE}. A 127.0.0.77"], [],
            "glue", f"says 127.0.0.77 of ns1.{ZONE}",
        ),
        (
            [*DELEGATION[ZONE], f"{ZONE}. NS ns.elsewhere.example."], [],
            "delegation", "also refers to ns.elsewhere.example",
        ),
        (
            [f"{ZONE}. NS ns.elsewhere.example."], [],
            "delegation", "also refers to ns.elsewhere.example",
        ),
        (DELEGATION[ZONE], [ZONE], "delegation", "answers for the zone itself"),
    ],
)  # fmt: skip
async def test_each_fault_of_the_delegation_is_found(
    start_origin: StartWorld,
    start_parent: Callable[..., Address],
    records: list[str],
    own: list[str],
    check: str,
    seen: str,
) -> None:
    world = await start_origin()
    world.parent = start_parent(DELEGATION | {ZONE: records}, *own)

    found = problems(await world.check())

    assert [f"{check} {ZONE}"] == list(found)
    assert seen in found[f"{check} {ZONE}"].seen
    assert ZONE in found[f"{check} {ZONE}"].fix


@pytest.mark.product("named")
async def test_every_declared_server_must_be_referred_to(
    start_origin: StartWorld, start_parent: Callable[..., Address]
) -> None:
    world = await start_origin()
    world.parent = start_parent(DELEGATION)
    first, *others = world.origin.zones
    two = OriginZone(
        zone=ZONE, addresses=first.addresses, nameservers=(*first.nameservers, f"ns2.{ZONE}")
    )

    found = problems(await world.check(origin=replace(world.origin, zones=(two, *others))))

    assert f"does not refer to ns2.{ZONE}" in found[f"delegation {ZONE}"].seen


def answering(rcodes: dict[str, dns.rcode.Rcode], asked: list[str]) -> NameServer:
    """A resolver that answers with a code for each name, and otherwise with name servers."""

    def reply(query: dns.message.Message) -> Reply:
        name = query.question[0].name.to_text(omit_final_dot=True)
        asked.append(name)
        response = dns.message.make_response(query)
        response.set_rcode(rcodes.get(name, dns.rcode.NOERROR))
        if query.question[0].rdtype == dns.rdatatype.NS and name not in rcodes:
            servers = [f"ns{number}.servers.example." for number in range(6)]
            response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "NS", *servers))
        return Reply(message=response)

    return NameServer(reply)


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_resolver_in_trouble_is_not_taken_for_one_that_knows_no_servers(
    start_origin: StartWorld, rcode: dns.rcode.Rcode
) -> None:
    world = await start_origin()
    asked: list[str] = []
    above = ZONE.partition(".")[2]
    async with answering({above: rcode}, asked) as resolver:
        at = parse_address(resolver.address, "resolver")
        found = problems(await world.check(resolver=at, parents=(), patience=2.0))

    told = found[f"delegation {ZONE}"]
    assert f"answers {rcode.name} for the name servers of {above}" in told.seen
    assert "--resolver" in told.fix


async def test_at_most_four_servers_of_the_zone_above_are_looked_for(
    start_origin: StartWorld,
) -> None:
    world = await start_origin()
    asked: list[str] = []
    above = ZONE.partition(".")[2]
    async with answering({above: dns.rcode.NXDOMAIN}, asked) as resolver:
        at = parse_address(resolver.address, "resolver")
        found = problems(await world.check(resolver=at, parents=(), patience=2.0))

    told = [f"ns{number}.servers.example" for number in range(4)]
    assert f"{', '.join(told)}: no addresses were found" == found[f"delegation {ZONE}"].seen
    assert {*told} == {name for name in asked if name.endswith(".servers.example")}


@pytest.mark.product("named", "ip", "unshare")
def test_an_origin_at_real_ports_is_found_through_its_delegation(tmp_path: Path) -> None:
    """As on the internet: the parent has the records that ``origin init`` wrote."""
    opened = namespace(["unshare", "-n"], ["unshare", "-rn"])
    program = [sys.executable, "-m", "test_suites.products.delegated_origin", str(tmp_path)]
    inside = subprocess.run(
        [*opened, *program], capture_output=True, text=True, check=False, timeout=200
    )
    assert 0 == inside.returncode, inside.stderr
    checks = json.loads(inside.stdout)

    whole, lines, line = (checks[name] for name in ("whole", "lines", "line"))

    wrong = [each for each in whole["results"] if each["state"] != "ok"]
    assert (0, [], "") == (whole["code"], wrong, whole["said"])
    assert 6 == sum(each["check"] in ("delegation", "resolution") for each in whole["results"])
    assert (1, 0) == (lines["code"], line["code"])
    paths = {each["of"]: each["state"] for each in lines["results"] if each["check"] == "path"}
    assert {"control": "ok", "names": "ok", "dead": "problem"} == paths
    assert ["names"] == [each["of"] for each in line["results"] if each["check"] == "path"]
    if "ipv4" in checks:  # the machine that checks has lost its IPv6
        unseen = [each for each in checks["ipv4"]["results"] if each["state"] != "ok"]
        assert (0, {"unseen"}) == (checks["ipv4"]["code"], {each["state"] for each in unseen})
        servers = {"name server by UDP", "name server by TCP"}
        pages = {"http page", "https page", "http/3 page"}
        assert servers | pages == {each["check"].partition(" at ")[0] for each in unseen}
        assert all("this machine has no IPv6" in each["seen"] for each in unseen)
        assert 5 == len(unseen)
