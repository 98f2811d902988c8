"""The simulated line plays a service without sockets, the same at every run."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.marker import nonce_for
from harness.model.observation import AttemptKey
from harness.plugins import LINES
from harness.ports.network import Exchange, Origin, Question, Request
from probes.lines.simulated import Simulated, SimulatedOptions, code_of

ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)
GAMBLING = "gamb-001.canary.accredit.test"
NUDITY = "porn-nude-017.canary.accredit.test"
TWIN = "gamb-001.twin.accredit.test"
SENTINEL = "copper-meadow.accredit.test"
NONCE = nonce_for(
    ORIGIN.key, AttemptKey(campaign="c", item="i", probe="web", line="l", profile="ks2")
)


def line(**options: Any) -> Simulated:
    return Simulated("simulated", SimulatedOptions(**options), ORIGIN, Limits())


async def fetch(simulated: Simulated, host: str) -> Exchange:
    return await simulated.fetch(
        Request(url=f"http://{host}/", headers=(("Cookie", f"sid={NONCE}"),))
    )


def test_a_category_is_read_from_the_name() -> None:
    assert code_of(NUDITY) == "PORN.NUDE"
    assert code_of("loc-p2p-001.canary.accredit.test") == "LOC.P2P"
    assert code_of(TWIN) == ""
    assert code_of("www.example.org") == ""


async def test_blocking_by_category_leaves_the_rest_alone() -> None:
    async with line(block=("PORN", "GAMB")) as simulated:
        for host in (GAMBLING, NUDITY, SENTINEL, "sentinel-block.canary.accredit.test"):
            exchange = await fetch(simulated, host)
            assert (exchange.status, b"blocked" in exchange.body) == (403, True)
        for host in (TWIN, "drug-001.canary.accredit.test", "amber-lantern.accredit.test"):
            exchange = await fetch(simulated, host)
            assert exchange.status == 200
            assert ORIGIN.token(host, NONCE).encode() in exchange.body


async def test_without_options_it_plays_a_control() -> None:
    for host in (GAMBLING, SENTINEL):
        exchange = await fetch(line(), host)
        assert exchange.status == 200
        assert (await line().ask(Question(name=host))).facts.addresses


async def test_its_faults() -> None:
    simulated = line(
        block=("GAMB",),
        miss=(GAMBLING,),
        overblock=(TWIN,),
        silent=("slow.accredit.test",),
        dead=("dead.accredit.test",),
    )

    assert (await fetch(simulated, GAMBLING)).status == 200
    assert (await fetch(simulated, TWIN)).status == 403
    silent = await fetch(simulated, "slow.accredit.test")
    assert silent.failure is not None
    assert silent.failure.name == "generic_timeout_error"
    assert silent.timings.total == 5.0
    dead = await fetch(simulated, "dead.accredit.test")
    assert dead.failure is not None
    assert dead.failure.name == "connection_refused"


@pytest.mark.parametrize(
    ("style", "status", "failure"),
    [
        ("200", 200, None),
        ("451", 451, None),
        ("reset", None, "connection_reset"),
        ("eof", None, "eof_error"),
        ("silent", None, "generic_timeout_error"),
    ],
)
async def test_styles_of_blocking(style: str, status: int | None, failure: str | None) -> None:
    exchange = await fetch(line(block=("GAMB",), style=style), GAMBLING)

    assert exchange.status == status
    assert (exchange.failure.name if exchange.failure else None) == failure


@pytest.mark.parametrize(
    ("style", "rcode", "addresses"),
    [
        ("nxdomain", "NXDOMAIN", ()),
        ("refused", "REFUSED", ()),
        ("nodata", "NOERROR", ()),
        ("sinkhole", "NOERROR", ("0.0.0.0",)),
        ("silent", "", ()),
    ],
)
async def test_styles_of_answering(style: str, rcode: str, addresses: tuple[str, ...]) -> None:
    answer = await line(block=("GAMB",), dns_style=style).ask(Question(name=GAMBLING))

    assert (answer.facts.rcode, answer.facts.addresses) == (rcode, addresses)
    assert (answer.failure is not None) == (style == "silent")


async def test_a_filter_that_stops_working_half_way() -> None:
    simulated = line(block=("GAMB",), works_for=2)

    assert [(await fetch(simulated, GAMBLING)).status for _ in range(4)] == [403, 403, 200, 200]


async def test_a_captive_portal_says_one_thing_to_everybody() -> None:
    simulated = line(captive=True)
    first, second = await fetch(simulated, GAMBLING), await fetch(simulated, TWIN)

    assert first.status == 200
    assert first.body == second.body


def test_it_is_found_by_name() -> None:
    assert LINES.find("simulated") is Simulated
