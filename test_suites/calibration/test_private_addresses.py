"""Undeclared private addresses are never visited: a listener there gets no connection.

It listens at an address of loopback that no campaign declares, and every way leads to it: URLs in
every notation, names, redirects, frames, sinkholes; over each line, lane and client.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from corpora.pack_writer import PackDetails, write_pack
from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.observation import CONTROL, AttemptKey
from harness.model.private_address import Reach, canonical, reach_of
from harness.model.verdict import State
from harness.ports.network import Attempt, Request
from harness.store.journal.journal import open_journal
from probes.clients.pupil import Pupil
from probes.clients.second_client import SecondClient
from probes.kinds.web import Web
from probes.net import address_guard
from probes.net.backend import BACKENDS
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.calibration.guarded_lines import built, lines, name_server
from test_suites.kit.campaigns.ranges import origin_file
from test_suites.kit.campaigns.rehearsal import QUICK, Rehearsal, rehearse, write_campaign

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere loopback has one address alone"
)

PLACE = "127.0.0.77"
NOTATIONS = (
    PLACE, "2130706509", "0x7f00004d", "0x7F.77", "017700000115", "127.77", "127.0.77",
    "127.0.0.77.", "%31%32%37.0.0.77", "\uff11\uff12\uff17.0.0.77", "127\u30020\u30020\u300277",
    "[::ffff:127.0.0.77]", "[::ffff:7f00:4d]", "0177.0.0.0115", "user@127.0.0.77",
)  # fmt: skip
NAME = "rebound.example"
SENTINEL = "copper-meadow.accredit.test"
PAGE = b"<html><title>Blocked</title><p>This page has been blocked by the filter.</p></html>"
ANSWER = b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"


@dataclass(slots=True, kw_only=True)
class Listener:
    """A server on a thread of its own that keeps what its clients asked for first."""

    address: str
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    async def once(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(b"")
        self.heard[-1] = await reader.read(65536)
        writer.write(ANSWER % (len(PAGE), PAGE))
        writer.close()


@pytest.fixture
def listening() -> Iterator[Listener]:
    """A listener at PLACE, for campaigns that have event loops of their own."""
    listener, loop = Listener(address=PLACE), asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(listener.once, PLACE, 0))
    listener.port = server.sockets[0].getsockname()[1]
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield listener
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@asynccontextmanager
async def serving(address: str) -> AsyncIterator[Listener]:
    listener = Listener(address=address)
    async with await asyncio.start_server(listener.once, address, 0) as server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener


def attempt(url: str) -> Attempt:
    key = AttemptKey(campaign="c", item="a", probe="web", line="web", profile="ks2")
    item = Item(id="a", value=url, labels=("GAMB",), kind="url")
    return Attempt(key=key, item=item, limits=Limits(confirmation_timeout=1.0), timeout=1.0)


@pytest.mark.parametrize("lane", sorted(BACKENDS))
async def test_no_line_or_client_visits_a_private_address_in_any_notation(
    tmp_path: Path, lane: str
) -> None:
    seen = set()
    async with (
        serving(PLACE) as listener,
        serving("127.0.0.1") as proxy,
        name_server(PLACE) as names,
    ):
        for around in lines(names, f"127.0.0.1:{proxy.port}", tmp_path, lane):
            async with around as line:
                for host in (*NOTATIONS, NAME):
                    for scheme in ("http", "https"):
                        url = f"{scheme}://{host}:{listener.port}/"
                        exchange = await line.fetch(Request(url=url, timeout=1.0, may_lead=True))
                        assert exchange.failure is not None, (line.name, url)
                        assert exchange.status is None
                        seen.add(exchange.failure.name)
                    asked = attempt(f"http://{host}:{listener.port}/")
                    await Pupil().visit(asked, Web(), line)
                    await SecondClient().visit(asked, asked.item.value, line)

    assert [] == listener.heard
    assert [] == proxy.heard
    assert "private_address" in seen


async def test_a_private_address_given_with_the_request_is_not_visited() -> None:
    async with serving(PLACE) as listener:
        line = built("resolver", {"server": "127.0.0.1:9"}, None)
        async with line as opened:
            request = Request(url=f"http://a.example:{listener.port}/", address=PLACE)
            exchange = await opened.fetch(request)

    assert exchange.failure is not None
    assert [] == listener.heard


def pack(folder: Path, hosts: Iterable[str]) -> Path:
    details = PackDetails(
        name="led", version="1.0.0", title="", created="2026-11-24T00:00:00Z", sensitivity="S0"
    )
    rows = (
        {"id": host.partition(".")[0], "value": host, "kind": "host", "labels": "GAMB"}
        for host in hosts
    )
    write_pack(folder, rows, details)
    return folder


KINDS = (FaultKind.REDIRECT, FaultKind.FRAME, FaultKind.META_REFRESH)
HOSTS = {kind: f"{str(kind).replace('_', '-')}.led.accredit.test" for kind in KINDS}


def campaign(world: RangeTestbed, folder: Path, **more: Any) -> Rehearsal:
    """Every kind of leading away, over a proxy and a gateway."""
    reference = world.origin.services["reference"]
    gateway = {int(port): real for port, real in reference["gateway"]["pupils"].items()}
    through = {"server": world.origin.resolver, "ports": gateway}
    return rehearse(
        write_campaign(
            folder,
            origin=origin_file(world),
            lines=[
                {
                    "name": "proxy",
                    "type": "explicit_proxy",
                    "options": {"proxy": reference["proxy"]["pupils"]},
                },
                {"name": "gateway", "type": "resolver", "options": through},
            ],
            corpora=[{"pack": str(pack(folder / "pack", HOSTS.values()))}],
            limits=QUICK | {"retries": 1},
            **more,
        )
    )


def world_leading(folder: Path, to: str, *, sentinels: bool) -> Any:
    """A range whose filter leads items away, and its must-block sentinel too if so."""
    faults = [
        Fault(kind=kind, service=service, hosts=frozenset({host}), to=to)
        for kind, host in HOSTS.items()
        for service in ("proxy", "gateway")
    ]
    if sentinels:
        faults += [
            Fault(kind=FaultKind.REDIRECT, service=service, hosts=frozenset({SENTINEL}), to=to)
            for service in ("proxy", "gateway")
        ]
    made = RangeTestbed.running(
        folder, policy=FilterPolicy(blocks=lambda *_: False), profiles=("pupils",), gateway=True
    )
    return made, faults


def states(made: Rehearsal) -> dict[tuple[str, str], tuple[State, str]]:
    return {(v.key.line, v.item.host): (v.state, v.rule) for v in made.verdicts}


def led_there(folder: Path, listening: Listener, *, sentinels: bool) -> Rehearsal:
    """A campaign whose service redirects to the listener: items, and perhaps sentinels too."""
    there = f"{PLACE}:{listening.port}"
    running, faults = world_leading(folder / "w", there, sentinels=sentinels)
    with running as world:
        for fault in faults:
            world.faults.add(fault)
        return campaign(world, folder / "c")


def test_a_campaign_does_not_follow_redirects_to_a_private_address(
    tmp_path: Path, listening: Listener
) -> None:
    made = led_there(tmp_path, listening, sentinels=False)

    assert [] == listening.heard
    for line in ("proxy", "gateway"):
        assert states(made)[line, HOSTS[FaultKind.REDIRECT]] == (
            State.INSUFFICIENT,
            "private-redirect",
        )
    assert {State.INSUFFICIENT} == {state for state, _ in states(made).values()}


def test_a_redirect_to_the_private_server_of_the_sentinels_is_a_block(
    tmp_path: Path, listening: Listener
) -> None:
    made = led_there(tmp_path, listening, sentinels=True)

    assert [] == listening.heard
    for line in ("proxy", "gateway"):
        assert states(made)[line, HOSTS[FaultKind.REDIRECT]] == (
            State.BLOCKED,
            "private-redirect-learned",
        )


@pytest.mark.parametrize("how", ["sentinel", "declared"])
def test_a_private_block_page_is_visited_if_declared_or_shown_to_sentinels(
    tmp_path: Path, listening: Listener, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """PLACE plays a server at 10.0.0.1, which a test cannot have."""
    monkeypatch.setattr(
        address_guard,
        "reach_of",
        lambda host: Reach.PRIVATE if canonical(host) == PLACE else reach_of(host),
    )
    page: dict[str, Any] = {"name": "s"}
    if how == "declared":
        page["block_page"] = {"host": PLACE}
    running, faults = world_leading(
        tmp_path / "w", f"{PLACE}:{listening.port}", sentinels=how == "sentinel"
    )
    with running as world:
        for fault in faults:
            world.faults.add(fault)
        made = campaign(world, tmp_path / "c", service=page)

    for line in ("proxy", "gateway"):
        state, rule = states(made)[line, HOSTS[FaultKind.REDIRECT]]
        assert (State.BLOCKED, "private-redirect-learned") != (state, rule)
        assert state is State.BLOCKED
    journal = open_journal(made.journal)
    try:
        control = [one for one in journal.observations() if one.key.line == CONTROL]
    finally:
        journal.close()
    assert not any(PLACE in str(one.facts) for one in control)
    assert len(listening.heard) > 0
