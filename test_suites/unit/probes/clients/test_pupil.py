"""The pupil's client: a line as a browser uses it, and the icon after the page."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import DnsFacts, WebFacts
from harness.model.observation import AttemptKey, Failure, Timings
from harness.ports.network import Attempt, Exchange, Line, ProbeResult, Request
from probes.clients import pupil
from probes.clients.pupil import Pupil, icon_request
from probes.net.browser_profiles import PROFILES

KEY = AttemptKey(campaign="c", item="i", probe="web", line="a", profile="ks2")
ITEM = Item(id="i", value="a.example", labels=("DRUG",))
ATTEMPT = Attempt(key=KEY, item=ITEM, limits=Limits(), timeout=5.0)
PAGE = ProbeResult(timings=Timings(), facts=WebFacts(url="https://a.example/b/", status=200))
CUT = Failure(name="connection_reset", stage="response")


class Asked:
    """A line that remembers what was fetched."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def as_pupil(self, source: str) -> str:
        return f"a line from {source}"

    async def fetch(self, request: Request) -> Exchange:
        self.requests.append(request)
        return Exchange(timings=Timings(), failure=CUT)


class Answers:
    def __init__(self, sighting: ProbeResult) -> None:
        self.sighting = sighting

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        del attempt, line
        return self.sighting


async def visited(sighting: ProbeResult) -> list[str]:
    line = Asked()
    probe: Any = Answers(sighting)
    assert await Pupil().visit(ATTEMPT, probe, cast("Line", line)) is sighting
    return [request.url for request in line.requests]


async def test_the_icon_is_fetched_after_the_page() -> None:
    assert ["https://a.example/favicon.ico"] == await visited(PAGE)


@pytest.mark.parametrize(
    "sighting",
    [
        ProbeResult(timings=Timings(), facts=WebFacts(url="http://a.example/")),
        ProbeResult(timings=Timings(), facts=PAGE.facts, failure=CUT),
        ProbeResult(timings=Timings(), facts=DnsFacts(name="a.example", type="A", server="s")),
        ProbeResult(timings=Timings(), failure=CUT),
    ],
)
async def test_without_a_page_there_is_no_icon(sighting: ProbeResult) -> None:
    assert [] == await visited(sighting)


@pytest.mark.parametrize("number", range(len(PROFILES)))
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_icon_is_asked_for_as_an_image(number: int, scheme: str) -> None:
    attempt = Attempt(key=KEY, item=ITEM, limits=Limits(), timeout=5.0, browser=number)

    request = icon_request(f"{scheme}://a.example/page?x=1", attempt)
    sent = {name.lower(): value for name, value in request.headers}

    assert request.url == f"{scheme}://a.example/favicon.ico"
    assert sent["accept"].startswith("image/")
    assert sent["referer"] == f"{scheme}://a.example/page?x=1"
    assert "upgrade-insecure-requests" not in sent
    assert "cookie" not in sent
    assert scheme == "http" or sent["sec-fetch-dest"] == "image"
    assert sent["user-agent"] == dict(PROFILES[number].http)["User-Agent"]


def test_a_line_says_itself_how_a_pupil_uses_it() -> None:
    found: object = Pupil().line_for(cast("Line", Asked()), "192.0.2.1")

    assert found == "a line from 192.0.2.1"
    assert Pupil().line_for(cast("Line", object()), "") is None


def test_a_machine_that_cannot_browse_has_no_such_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pupil, "can_browse", lambda: False)

    assert Pupil().line_for(cast("Line", Asked()), "") is None
