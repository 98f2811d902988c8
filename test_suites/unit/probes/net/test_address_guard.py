"""A guard lets a line visit what is declared, and no other private address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.facts import DnsFacts
from harness.model.observation import Failure, Timings
from harness.model.origin_zone import OriginZone
from harness.ports.network import Answer, Origin, Question, Request
from probes.lines.direct import Control as ControlLine
from probes.lines.direct import ControlOptions
from probes.lines.pac import Pac, PacOptions
from probes.net import address_guard
from probes.net.address_guard import AddressGuard, ControlLookup
from probes.net.route import Address

ORIGIN = Origin(
    zone="accredit.test", resolver="r", ports={80: 8080, 443: 8443}, authority="a", key=b"k",
    twin_zone="orchard.test",
)  # fmt: skip
HOST = "a.canary.accredit.test"


def at(host: str, port: int = 80) -> Address:
    return Address(host=host, port=port)


def is_refused(guard: AddressGuard, host: str, place: Address, **how: bool) -> bool:
    refusal = guard.refusal(host, place, **how)
    assert refusal is None or (refusal.name, refusal.stage) == ("private_address", "request")
    return refusal is not None


def test_every_address_of_an_origin_is_its_own() -> None:
    zones = tuple(
        OriginZone(zone=zone, addresses=(address,))
        for zone, address in (("a.example", "10.9.9.1"), ("b.example", "10.9.9.2"))
    )
    twins = OriginZone(zone="c.example", addresses=("10.9.9.3",))
    origin = Origin(
        zone="a.example", resolver="r", ports={}, authority="", key=b"k", address="10.9.9.1",
        twin_zone="c.example", zones=zones, twins=twins,
    )  # fmt: skip
    guard = AddressGuard(origin, {}, ())

    refused = {
        address
        for address in ("10.9.9.1", "10.9.9.2", "10.9.9.3", "10.9.9.4")
        if is_refused(guard, "x.b.example", at(address))
    }

    assert {"10.9.9.4"} == refused


def test_an_address_that_leads_to_the_origin_is_visited_unless_packets_would_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lab's origin is reached through its network, an origin on loopback on this machine alone."""
    lab = Origin(
        zone="a.example", resolver="r", ports={}, authority="", key=b"k", address="10.9.9.1",
        nat64_prefix="64:ff9b:1::/96",
    )  # fmt: skip
    own, others = "64:ff9b:1::a09:901", "64:ff9b:1::a09:902"
    here = "64:ff9b::7f00:1"

    assert [is_refused(AddressGuard(lab), one, at(one)) for one in (own, others)] == [False, True]
    assert is_refused(AddressGuard(ORIGIN), here, at(here, 8080))
    monkeypatch.setattr(address_guard, "is_own_address", lambda address: address == here)
    assert not is_refused(AddressGuard(ORIGIN), here, at(here, 8080))
    assert is_refused(AddressGuard(ORIGIN), here, at(here, 9999))


async def test_a_proxy_is_asked_for_such_an_address_at_ports_of_the_origin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = "64:ff9b::7f00:1"
    assert await AddressGuard(ORIGIN).refusal_by_proxy(at(here), 1) is not None

    monkeypatch.setattr(address_guard, "is_own_address", lambda address: address == here)
    assert await AddressGuard(ORIGIN).refusal_by_proxy(at(here), 1) is None
    assert await AddressGuard(ORIGIN).refusal_by_proxy(at(here, 25), 1) is not None


class Control:
    """A control that knows some names; ``asked`` is what it was asked for."""

    carries = frozenset({"ask"})

    def __init__(self, names: dict[str, tuple[str, ...]], own: Iterable[str] = ()) -> None:
        self.names, self.own = names, frozenset(own)
        self.asked: list[str] = []

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question.name)
        kind = ":" if question.type == "AAAA" else "."
        known = self.names.get(question.name)
        failure = Failure(name="dns_servfail_error", stage="resolve") if known is None else None
        found = tuple(each for each in known or () if kind in each)
        facts = DnsFacts(name=question.name, type=question.type, server="s", addresses=found)
        return Answer(facts=facts, timings=Timings(), failure=failure)

    def may_visit(self, endpoint: Address, address: str) -> bool:
        return address in self.own or address.startswith("93.")


