"""The interface line leaves from where it is told, and asks the network's own name server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.plugins import LINES
from harness.ports.list_program import Connection
from harness.ports.network import Origin, Question, Request
from probes.lines.direct import Control, ControlOptions, Interface, InterfaceOptions
from probes.net.backend import BACKENDS
from probes.net.route import Address


def line(**options: Any) -> Interface:
    return Interface("site", InterfaceOptions(**options), None, Limits())


@pytest.fixture(params=sorted(BACKENDS))
def lane(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def peers(serve: Any) -> tuple[int, list[str]]:
    """A page's port, and the addresses that came to it."""
    came: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("peername")[0])
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    return await serve(play), came


async def test_it_leaves_from_its_address(lane: str, peers: Any, name_server: Any) -> None:
    port, came = peers
    server = await name_server({"A": "127.0.0.1"})
    options = {"address": "127.0.0.5", "resolver": str(server.address), "lane": lane}
    async with line(**options, ports={80: port}) as opened:
        exchange = await opened.fetch(Request(url="http://a.accredit.test/"))
        answer = await opened.ask(Question(name="a.accredit.test"))

    assert (exchange.status, came) == (200, ["127.0.0.5"])
    assert answer.facts.addresses == ("127.0.0.1",)
    assert {host for host, _ in server.asked} == {"127.0.0.5"}


async def test_it_leaves_by_its_device(lane: str, peers: Any, name_server: Any) -> None:
    port, came = peers
    server = await name_server({"A": "127.0.0.1"})
    opened = line(device="lo", resolver=str(server.address), lane=lane, ports={80: port})
    try:
        async with opened:
            exchange = await opened.fetch(Request(url="http://a.accredit.test/"))
    except UsageError as error:
        assert "CAP_NET_RAW" in str(error)  # noqa: PT017 - without the right, it says so
        return

    assert (exchange.status, len(came)) == (200, 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"address": "192.0.2.77"}, "line 'site': cannot send from '192.0.2.77': no interface"),
        ({"netns": "nothing0"}, "line 'site': cannot enter 'nothing0': this machine has no"),
        ({"device": "nothing0"}, "line 'site': cannot send from 'nothing0': this machine has no"),
    ],
)
async def test_what_this_machine_has_not_is_said_on_opening(
    options: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        async with line(resolver="127.0.0.1", **options):
            pass


def test_an_address_is_one_and_has_a_family() -> None:
    with pytest.raises(
        UsageError, match="line 'site', option 'address': 'eth0' is not an IP address"
    ):
        line(address="eth0", resolver="127.0.0.1")
    with pytest.raises(UsageError, match="is not of family 'ipv6'"):
        line(address="127.0.0.1", family="ipv6", resolver="127.0.0.1")

    assert line(address="::1", resolver="::1")._options.family == "ipv6"


def test_its_name_server_is_never_the_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Address(host="192.0.2.53", port=53)
    monkeypatch.setattr("probes.lines.direct.system_server", lambda _: found)

    assert str(line()._server) == "192.0.2.53:53"


def test_a_namespace_may_have_its_own_name_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.54\n", encoding="ascii")
    monkeypatch.setattr(
        "probes.lines.direct.resolver_file",
        lambda name: tmp_path / "resolv.conf" if name == "site" else None,
    )

    assert "192.0.2.54:53" == str(line(netns="site")._server)


def test_it_is_found_by_name() -> None:
    assert LINES.find("interface") is Interface
    of_streams = {"fetch", "fetch_over", "dial", "connection"}
    assert Interface.carries == {*of_streams, "ask", "datagrams", "pings"}


def test_it_says_what_its_packets_leave_by() -> None:
    bound = line(netns="site", device="eth1", resolver="127.0.0.1")

    assert ("site eth1", "") == (bound.left_by, line(resolver="127.0.0.1").left_by)


def test_a_gateway_that_is_no_address_is_the_users_mistake() -> None:
    with pytest.raises(
        UsageError, match=r"line 'site', option 'gateway': 'gw' is not an IP address"
    ):
        line(gateway="gw")


def test_the_gateway_and_a_named_server_may_show_a_block_page() -> None:
    guard = line(gateway="10.0.0.1", resolver="10.0.0.2:53").guard

    for host in ("10.0.0.1", "10.0.0.2"):
        assert guard.refusal("x.example", Address(host=host, port=80)) is None
    assert guard.refusal("x.example", Address(host="10.0.0.3", port=80)) is not None


def test_another_program_gets_what_the_line_is_bound_to_and_whom_it_asks() -> None:
    bound = line(address="127.0.0.5", device="lo", resolver="tls://192.0.2.1", ports={80: 8080})

    assert bound.connection() == Connection(
        resolver="tls://192.0.2.1:853", source="127.0.0.5", device="lo", ports={80: 8080}
    )


def test_another_program_asks_the_resolvers_of_the_control_line_as_the_line_does() -> None:
    origin = Origin(zone="z.test", resolver="192.0.2.1:53", ports={80: 81}, authority="", key=b"k")
    own = Control("control", ControlOptions(), origin, Limits())
    outside = Control("control", ControlOptions(outside_resolver="192.0.2.2"), origin, Limits())

    assert own.connection() == Connection(resolver="192.0.2.1:53", ports={80: 81})
    assert outside.connection() == Connection(
        resolver="192.0.2.2:53", check_resolver="192.0.2.1:53", ports={80: 81}
    )
