"""A hub's web application on loopback, for tests: a session's secret is the name of its viewer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from fastapi import APIRouter
from starlette.types import ASGIApp

from harness.fleet.messages import NotAnswered
from harness.fleet.signed_time import TimeAnswer, TimeQuestion
from harness.model.hub_access import Role, Viewer
from harness.store.hub.repository import Repository
from harness.store.registry.streams import Registry
from reports.dashboard.access import COOKIE, SignedIn
from reports.dashboard.agent_api import RequestLine
from reports.dashboard.app import HubParts, hub_app
from test_suites.kit.networks.served_in_thread import served_in_thread

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CSRF = "csrf-of-the-test"


class NoAgents:
    """A hub that answers no agent."""

    most_body = 1024

    def answer_time(self, question: TimeQuestion) -> TimeAnswer:
        """Never."""
        raise NotAnswered("unknown", str(question))

    def answer(self, body: bytes) -> bytes:
        """Never."""
        raise NotAnswered("unknown", str(len(body)))

    def is_ready(self) -> bool:
        """Always."""
        return True


class NamedViewers:
    """Sessions and tokens of viewers: the secret is the viewer's name in ``viewers``."""

    def __init__(self, viewers: Mapping[str, Viewer]) -> None:
        self.viewers = viewers

    def by_session(self, secret: str) -> SignedIn | None:
        """The viewer of that name."""
        viewer = self.viewers.get(secret)
        return SignedIn(viewer, CSRF, secret) if viewer else None

    def by_token(self, token: str) -> Viewer | None:
        """The viewer of that name."""
        return self.viewers.get(token)


def viewers_of(streams: frozenset[str], sites: frozenset[str]) -> dict[str, Viewer]:
    """A viewer of each role, by the role's name; suppliers see ``streams``, schools ``sites``."""
    found = {}
    for role in Role:
        is_bound = role in {Role.SUPPLIER, Role.SCHOOL}
        if role is not Role.PUBLIC:
            found[role.value] = Viewer(
                role=role,
                person=f"id-{role}",
                name="Ama Owusu",
                streams=streams if is_bound else None,
                sites=sites if role is Role.SCHOOL else frozenset(),
            )
    return found


def app_of(
    registry: Registry,
    routes: tuple[APIRouter, ...],
    viewers: Mapping[str, Viewer],
    lines: list[RequestLine] | None = None,
    rows_of: datetime | None = NOW,
    now: Callable[[], datetime] = lambda: NOW,
) -> ASGIApp:
    """The application with these pages; ``lines`` takes the lines of its log."""
    return hub_app(
        HubParts(
            agents=NoAgents(),
            repository=Repository(registry),
            access=NamedViewers(viewers),
            log=(lines if lines is not None else []).append,
            now=now,
            rows_of=lambda _: now() if rows_of == NOW else rows_of,
            routes=routes,
        )
    )


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """Serve an application on loopback in a thread; its address without a slash at the end."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        served_in_thread(_serving(app, listener)),
    ):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@asynccontextmanager
async def _serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[None]:
    settings = uvicorn.Config(
        app, http="h11", ws="none", loop="asyncio", lifespan="off", log_config=None,
        access_log=False, timeout_keep_alive=1, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server._serve([listener]))  # without handlers of signals
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class Asker:
    """Asks an application without a network; redirects are not followed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def get(
        self,
        path: str,
        role: str = "",
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Ask for a path as somebody of that role."""
        return self.send("GET", path, role, params=params, headers=headers)

    def send(self, method: str, path: str, role: str = "", **options: Any) -> httpx.Response:
        """Send a request as somebody of that role."""
        cookies = {COOKIE: role} if role else {}
        return asyncio.run(self._send(method, path, cookies, options))

    async def _send(
        self, method: str, path: str, cookies: dict[str, str], options: dict[str, Any]
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://hub.test", cookies=cookies
        ) as client:
            return await client.request(method, path, **options)
