"""Protocols beside the web: URL-16 met, broken and not tried."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from corpora.protocol_hosts import PROTOCOL_PACK, protocol_hosts
from harness.estimate.protocols import UNDECLARED_PROTOCOLS
from harness.model.marker import protocol_proof
from harness.model.outcome import Conformity, Outcome
from harness.model.protocol_case import NAMED_PROTOCOLS, NEVER_BLOCKED, PROTOCOLS, ProtocolName
from harness.model.verdict import State
from probes.range import protocol_server
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.protocol_server import SPEAKERS
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import PATIENT, pack_campaign
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse

PAGES = protocol_hosts("protocols", of_protocol=2)
CHAT, SHARING = "LOC.CHAT", "LOC.P2P"
CODES: dict[ProtocolName, str] = {"xmpp": CHAT, "irc": CHAT, "bittorrent": SHARING}
EVERY_BLOCK = dict.fromkeys(PROTOCOLS, "block")
PUPILS = {**EVERY_BLOCK, "mqtt": "out_of_scope"}
STAFF = {**dict.fromkeys(PROTOCOLS, "allow"), "bittorrent": "block", "mqtt": "out_of_scope"}
GROUPS: dict[str, Any] = {
    "pupils": {"phase": "ks2", "protocols": PUPILS},
    "staff": {"phase": "staff", "protocols": STAFF},
}
SCHEME = """\
id: our-school
version: "1.0"
title: What may be spoken beside the web
policy: uk-schools-2026
requirements: [{id: URL-16}]
"""
Try = Callable[..., Rehearsal]


def hosts(name: str) -> frozenset[str]:
    stratum = f"CTRL/protocol:{name}"
    return frozenset(row["value"] for row in PAGES.rows if row["stratum"] == stratum)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
    """A filter that blocks chat for pupils, and file sharing for pupils and staff."""
    policy = FilterPolicy(
        categories=dict.fromkeys(hosts("app"), CHAT),
        blocks=lambda code, profile: code == SHARING or (code == CHAT and profile == "pupils"),
        port_codes={PROTOCOLS[name].port: code for name, code in CODES.items()},
    )
    options: dict[str, Any] = {"contents": PAGES.contents, "texts": PAGES.texts}
    folder = tmp_path_factory.mktemp("world")
    with RangeTestbed.running(
        folder, policy=policy, profiles=("pupils", "staff"), **options
    ) as world:
        yield world


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of protocols through the proxies of some groups."""

    def run(
        *faults: Fault, groups: dict[str, Any] = GROUPS, items: list[str] | None = None
    ) -> Rehearsal:
        for fault in faults:
            world.faults.add(fault)
        proxies = world.origin.services["reference"]["proxy"]
        line = {
            "name": "proxy",
            "type": "explicit_proxy",
            "options": {"proxy": proxies["pupils"], "authority": world.origin.authority},
            "by_profile": {name: {"proxy": proxies[name]} for name in groups},
        }
        chosen = [{"pack": "./pages", "items": items or []}]
        return rehearse(
            pack_campaign(
                tmp_path, world, PROTOCOL_PACK, PAGES, SCHEME, lines=[line], profiles=groups,
                corpora=chosen, probes=["protocols", "web"], limits=PATIENT | {"timeout": 5},
            )
        )  # fmt: skip

    yield run
    world.faults.clear()


def outcome(run: Rehearsal, profile: str = "pupils") -> Outcome:
    return next(one for one in run.assessment.outcomes if one.profile == profile)


def test_protocols_that_are_handled_as_declared_conform(tried: Try, world: RangeTestbed) -> None:
    run = tried()

    for profile in GROUPS:
        found = outcome(run, profile)
        assert found.conformity is Conformity.CONFORMS, found.reasons
        assert (found.metric.k, found.metric.n) == (0, len(PROTOCOLS))
    assert {one.group for one in outcome(run).metric.parts} == {
        NAMED_PROTOCOLS[f"protocol:{name}"]
        + (" (declared out of scope)" if PUPILS[name] == "out_of_scope" else "")
        for name in PROTOCOLS
    }
    states = {
        (one.key.profile, one.item.stratum.rpartition(":")[2]): one.state
        for one in run.verdicts
        if one.key.probe == "protocols"
    }
    assert {name for (profile, name), state in states.items() if state is State.BLOCKED} == {
        "xmpp", "irc", "bittorrent", "app",
    }  # fmt: skip
    assert states["staff", "app"] is states["pupils", "mqtt"] is State.ALLOWED
    assert not [one for one in run.verdicts if one.key.probe == "web"]
    spoken = {one.method for one in world.log.arrivals() if one.over == "tcp" and one.nonce}
    assert spoken == {*SPEAKERS}
    forms = {(one.form, one.profile): one for one in run.assessment.forms}
    assert forms["protocol:irc", "pupils"].blocked == forms["protocol:irc", "staff"].arrived == 2


def test_a_protocol_that_is_open_although_it_is_blocked_does_not_conform(tried: Try) -> None:
    run = tried(Fault(kind=FaultKind.UNREAD, hosts=hosts("irc")))

    assert outcome(run).conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run).metric.value == 1
    assert outcome(run, "staff").conformity is Conformity.CONFORMS


