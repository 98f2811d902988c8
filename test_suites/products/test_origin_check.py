"""``accredit origin check`` finds each fault of an origin, and of its delegation by a real parent."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset
import pytest

from harness.campaign.origin_file import read_origin
from harness.model.campaign import Limits
from harness.model.origin_zone import OriginZone
from harness.ports.network import Line, Origin
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.net.route import Address, parse_address
from probes.range.authority import Authority
from probes.range.connection import Connection, Listener, Request
from probes.range.delegation import Checked
from probes.range.name_server import NameServer, Reply
from probes.range.origin import ArrivalLog
from probes.range.origin_check import CheckOptions, check_origin
from probes.range.origin_pages import block_page
from probes.range.resolver import ZoneServer
from probes.range.zone import ZoneNames
from test_suites.products.process import LOOPBACK, Folder, Process, free_port, namespace, which
from test_suites.public_origin import TWINS, ZONE, origin_in, write_folder

SECOND, APART = "meadow.example", "127.0.0.9"
PASSES = f"amber-lantern.{ZONE}"
DELEGATION = {
    ZONE: [f"{ZONE}. NS ns1.{ZONE}.", f"ns1.{ZONE}. A {LOOPBACK}"],
    SECOND: [f"{SECOND}. NS ns1.{SECOND}.", f"ns1.{SECOND}. A {LOOPBACK}"],
    TWINS: [f"{TWINS}. NS ns1.{TWINS}.", f"ns1.{TWINS}. A {APART}"],
}


@dataclass
class World:
    """A served origin, its parent, and a resolver that answers as it is told."""

    origin: Origin
    folder: Path
    resolver: Address
    found: ZoneNames
    parent: Address

    async def check(self, **changes: Any) -> list[Checked]:
        """All checks, over the control line unless there are ``lines``."""
        lines = changes.pop("lines", None)
        origin = changes.pop("origin", self.origin)
        if lines is None:
            lines = {"control": Control("control", ControlOptions(), origin, Limits())}
        given: dict[str, Any] = {"resolver": self.resolver, "parents": (self.parent,)}
        options = CheckOptions(**given | {"patience": 10.0} | changes)
        return await check_origin(origin, lines, PASSES, options)


StartWorld = Callable[..., Any]


def referral(query: dns.message.Message) -> Reply:
    """The answer of a parent that refers rightly, for tests of other things."""
    response = dns.message.make_response(query)
    zone = query.question[0].name.to_text(omit_final_dot=True)
    for line, section in zip(
        DELEGATION[zone], (response.authority, response.additional), strict=True
    ):
        name, kind, content = line.split()
        section.append(dns.rrset.from_text(name, 60, "IN", kind, content))
    return Reply(message=response)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartWorld]:
    async with AsyncExitStack() as stack:

        async def begin(
            now: Callable[[], datetime] | None = None, log: str = "-", **changes: Any
        ) -> World:
            folder = tmp_path / "origin"
            declared = {
                "zones": tuple({"zone": zone, "addresses": (LOOPBACK,)} for zone in (ZONE, SECOND)),
                "twins": {
                    "zone": TWINS, "addresses": (APART,), "authority": "twin-authority-key.pem"
                },
            }  # fmt: skip
            write_folder(folder, **declared | changes)
            path = folder / "origin.yaml"
            path.write_text(path.read_text().replace('log: "-"', f'log: "{log}"'))
            options = {"now": now} if now else {}
            await stack.enter_async_context(origin_in(folder, [], **options))
            origin = read_origin(folder / "origin.json")
            world = World(
                origin=origin,
                folder=folder,
                resolver=Address(host=LOOPBACK, port=9),
                parent=Address(host=LOOPBACK, port=9),
                found=ZoneNames(zones=origin.zones, twins=origin.twins),
            )

            def reply(query: dns.message.Message) -> Reply:
                return Reply(message=ZoneServer(log=ArrivalLog(), names=world.found).answer(query))

            server = await stack.enter_async_context(NameServer(reply))
            world.resolver = parse_address(server.address, "resolver")
            above = await stack.enter_async_context(NameServer(referral))
            world.parent = parse_address(above.address, "parent")
            return world

        yield begin


@pytest.fixture
def parent() -> Iterator[Callable[..., Address]]:
    """Start a BIND that is responsible for the zone above, with some records."""
    with ExitStack() as closing:

        def begin(records: dict[str, list[str]], *own: str) -> Address:
            folder, port = Folder("parent"), free_port()
            closing.callback(folder.remove)
            head = ["$TTL 60", "@ SOA ns.example. root.example. 1 60 60 60 60", "@ NS ns.example."]
            lines = [
                *head,
                f"ns.example. A {LOOPBACK}",
                *(one for each in records.values() for one in each),
            ]
            zones = {"example": lines}
            zones |= {
                zone: [*head, f"@ NS ns1.{zone}.", f"ns1.{zone}. A {LOOPBACK}"] for zone in own
            }
            text = "".join(
                f'zone "{zone}" {{ type primary; check-integrity no; file "'
                + str(folder.write(zone, "\n".join(content) + "\n"))
                + '"; };\n'
                for zone, content in zones.items()
            )
            conf = folder.write(
                "named.conf",
                f'options {{ directory "{folder.path}"; pid-file none; recursion no;\n'
                f"listen-on port {port} {{ {LOOPBACK}; }}; listen-on-v6 {{ none; }}; }};\n"
                f"controls {{ }};\n{text}",
            )
            command = (which("named") or "", "-g", "-n", "1", "-c", str(conf))
            process = Process(command, log=folder.path / "log", answers_at=[(LOOPBACK, port)])
            closing.enter_context(process)
            return Address(host=LOOPBACK, port=port)

        yield begin


def problems(results: list[Checked]) -> dict[str, Checked]:
    """The problems, by check and subject."""
    return {f"{each.check} {each.of}": each for each in results if each.state == "problem"}


@pytest.mark.product("named")
async def test_an_origin_without_a_fault_has_none(
    start: StartWorld, parent: Callable[..., Address]
) -> None:
    world = await start()
    world.parent = parent(DELEGATION)

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
    start: StartWorld,
    parent: Callable[..., Address],
    records: list[str],
    own: list[str],
    check: str,
    seen: str,
) -> None:
    world = await start()
    world.parent = parent(DELEGATION | {ZONE: records}, *own)

    found = problems(await world.check())

    assert [f"{check} {ZONE}"] == list(found)
    assert seen in found[f"{check} {ZONE}"].seen
    assert ZONE in found[f"{check} {ZONE}"].fix


@pytest.mark.product("named")
async def test_every_declared_server_must_be_referred_to(
    start: StartWorld, parent: Callable[..., Address]
) -> None:
    world = await start()
    world.parent = parent(DELEGATION)
    first, *others = world.origin.zones
    two = OriginZone(
        zone=ZONE, addresses=first.addresses, nameservers=(*first.nameservers, f"ns2.{ZONE}")
    )

    found = problems(await world.check(origin=replace(world.origin, zones=(two, *others))))

    assert f"does not refer to ns2.{ZONE}" in found[f"delegation {ZONE}"].seen


async def test_a_parent_that_does_not_answer_is_a_problem_and_no_pass(start: StartWorld) -> None:
    world = await start()
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        port = silent.getsockname()[1]
        results = await world.check(parents=(Address(host=LOOPBACK, port=port),), patience=0.5)

    found = problems(results)
    for zone in (ZONE, SECOND, TWINS):
        assert "no name server of the zone above answered" in found[f"delegation {zone}"].seen
    assert not any(each.check == "glue" for each in results)


async def test_a_resolver_that_finds_another_place_or_nothing_is_told(start: StartWorld) -> None:
    world = await start()
    away = OriginZone(zone=ZONE, addresses=("192.0.2.99",), nameservers=(f"ns1.{ZONE}",))
    world.found = ZoneNames(zones=(away,))

    found = problems(await world.check(patience=2.0))

    assert "is at 192.0.2.99" in found[f"resolution {ZONE}"].seen
    assert f"the origin's addresses are {LOOPBACK}" in found[f"resolution {ZONE}"].fix
    for zone in (SECOND, TWINS):
        assert "finds no address of" in found[f"resolution {zone}"].seen


async def test_closed_ports_are_named(start: StartWorld) -> None:
    world = await start()
    http, https, dns_port = (free_port() for _ in range(3))
    closed = replace(world.origin, ports={80: http, 443: https}, resolver=f"{LOOPBACK}:{dns_port}")

    found = problems(await world.check(origin=closed, patience=2.0))

    for zone, address in ((ZONE, LOOPBACK), (TWINS, APART)):
        for check, port in (
            (f"http page at {address}", http),
            (f"https page at {address}", https),
            ("name server by TCP", dns_port),
            ("name server by UDP", dns_port),
        ):
            told = found[f"{check} {zone}"]
            silence = "refused" if "UDP" not in check else "no answer within 2 s"
            assert silence in told.seen.lower(), told
            assert f"port {port} of {address}" in told.fix
    assert "health and clock " + ZONE in found
    assert "path control" in found


async def test_the_key_of_another_origin_is_told(start: StartWorld) -> None:
    world = await start()

    found = problems(await world.check(origin=replace(world.origin, key=b"x" * 32)))

    pages = [each for name, each in found.items() if " page at " in name]
    assert 6 == len(pages)
    assert all("not a page with this origin's mark" in each.seen for each in pages)
    assert all("its key differs" in each.fix for each in pages)
    assert "status 200" in found["path control"].seen
    assert len(found) == 7


@pytest.mark.parametrize("seconds", [3600, -3600])
async def test_a_clock_that_is_off_is_told(start: StartWorld, seconds: int) -> None:
    world = await start(now=lambda: datetime.now(UTC) + timedelta(seconds=seconds))

    (told,) = (problems(await world.check())).values()

    assert "health and clock" == told.check
    side = "ahead of" if seconds > 0 else "behind"
    assert f" seconds {side} this machine's" in told.seen
    assert "3,59" in told.seen or "3,60" in told.seen
    assert "NTP" in told.fix


async def test_a_log_that_cannot_be_written_is_told(start: StartWorld) -> None:
    world = await start(log="/dev/full")
    await world.check()

    found = problems(await world.check())

    assert "the log cannot be written" in found[f"health and clock {ZONE}"].seen


def given(folder: Path, leaf: Callable[[Authority], Any]) -> dict[str, Any]:
    """Settings with a given certificate, whose authority campaigns trust."""
    folder.mkdir()
    authority = Authority()
    pem = authority.pem_with_key(leaf(authority))
    split = pem.index(b"-----BEGIN CERTIFICATE")
    (folder / "chain.pem").write_bytes(pem[split:])
    (folder / "key.pem").write_bytes(pem[:split])
    (folder / "trust.pem").write_bytes(authority.pem)
    files = {name: str(folder / f"{name}.pem") for name in ("chain", "key")}
    return {"authority": "", "certificate": files["chain"], "certificate_key": files["key"]}


@pytest.mark.parametrize(
    ("host", "days", "seen", "fix"),
    [
        (
            "elsewhere.example",
            30,
            "it shows one for elsewhere.example, by CN=",
            "a certificate for",
        ),
        (f"*.{ZONE}", -1, "expired", "a certificate for"),
    ],
)
async def test_a_wrong_certificate_is_told_with_what_it_is_for(
    start: StartWorld, tmp_path: Path, host: str, days: int, seen: str, fix: str
) -> None:
    world = await start(
        **given(
            tmp_path / "t", lambda made: made.leaf(host, lifetime=timedelta(days=days, hours=1))
        )
    )
    trusting = replace(world.origin, authority=str(tmp_path / "t/trust.pem"))

    found = problems(await world.check(origin=trusting))

    for zone in (ZONE, SECOND):
        told = found[f"https page at {LOOPBACK} {zone}"]
        assert seen in told.seen
        assert fix in told.fix
        assert f"no valid certificate for {zone}" in found[f"certificate names {zone}"].seen
    assert f"http page at {LOOPBACK} {ZONE}" not in found


async def test_a_chain_that_nobody_trusts_is_told(start: StartWorld, tmp_path: Path) -> None:
    world = await start()
    (tmp_path / "other.pem").write_bytes(Authority().pem)
    distrusting = replace(world.origin, authority=str(tmp_path / "other.pem"))

    found = problems(await world.check(origin=distrusting))

    told = found[f"https page at {LOOPBACK} {ZONE}"]
    assert "self-signed certificate in certificate chain" in told.seen
    assert "until 20" in told.seen


async def test_a_certificate_that_ends_soon_is_told(start: StartWorld) -> None:
    world = await start()
    later = datetime.now(UTC) + timedelta(days=20)

    found = problems(await world.check(now=lambda: later))

    told = found[f"https page at {LOOPBACK} {ZONE}"]
    assert ", 9 days" in told.seen or ", 10 days" in told.seen
    assert "renew the certificate" in told.fix
    assert f"authority {world.origin.authority}" not in found


async def test_twins_without_a_certificate_are_no_problem(start: StartWorld) -> None:
    world = await start(twins={"zone": TWINS, "addresses": (APART,)})

    results = await world.check()

    (told,) = [each for each in results if each.state == "unseen"]
    assert (f"https page at {APART}", TWINS) == (told.check, told.of)
    assert not [name for name in problems(results) if name.endswith(f" page at {APART} {TWINS}")]


class Blocking(Connection):
    """A proxy that blocks every page."""

    def on_request(self, request: Request) -> None:
        self.answer(block_page(request.host, ""))


async def test_the_way_over_each_line_is_told(start: StartWorld) -> None:
    world = await start()
    async with Listener(lambda: Blocking(None)) as blocking:
        lines: dict[str, Line] = {
            "control": Control("control", ControlOptions(), world.origin, Limits())
        }
        for name, port in (("blocks", blocking.port), ("dead", free_port())):
            options = ExplicitProxyOptions(proxy=f"http://{LOOPBACK}:{port}")
            lines[name] = ExplicitProxy(name, options, world.origin, Limits())
        results = await world.check(lines=lines)

    states = {each.of: each for each in results if each.check == "path"}
    assert ["ok", "problem", "problem"] == [each.state for each in states.values()]
    assert "no page of ours: status 403" in states["blocks"].seen
    assert f"{PASSES} must be allowed" in states["blocks"].fix
    assert "connection_refused" in states["dead"].seen


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
        assert {"name server by UDP", "name server by TCP"} < {each["check"] for each in unseen}
        assert all("this machine has no IPv6" in each["seen"] for each in unseen)
        assert 4 == len(unseen)
