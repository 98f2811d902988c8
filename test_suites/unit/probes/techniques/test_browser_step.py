"""The step ``browser``: what is shown is the answer, and without a browser nothing is tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.model.facts import TechniqueFacts
from harness.model.observation import Failure, Timings
from harness.ports.network import Origin, ProbeResult
from harness.ports.streams import ByteStream, Dialled, DialRequest
from probes.clients.browser_pool import BusyBrowserError
from probes.clients.browser_visit import ShownFrame, ShownPage, ShownResponse, VisitOptions
from probes.clients.chromium import NoBrowserError
from probes.kinds.techniques import Techniques
from probes.net.browser_relay import VisitConnections
from probes.net.route import Address
from probes.techniques import browser_step
from probes.techniques.steps import read_statement
from test_suites.unit.probes.techniques.conftest import HOST, attempt_of, facts_of

ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)
URL = f"http://{HOST}/script/json"


class Wire:
    """A line that hosts a browser; nothing is sent over it."""

    Options: Any = None
    carries = frozenset({"dial"})
    name, origin, authorities = "wire", ORIGIN, ()

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def fetch(self, request: Any) -> Any:
        raise NotImplementedError

    async def ask(self, question: Any) -> Any:
        raise NotImplementedError

    async def dial(self, request: DialRequest) -> Dialled[ByteStream]:
        raise NotImplementedError

    def at_close(self, end: Any) -> None:
        pass


@dataclass
class Program:
    """A browser that shows a page of the test; ``trouble`` is raised instead of a start."""

    shown: ShownPage
    results: dict[Address, Dialled[Any]] = field(default_factory=dict)
    trouble: Exception | None = None
    starts: asyncio.Event | None = None
    asked: list[VisitOptions] = field(default_factory=list)

    async def chromium(self) -> Program:
        if self.starts is not None:
            await self.starts.wait()
        if isinstance(self.trouble, NoBrowserError):
            raise self.trouble
        return self

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Program]:
        if self.trouble is not None:
            raise self.trouble
        yield self

    async def visit(
        self, _: object, connections: VisitConnections, options: VisitOptions
    ) -> ShownPage:
        connections.results |= self.results
        self.asked.append(options)
        return self.shown


def page(*frames: ShownFrame, body: bytes = b"") -> ShownPage:
    headers = (("content-encoding", "gzip"), ("etag", "x"))
    answer = ShownResponse(url=URL, status=200, headers=headers, body=body)
    return ShownPage(url=URL, responses=[answer], frames=list(frames))


async def tried(
    monkeypatch: pytest.MonkeyPatch, program: Program, *, patience: float = 60
) -> ProbeResult:
    async def found(_: object) -> Program:
        return program

    monkeypatch.setattr(browser_step, "browser_for", found)
    monkeypatch.setattr(browser_step, "visit_page", program.visit)
    monkeypatch.setattr(browser_step, "missing_browser", lambda: None)
    line: Any = Wire()
    attempt = attempt_of(ORIGIN, line, "browser http://{host}/script/json", patience=patience)
    return await Techniques().try_item(attempt, line)


def token() -> str:
    line: Any = Wire()
    marker = attempt_of(ORIGIN, line, "to").marker
    assert marker is not None
    return marker.token


async def test_what_the_page_shows_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(page(ShownFrame(text=f"Words {token()}", markup="<p>")))
    result = await tried(monkeypatch, program)

    assert facts_of(result).canary == "seen"
    (sent,) = facts_of(result).sent
    assert (sent.step, sent.to, sent.data) == ("browser", f"{HOST}:80", URL)
    (options,) = program.asked
    assert not options.takes_picture
    assert options.is_shown(program.shown.frames)
    assert not options.is_shown([ShownFrame(text="Wait")])


async def test_what_was_received_and_not_shown_is_no_success(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = Program(page(ShownFrame(text="Wait"), body=f"<p>{token()}".encode()))

    assert facts_of(await tried(monkeypatch, program)).canary == "absent"


async def test_a_page_that_nobody_sent_has_the_failure_of_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = Failure(name="connection_reset", stage="connect")
    dialled: Dialled[Any] = Dialled(timings=Timings(), failure=refused, peer="192.0.2.7")
    shown = ShownPage(url=URL, net_error="ERR_CONNECTION_RESET", failure=refused)
    program = Program(shown, results={Address(host=HOST, port=80): dialled})
    result = await tried(monkeypatch, program)

    assert (result.failure, facts_of(result).peer) == (refused, "192.0.2.7")
    assert facts_of(result).canary == "absent"


async def test_an_error_of_the_browser_is_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    result = await tried(
        monkeypatch, Program(ShownPage(url=URL, net_error="ERR_CERT_AUTHORITY_INVALID"))
    )

    assert result.failure is not None
    assert result.failure.name == "ssl_unknown_authority"


@pytest.mark.parametrize(
    "trouble", [NoBrowserError("Chromium did not start: x"), BusyBrowserError("4 pages are open")]
)
async def test_trouble_of_our_own_is_no_result(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    result = await tried(monkeypatch, Program(page(), trouble=trouble))

    if isinstance(trouble, NoBrowserError):
        assert (facts_of(result).obstacle, result.failure) == (str(trouble), None)
    else:
        assert result.failure is not None
        assert (result.failure.name, result.failure.detail) == ("instrument_overload", str(trouble))


async def test_a_start_that_takes_too_long_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(page(), starts=asyncio.Event())
    result = await tried(monkeypatch, program, patience=0.1)

    assert result.failure is not None
    assert result.failure.name == "instrument_overload"
    assert program.asked == []


async def test_without_a_browser_it_is_not_carried(monkeypatch: pytest.MonkeyPatch) -> None:
    told = ("Chromium is not installed", "install Chromium")
    monkeypatch.setattr(browser_step, "missing_browser", lambda: told)
    line: Any = Wire()
    attempt = attempt_of(ORIGIN, line, "browser http://{host}/")
    result = await Techniques().try_item(attempt, line)

    assert isinstance(result.facts, TechniqueFacts)
    assert result.facts.obstacle == "; ".join(told)


@pytest.mark.parametrize("text", ["", "ftp://{host}/", "{host}", "//{host}/"])
def test_a_url_begins_with_its_scheme(text: str) -> None:
    with pytest.raises(ValueError, match="begins with neither"):
        read_statement(f"browser {text}")
