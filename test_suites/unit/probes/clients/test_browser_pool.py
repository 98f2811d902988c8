"""Lines that trust the same authorities share a browser, which ends with the last of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from probes.clients import browser_pool
from probes.clients.browser_pool import MOST_PAGES, BusyBrowserError, browser_for
from probes.clients.chromium import NoBrowserError


class Program:
    """A browser that only says whether it runs."""

    started: list[Program]

    def __init__(self, authorities: str) -> None:
        self.authorities, self.is_running = authorities, False

    async def __aenter__(self) -> Program:
        self.is_running = True
        self.started.append(self)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.is_running = False


class Wire:
    """A line that only keeps what is to be ended with it."""

    def __init__(self, *authorities: Path) -> None:
        self.name, self.authorities = "wire", tuple(map(str, authorities))
        self.ends: list[Callable[[], Awaitable[None]]] = []

    def at_close(self, end: Callable[[], Awaitable[None]]) -> None:
        self.ends.append(end)

    async def close(self) -> None:
        for end in self.ends:
            await end()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[Program]:
    Program.started = []
    monkeypatch.setattr(browser_pool, "Chromium", Program)
    return Program.started


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., Any]:
    """Makes a line that trusts authorities with these texts."""

    def make(*texts: str) -> Any:
        files = [tmp_path / text for text in texts]
        for file in files:
            file.write_text(file.name)
        return Wire(*files)

    return make


async def test_a_browser_is_for_all_lines_that_trust_the_same(
    given: Any, started: list[Program]
) -> None:
    first, second, managed = given("origin"), given("origin"), given("origin", "supplier")
    browsers = [await browser_for(line) for line in (first, second, first, managed)]

    assert browsers[0] is browsers[1] is browsers[2]
    programs: Any = await asyncio.gather(*(each.chromium() for each in browsers))
    assert len(started) == 2
    assert [each.authorities for each in programs[2:]] == ["origin", "origin\nsupplier"]
    assert [len(line.ends) for line in (first, second, managed)] == [1, 1, 1]


async def test_it_ends_with_the_last_of_its_lines(given: Any, started: list[Program]) -> None:
    first, second = given("origin"), given("origin")
    browser = await browser_for(first)
    assert await browser_for(second) is browser
    await browser.chromium()

    await first.close()
    assert [True] == [each.is_running for each in started]
    await second.close()
    assert [False] == [each.is_running for each in started]
    assert await browser_for(given("origin")) is not browser


async def test_a_browser_that_ended_by_itself_is_started_again(
    given: Any, started: list[Program]
) -> None:
    browser = await browser_for(given("origin"))
    first: Any = await browser.chromium()
    first.is_running = False

    second: Any = await browser.chromium()

    assert started == [first, second]
    assert second.is_running


async def test_a_visit_waits_for_its_turn_and_then_gives_up(
    given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await browser_for(given("origin"))
    inside, leave = asyncio.Semaphore(0), asyncio.Event()

    async def hold() -> None:
        async with browser.turn():
            inside.release()
            await leave.wait()

    held = [asyncio.create_task(hold()) for _ in range(MOST_PAGES)]
    for _ in held:
        await inside.acquire()
    monkeypatch.setattr(browser_pool, "PATIENCE_FOR_TURN", 0.0)
    with pytest.raises(BusyBrowserError):
        async with browser.turn():
            pass
    leave.set()
    await asyncio.gather(*held)
    async with browser.turn():
        pass


async def test_an_authority_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    line: Any = Wire(tmp_path / "gone.pem")

    with pytest.raises(NoBrowserError, match=r"'wire' cannot be read: .*gone\.pem"):
        await browser_for(line)
