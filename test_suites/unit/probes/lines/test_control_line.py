"""The control line resolves by the origin's name server, unless told otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dns.message
import pytest

from harness.errors import UsageError
from harness.model.campaign import Limits
from harness.model.origin_zone import OriginZone
from harness.plugins import LINES
from harness.ports.network import Origin, Question, Request
from probes.lines.direct import Control, ControlOptions
from probes.range.name_server import NameServer, Reply
from probes.range.testbed import RangeTestbed

HOST = "gamb-001.canary.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="127.0.0.1:5", ports={}, authority="", key=b"k" * 16)


async def test_it_goes_past_the_filter(tmp_path: Path) -> None:
    async with (
        RangeTestbed(tmp_path) as world,
        Control("control", ControlOptions(), world.origin, Limits()) as line,
    ):
        exchange = await line.fetch(Request(url=f"https://{HOST}/"))
        answer = await line.ask(Question(name=HOST))

    assert exchange.status == 200
    assert answer.facts.addresses == ("127.0.0.1",)
    assert answer.facts.server == world.origin.resolver


def test_its_name_server_may_be_declared() -> None:
    line = Control("control", ControlOptions(resolver="[::1]:54"), ORIGIN, Limits())

    assert str(line._server) == "[::1]:54"
    assert str(Control("control", ControlOptions(), ORIGIN, Limits())._server) == "127.0.0.1:5"


async def test_names_outside_of_the_origin_may_have_another_name_server(tmp_path: Path) -> None:
    asked: list[str] = []

    def reply(query: dns.message.Message) -> Reply:
        asked.append(query.question[0].name.to_text().lower())
        return Reply(message=dns.message.make_response(query))

    async with RangeTestbed(tmp_path) as world, NameServer(reply) as outside:
        options = ControlOptions(outside_resolver=outside.address)
        async with Control("control", options, world.origin, Limits()) as line:
            inside = await line.ask(Question(name=HOST))
            other = await line.ask(Question(name="www.example.org"))
            designated = await line.ask(Question(name="_dns.resolver.arpa", type="SVCB"))

    assert designated.facts.server == world.origin.resolver, "the origin always designates one"
    assert (("127.0.0.1",), world.origin.resolver) == (inside.facts.addresses, inside.facts.server)
    assert outside.address == other.facts.server
    assert ["www.example.org."] == asked


async def test_plain_twins_are_asked_of_their_own_name_server() -> None:
    asked: dict[str, list[str]] = {"127.0.0.1": [], "127.0.0.9": []}

    def server(address: str, port: int = 0) -> NameServer:
        def reply(query: dns.message.Message) -> Reply:
            asked[address].append(query.question[0].name.to_text().lower())
            return Reply(message=dns.message.make_response(query))

        return NameServer(reply, (address,), port)

    async with server("127.0.0.1") as own, server("127.0.0.9", own.port) as twins:
        zones = (OriginZone(zone="accredit.test", addresses=("127.0.0.1",)),)
        origin = replace(
            ORIGIN, resolver=own.address, twin_zone="orchard.test", zones=zones,
            twins=OriginZone(zone="orchard.test", addresses=("127.0.0.9",)),
        )  # fmt: skip
        assert twins.address == origin.twin_resolver
        for options in (ControlOptions(), ControlOptions(resolver=own.address)):
            async with Control("control", options, origin, Limits()) as line:
                for name in (HOST, "abc.Orchard.test."):
                    await line.ask(Question(name=name))

    assert {"127.0.0.1": [f"{HOST}.", f"{HOST}.", "abc.orchard.test."]} | {
        "127.0.0.9": ["abc.orchard.test."]
    } == asked
    together = replace(origin, twins=OriginZone(zone="orchard.test", addresses=("127.0.0.1",)))
    assert "" == together.twin_resolver


async def test_a_name_server_for_other_names_that_is_not_found_is_a_failure(tmp_path: Path) -> None:
    options = ControlOptions(outside_resolver="no-such-host.invalid:53")
    async with (
        RangeTestbed(tmp_path) as world,
        Control("control", options, world.origin, Limits()) as line,
    ):
        inside = await line.ask(Question(name=HOST))
        other = await line.ask(Question(name="www.example.org"))

    assert inside.failure is None
    assert other.failure is not None
    assert "dns_temporary_failure" == other.failure.name


def test_a_wrong_name_server_for_other_names_is_named() -> None:
    with pytest.raises(UsageError, match="option 'outside_resolver': 'dns:dns' is not an address"):
        Control("control", ControlOptions(outside_resolver="dns:dns"), None, Limits())


def test_a_wrong_name_server_is_the_users_mistake() -> None:
    with pytest.raises(
        UsageError, match="line 'control', option 'resolver': 'dns:dns' is not an address"
    ):
        Control("control", ControlOptions(resolver="dns:dns"), None, Limits())


async def test_an_authority_that_is_gone_is_said_on_opening() -> None:
    origin = replace(ORIGIN, authority="/nowhere.pem")
    with pytest.raises(UsageError, match=r"/nowhere\.pem: no such file"):
        async with Control("control", ControlOptions(), origin, Limits()):
            pass


def test_it_is_found_by_name() -> None:
    assert LINES.find("control") is Control
    of_streams = {"fetch", "fetch_over", "dial", "connection"}
    assert Control.carries == {*of_streams, "ask", "datagrams", "pings"}