def behind_proxy(names: dict[str, tuple[str, ...]], own: Iterable[str] = ()) -> tuple[Any, Control]:
    guard, control = AddressGuard(ORIGIN), Control(names, own)
    guard.lookup = ControlLookup(control)  # type: ignore[arg-type]  # as much of a line as is asked
    return guard, control


def test_public_addresses_are_visited() -> None:
    guard = AddressGuard(None)

    assert not is_refused(guard, "www.example.com", at("93.184.216.34"))
    assert not is_refused(guard, "www.example.com", at("2606:4700::1", 8080))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1",
     "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:a00:1::", "224.0.0.1"],
)  # fmt: skip
def test_private_addresses_are_refused_by_name_and_as_themselves(address: str) -> None:
    for guard in (AddressGuard(None), AddressGuard(ORIGIN, ORIGIN.ports)):
        assert is_refused(guard, "rebound.example.com", at(address))
        assert is_refused(guard, address, at(address))
        assert is_refused(guard, HOST, at(address, 631))


def test_the_origin_is_visited_at_its_own_ports_alone() -> None:
    guard = AddressGuard(ORIGIN, ORIGIN.ports)

    assert not is_refused(guard, HOST, at("127.0.0.1", 8080))
    assert not is_refused(guard, "a.orchard.test", at("127.0.0.8", 8443))
    assert not is_refused(guard, HOST, at("::ffff:127.0.0.1", 8080))
    assert not is_refused(guard, "127.0.0.1", at("127.0.0.1", 8080))
    assert is_refused(guard, HOST, at("127.0.0.1", 8081))
    assert is_refused(guard, "127.0.0.8", at("127.0.0.8", 8080))
    assert is_refused(guard, "www.example.com", at("127.0.0.77", 8080))
    assert is_refused(guard, HOST, at("10.0.0.1", 8080))


def test_an_origin_without_a_map_of_ports_is_at_those_of_the_web() -> None:
    guard = AddressGuard(
        Origin(zone="z.test", resolver="r", ports={}, authority="a", key=b"k", address="10.9.9.9")
    )

    assert not is_refused(guard, "a.z.test", at("10.9.9.9", 443))
    assert is_refused(guard, "a.z.test", at("10.9.9.9", 22))


def test_a_line_that_maps_ports_itself_leads_to_servers_of_the_tester() -> None:
    guard = AddressGuard(None, {80: 9080})

    assert not is_refused(guard, "a.example", at("127.0.0.1", 9080))
    assert is_refused(guard, "a.example", at("127.0.0.1", 80))
    assert is_refused(guard, "a.example", at("10.0.0.1", 9080))


def test_what_the_line_itself_uses_may_show_pages_at_the_ports_of_the_web() -> None:
    guard = AddressGuard(None, None, [at("10.0.0.1", 3128), at("127.0.0.1", 3129), at("nas", 53)])

    for port in (80, 443, 3128):
        assert not is_refused(guard, "10.0.0.1", at("10.0.0.1", port))
    assert is_refused(guard, "10.0.0.1", at("10.0.0.1", 22))
    assert not is_refused(guard, "127.0.0.1", at("127.0.0.1", 3129))
    assert is_refused(guard, "127.0.0.1", at("127.0.0.1", 80))
    assert not is_refused(guard, "nas", at("10.0.0.7", 53))


def test_a_declared_block_page_is_visited_at_any_port() -> None:
    guard = AddressGuard(None)
    for host in ("10.0.0.1", "169.254.1.1", "fd00::1", "Block.School.internal.", ""):
        guard.declare_block_page(host)

    assert not is_refused(guard, "10.0.0.1", at("10.0.0.1", 8090))
    assert not is_refused(guard, "169.254.1.1", at("169.254.1.1"))
    assert not is_refused(guard, "[fd00::1]", at("fd00::1"))
    assert not is_refused(guard, "block.school.internal", at("10.4.4.4"))
    assert is_refused(guard, "block.school.internal", at("169.254.169.254"))
    assert is_refused(guard, "other.school.internal", at("10.4.4.4"))


