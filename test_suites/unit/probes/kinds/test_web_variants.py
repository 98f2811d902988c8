"""A variant is asked for at its own host, and its own token alone proves it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import WebFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Timings
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Origin, Request
from probes.kinds.web import Web, WebApex, WebHttpsApex, WebHttpsWww, WebWww

HOST = "gamb-001.canary.accredit.test"
ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


class Echo:
    """A line on which each host shows the token that it was asked for, or that of ``instead``."""

    origin = ORIGIN

    def __init__(self, instead: str = "") -> None:
        self.instead = instead
        self.urls: list[str] = []

    async def fetch(self, request: Request) -> Exchange:
        self.urls.append(request.url)
        host = self.instead or request.url.split("/")[2]
        token = ORIGIN.token(host, ORIGIN.nonce_in(value for _, value in request.headers))
        return Exchange(timings=Timings(total=0.1), status=200, body=token.encode())


def attempt(host: str, registrable: str = "") -> Attempt:
    item = Item(id="a", value=host, labels=("GAMB",), registrable=registrable)
    key = AttemptKey(campaign="c", item="a", probe="web", line="proxy", profile="ks2")
    marker = mark(ORIGIN.key, key, host)
    return Attempt(key=key, item=item, limits=Limits(), timeout=2.0, marker=marker)


async def canary(probe: Any, this: Attempt, line: Any) -> str:
    seen = (await probe().try_item(this, line)).facts
    assert isinstance(seen, WebFacts)
    return seen.canary


@pytest.mark.parametrize(
    ("probe", "host", "asked"),
    [
        (WebWww, HOST, f"http://www.{HOST}/"),
        (WebHttpsWww, HOST, f"https://www.{HOST}/"),
        (WebApex, f"www.{HOST}", f"http://{HOST}/"),
        (WebHttpsApex, f"www.{HOST}", f"https://{HOST}/"),
    ],
)
async def test_a_variant_is_asked_for_its_own_token(probe: Any, host: str, asked: str) -> None:
    this, line = attempt(host, HOST), Echo()

    assert probe().fits(this.item)
    assert "seen" == await canary(probe, this, line)
    assert [asked] == line.urls
    assert "absent" == await canary(probe, this, Echo(instead=host))


async def test_a_sentinel_without_the_variant_is_tried_as_it_is() -> None:
    this, line = attempt(HOST), Echo()

    assert not WebWww().fits(this.item)
    assert Web().fits(this.item)
    assert "seen" == await canary(WebWww, this, line)
    assert [f"http://{HOST}/"] == line.urls


@pytest.mark.parametrize("name", ["web_www", "web_apex", "web_https_www", "web_https_apex"])
def test_each_is_found_by_name(name: str) -> None:
    assert PROBES.find(name)().declares.needs == "fetch"