def test_a_protocol_that_is_blocked_although_it_is_allowed_does_not_conform(tried: Try) -> None:
    run = tried(Fault(kind=FaultKind.PAGE_403, hosts=hosts("xmpp")))

    assert outcome(run, "staff").conformity is Conformity.DOES_NOT_CONFORM
    assert outcome(run).conformity is Conformity.CONFORMS


ALL_OPEN = {
    name: {"phase": phase, "protocols": dict.fromkeys(PROTOCOLS, "allow")}
    for name, phase in (("pupils", "ks2"), ("staff", "staff"))
}
ONLY_MQTT = {"pupils": {"phase": "ks2", "protocols": {"mqtt": "out_of_scope"}}}
WITHOUT_IRC = [row["id"] for row in PAGES.rows if "irc" not in row["stratum"]]


@pytest.mark.parametrize(
    ("changes", "decided", "reason"),
    [
        ({"groups": ONLY_MQTT}, 1, ""),
        ({"groups": {"pupils": {"phase": "ks2"}}}, 0, UNDECLARED_PROTOCOLS),
        ({"items": WITHOUT_IRC}, len(PROTOCOLS) - 1, ""),
    ],
    ids=["one declared", "none declared", "one not tried"],
)
def test_what_is_not_declared_or_not_tried_decides_nothing(
    tried: Try, changes: dict[str, Any], decided: int, reason: str
) -> None:
    found = outcome(tried(**changes))

    assert found.conformity is Conformity.INSUFFICIENT
    assert (found.metric.k, found.metric.n) == (0, decided)
    assert reason in " ".join(found.reasons)


def test_a_service_that_allows_everything_shows_no_control(tried: Try) -> None:
    """Whatever gets through is as declared, but nothing shows that it can be blocked."""
    run = tried(
        Fault(kind=FaultKind.OFF, hosts=frozenset().union(*map(hosts, PROTOCOLS))), groups=ALL_OPEN
    )

    for profile in ALL_OPEN:
        assert outcome(run, profile).conformity is Conformity.INSUFFICIENT
        assert outcome(run, profile).metric.n == 0
        assert NEVER_BLOCKED in outcome(run, profile).metric.parts[0].group


def test_an_answer_that_the_origin_did_not_make_is_no_arrival_and_no_block(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that answers in the origin's place cannot make the proof."""
    count = iter(range(1000))
    monkeypatch.setattr(
        protocol_server,
        "protocol_proof",
        # The control is asked first; what it gets is right.
        lambda key, name, nonce: protocol_proof(
            key, name, nonce if next(count) % 2 == 0 else nonce[::-1]
        ),
    )
    groups = {"staff": GROUPS["staff"]}
    irc = [row["id"] for row in PAGES.rows if "irc" in row["stratum"]][:1]
    run = tried(groups=groups, items=irc)

    assert State.ALLOWED not in {one.state for one in run.verdicts}
    assert State.BLOCKED not in {one.state for one in run.verdicts}
    assert outcome(run, "staff").conformity is Conformity.INSUFFICIENT


class Gateway(asyncio.Protocol):
    """Answers whatever comes with some bytes, and closes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        del data
        self._transport.write(self._answer)
        self._transport.close()


NOTICE = b"<html><title>Blocked</title><h1>Access denied by the school's web filter</h1></html>"
ANSWERS = {
    "xmpp": b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n" + NOTICE,
    "irc": b"",
    "bittorrent": b"\x13BitTorrent protocol" + bytes(48),
}


@pytest.fixture
def gateway(world: RangeTestbed) -> Iterator[dict[int, int]]:
    """A gateway that answers instead of the origin; its ports by the usual ones."""
    loop = asyncio.new_event_loop()
    servers = [
        loop.run_until_complete(
            loop.create_server(functools.partial(Gateway, answer), "127.0.0.1", 0)
        )
        for answer in ANSWERS.values()
    ]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ports = [one.sockets[0].getsockname()[1] for one in servers]
    usual = (PROTOCOLS[name].port for name in ("xmpp", "irc", "bittorrent"))
    yield world.origin.ports | dict(zip(usual, ports, strict=True))
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for one in servers:
        one.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_a_notice_and_a_closed_connection_are_blocks_and_other_bytes_are_none(
    world: RangeTestbed, gateway: dict[int, int], tmp_path: Path
) -> None:
    resolver = world.origin.services["reference"]["resolver"]["pupils"]
    options = {"server": resolver, "ports": gateway}
    groups = {"pupils": {"phase": "ks2", "protocols": EVERY_BLOCK}}
    items = [row["id"] for row in PAGES.rows if row["id"].endswith("-1")]
    run = rehearse(
        pack_campaign(
            tmp_path, world, PROTOCOL_PACK, PAGES, SCHEME, profiles=groups,
            lines=[{"name": "wired", "type": "resolver", "options": options}],
            corpora=[{"pack": "./pages", "items": items}], probes=["protocols"],
        )
    )  # fmt: skip

    states = {one.item.stratum.rpartition(":")[2]: one.state for one in run.verdicts}
    assert states == {
        "xmpp": State.BLOCKED,
        "irc": State.BLOCKED,
        "bittorrent": State.INSUFFICIENT,
        "mqtt": State.ALLOWED,
        "app": State.BLOCKED,  # by the name server
    }
