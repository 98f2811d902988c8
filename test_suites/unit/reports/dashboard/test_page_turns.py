"""Few pages are made at once, in the order in which they were asked for; a slow one stops none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.model.hub_access import Viewer
from reports.dashboard.access import SignedIn
from reports.dashboard.page_turns import AT_ONCE, PageTurns
from reports.dashboard.viewer_guard import ViewerGuard

LONG, PATIENCE = 3600.0, 0.001
HERE = "http.response.start"


class NoAccess:
    """Knows no session and no token."""

    def by_session(self, _: str) -> SignedIn | None:
        return None

    def by_token(self, _: str) -> Viewer | None:
        return None


async def _until(condition: Callable[[], bool]) -> None:
    """Let other tasks, and threads, go on until something is true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what happens in threads sets no event
            await asyncio.sleep(0)


async def _idle() -> None:
    """Let all other tasks of the loop go as far as they can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_pages_are_made_in_the_order_in_which_they_were_asked_for() -> None:
    turns = PageTurns(2, LONG)
    begun: list[int] = []
    ends = [asyncio.Event() for _ in range(5)]

    async def make(number: int) -> None:
        turn = await turns.take()
        begun.append(number)
        await ends[number].wait()
        turn.give_back()

    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(make(number))
        await _idle()
        assert [0, 1] == begun
        ends[1].set()
        await _until(lambda: len(begun) > 2)
        assert [0, 1, 2] == begun
        for end in ends:
            end.set()
    assert [0, 1, 2, 3, 4] == begun


async def test_a_turn_that_is_given_back_twice_counts_once() -> None:
    turns = PageTurns(1, LONG)
    turn = await turns.take()
    turn.give_back()
    turn.give_back()
    await turns.take()
    other = asyncio.create_task(turns.take())
    await _idle()
    assert not other.done()
    other.cancel()


async def test_who_waited_long_goes_on_and_takes_no_place() -> None:
    turns = PageTurns(1, PATIENCE)
    held = await turns.take()
    late = await turns.take()
    late.give_back()
    held.give_back()
    await turns.take()
    assert turns._turns.locked()


async def test_who_no_longer_waits_leaves_its_place() -> None:
    turns = PageTurns(1, LONG)
    held = await turns.take()
    gone = asyncio.create_task(turns.take())
    waiting = asyncio.create_task(turns.take())
    await _idle()
    gone.cancel()
    held.give_back()
    (await waiting).give_back()


class Pages:
    """An application whose pages begin and end when a test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begin, self.end = asyncio.Event(), asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        await self.begin.wait()
        if self.error is not None:
            raise self.error
        await send({"type": HERE, "status": 200, "headers": []})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b""})


class Asked:
    """Requests to a guard: what is sent back is in ``answers``."""

    def __init__(self, app: ASGIApp) -> None:
        self._guard = ViewerGuard(app, NoAccess(), {}, is_secure=False)
        self._guard._turns = PageTurns(AT_ONCE, LONG)
        self.answers: list[Message] = []

    async def get(self, path: str, method: str = "GET") -> None:
        scope: Scope = {
            "type": "http", "method": method, "path": path, "headers": [], "query_string": b"",
        }  # fmt: skip

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            self.answers.append(message)

        await self._guard(scope, receive, send)

    def begun(self) -> int:
        return sum(each["type"] == HERE for each in self.answers)


@pytest.fixture
def pages() -> Pages:
    return Pages()


@pytest.fixture
def asked(pages: Pages) -> Asked:
    return Asked(pages)


async def test_a_page_waits_until_an_earlier_answer_begins(pages: Pages, asked: Asked) -> None:
    """Not until it ends: a client that downloads a page slowly does not delay the next one."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(AT_ONCE + 1):
            tasks.create_task(asked.get(f"/{number}"))
        await _until(lambda: len(pages.asked) == AT_ONCE)
        await _idle()
        assert ["/0", "/1"] == sorted(pages.asked)
        pages.begin.set()
        await _until(lambda: asked.begun() == AT_ONCE + 1)
        assert f"/{AT_ONCE}" == pages.asked[-1]
        pages.end.set()


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/agent/v1/messages", "POST"), ("/api/v1/uploads", "POST"), ("/health/ready", "GET"),
        ("/static/hub.css", "GET"),
        ("/sign-in/oidc/back", "GET"), ("/api/v1/exports/items.parquet", "GET"),
    ],
)  # fmt: skip
async def test_what_makes_no_page_waits_for_none(
    pages: Pages, asked: Asked, path: str, method: str
) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(AT_ONCE):
            tasks.create_task(asked.get(f"/{number}"))
        await _until(lambda: len(pages.asked) == AT_ONCE)
        tasks.create_task(asked.get(path, method))
        await _until(lambda: path in pages.asked)
        pages.begin.set()
        pages.end.set()


async def test_an_error_gives_the_turn_back(pages: Pages, asked: Asked) -> None:
    pages.error = RuntimeError("broken")
    pages.begin.set()
    for number in range(AT_ONCE + 1):
        await asked.get(f"/api/v1/{number}")
    assert [500] * (AT_ONCE + 1) == [each["status"] for each in asked.answers if "status" in each]


async def test_who_goes_away_gives_the_turn_back(pages: Pages, asked: Asked) -> None:
    going = [asyncio.create_task(asked.get(f"/{number}")) for number in range(AT_ONCE)]
    await _until(lambda: len(pages.asked) == AT_ONCE)
    for each in going:
        each.cancel()
    await asyncio.wait(going)
    pages.begin.set()
    pages.end.set()
    await asked.get("/next")
    assert 1 == asked.begun()
