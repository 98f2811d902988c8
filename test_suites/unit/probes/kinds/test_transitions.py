"""A page is asked for by an address that embeds the origin's; its own token alone proves it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Timings
from harness.model.origin_zone import OriginZone
from harness.ports.network import Attempt, Exchange, Origin, Request, fits
from probes.kinds.transitions import WebTransitions

HOST = "drug-101.canary.accredit.test"
CODED = "mrzhkzzngeydcltdmfxgc4tzfzqwgy3smvsgs5boorsxg5a"
PUBLIC = OriginZone(zone="accredit.test", addresses=("2001:db8::1", "192.0.2.1"))
ORIGIN = Origin(
    zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16, zones=(PUBLIC,),
    address="2001:db8::1", nat64_prefix="2001:db8:64::/96",
)  # fmt: skip


class Echo:
    """A line on which every page shows the token of one host."""

    def __init__(self, origin: Origin | None = ORIGIN, shows: str = HOST) -> None:
        self.origin, self.shows = origin, shows
        self.urls: list[str] = []

    async def fetch(self, request: Request) -> Exchange:
        self.urls.append(request.url)
        token = ORIGIN.token(self.shows, ORIGIN.nonce_in(value for _, value in request.headers))
        return Exchange(timings=Timings(total=0.1), status=200, body=token.encode())


def attempt(case: str, host: str = HOST) -> Attempt:
    stratum = f"DRUG/{case}" if case else ""
    item = Item(
        id="a", value=f"http://{host}/", kind="url", labels=("DRUG",), stratum=stratum,
        applies_to="content",
    )  # fmt: skip
    key = AttemptKey(campaign="c", item="a", probe="web_transitions", line="l", profile="ks2")
    marker = mark(ORIGIN.key, key, host)
    return Attempt(key=key, item=item, limits=Limits(), timeout=2.0, marker=marker)


async def tried(case: str, line: Any) -> WebFacts:
    facts = (await WebTransitions().try_item(attempt(case), line)).facts
    assert isinstance(facts, WebFacts)
    return facts


@pytest.mark.parametrize(
    ("case", "literal"),
    [
        ("transition:nat64", "64:ff9b::c000:201"),
        ("transition:nat64-own", "2001:db8:64::c000:201"),
        ("transition:6to4", "2002:c000:201::1"),
        ("transition:teredo", "2001:0:c000:201:0:f227:3fff:fdfe"),
    ],
)
async def test_a_page_is_asked_for_by_its_mechanism_alone(case: str, literal: str) -> None:
    line = Echo()
    facts = await tried(case, line)

    assert line.urls == [f"http://[{literal}]/at/{CODED}"]
    assert facts.canary == "seen"
    assert (await tried(case, Echo(shows="drug-102.canary.accredit.test"))).canary == "absent"


async def test_a_sentinel_is_asked_for_by_its_name() -> None:
    line = Echo()
    await tried("", line)

    assert line.urls == [f"http://{HOST}/"]
    assert WebTransitions().address(attempt("").item) == f"http://{HOST}/"
    assert WebTransitions().address(attempt("transition:6to4").item) == ""


def test_only_items_that_name_a_mechanism_are_tried() -> None:
    probe = WebTransitions()

    assert fits(probe, attempt("transition:6to4").item)
    assert not fits(probe, attempt("address:http").item)
    assert not fits(probe, attempt("").item)


@pytest.mark.parametrize(
    "origin",
    [None, replace(ORIGIN, zones=(OriginZone(zone="accredit.test", addresses=("2001:db8::1",)),))],
)
async def test_without_an_ipv4_address_nothing_is_asked_for(origin: Origin | None) -> None:
    line = Echo(origin)
    result = await WebTransitions().try_item(attempt("transition:nat64"), line)  # type: ignore[arg-type]

    assert result.failure is not None
    assert result.failure.is_instrument
    assert line.urls == []