def test_a_sentinel_leads_to_a_private_server_that_items_then_may_visit() -> None:
    guard = AddressGuard(None)
    place = at("10.0.0.1", 8090)

    assert is_refused(guard, "10.0.0.1", place)
    assert not is_refused(guard, "10.0.0.1", place, may_lead=True)
    assert not is_refused(guard, "10.0.0.1", place)
    assert is_refused(guard, "10.0.0.1", at("10.0.0.1", 80))
    assert is_refused(guard, "10.0.0.2", at("10.0.0.2", 8090))


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "fe80::1", "fd00:ec2::254"])
def test_no_sentinel_leads_to_this_machine_its_link_or_metadata(address: str) -> None:
    guard = AddressGuard(None)

    assert is_refused(guard, "x.example", at(address), may_lead=True)
    assert is_refused(guard, "x.example", at(address))


async def test_a_proxy_is_asked_for_no_private_host_in_any_notation() -> None:
    guard, control = behind_proxy({})
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "017700000001", "127.1", "127.0.0.1.",
                 "localhost", "a.localhost", "metadata.google.internal", "10.0.0.1", "::1",
                 "fe80::1%25lo", "router", "nas.local"):  # fmt: skip
        assert await guard.refusal_by_proxy(at(host), 1.0) is not None, host

    assert not any(name[0].isdigit() for name in control.asked)


async def test_a_proxy_is_asked_for_no_name_that_the_control_finds_at_a_private_address() -> None:
    names = {
        "public.example": ("93.184.216.34",),
        "rebound.example": ("10.0.0.1",),
        "mixed.example": ("93.184.216.34", "fc00::1"),
        "own.example": ("127.0.0.1",),
    }
    guard, control = behind_proxy(names, own=["127.0.0.1"])
    refused = {
        name: await guard.refusal_by_proxy(at(name), 1.0) is not None
        for name in (*names, "unknown.example", HOST)
    }

    assert refused == {
        "public.example": False,
        "rebound.example": True,
        "mixed.example": True,
        "own.example": False,
        "unknown.example": False,
        HOST: False,
    }
    assert HOST not in control.asked


async def test_behind_a_proxy_a_sentinel_leads_by_name_and_port() -> None:
    guard, _ = behind_proxy({"block.example": ("10.0.0.1",)})

    assert await guard.refusal_by_proxy(at("block.example"), 1.0, may_lead=True) is None
    assert await guard.refusal_by_proxy(at("block.example"), 1.0) is None
    assert await guard.refusal_by_proxy(at("block.example", 81), 1.0) is not None


async def test_the_zone_is_the_origins_behind_a_proxy_at_its_own_ports_alone() -> None:
    guard, _ = behind_proxy({HOST: ("127.0.0.1",)})

    assert await guard.refusal_by_proxy(at(HOST, 443), 1.0) is None
    assert await guard.refusal_by_proxy(at(HOST, 631), 1.0) is not None


@pytest.fixture
def line(tmp_path: Path) -> Callable[[str], Pac]:
    """A line that follows a PAC file with this body."""

    def make(body: str) -> Pac:
        path = tmp_path / "proxy.pac"
        path.write_text(f"function FindProxyForURL(url, host) {{ {body} }}", encoding="utf-8")
        options = PacOptions(file=str(path), resolver="127.0.0.1:9")
        return Pac("site", options, None, Limits())

    return make


async def test_a_file_from_elsewhere_names_no_proxy_on_this_machine(
    line: Any, serve: Any, plays: Any
) -> None:
    port = await serve(plays["page"])
    async with line(f"return 'PROXY 127.0.0.1:{port}; PROXY 169.254.169.254:80'") as opened:
        opened._pac = opened._pac.model_copy(update={"file": "http://198.51.100.1/proxy.pac"})
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))

    assert exchange.failure is not None
    assert ("proxy_autoconfig_failed", "proxy_connect") == (
        exchange.failure.name,
        exchange.failure.stage,
    )


async def test_a_private_host_is_asked_of_no_proxy_that_the_file_names(
    line: Any, serve: Any, plays: Any, name_server: Any
) -> None:
    port = await serve(plays["page"])
    names = await name_server({"A": "10.0.0.1"})
    made = line(f"return 'PROXY 127.0.0.1:{port}'")
    options = ControlOptions(resolver=str(names.address))
    control = ControlLine("control", options, None, Limits())
    made.declare("block.example", control)
    async with control, made as opened:
        failures = {
            host: (await opened.fetch(Request(url=f"http://{host}/"))).failure
            for host in ("10.0.0.1", "rebound.example", "block.example")
        }

    assert {"10.0.0.1": True, "rebound.example": True, "block.example": False} == {
        host: failure is not None and failure.name == "private_address"
        for host, failure in failures.items()
    }
