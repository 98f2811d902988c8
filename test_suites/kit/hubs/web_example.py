"""A hub with people and its web application, for tests at the HTTP surface."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from fastapi import APIRouter, FastAPI

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for another HTTP library, which nobody here has
    from starlette.testclient import TestClient

from harness.cli.hub_web import account_parts, web_parts
from harness.model.access_event import AccessEvent
from harness.model.hub_access import Role
from harness.model.stream import OWNER, stream_of
from harness.store.hub.people import Membership, Person, membership
from harness.store.registry.streams import Registry
from reports.dashboard.account_parts import AccountParts
from reports.dashboard.agent_api import RequestLine
from reports.dashboard.app import hub_app
from test_suites.kit.hubs.hub_example import HILL, HubExample, work_of

URL = "https://hub.example.org"
PASSWORD = "nine old trams at noon"
ACME, BETA = stream_of("Acme"), stream_of("Beta")
CSRF = re.compile(r'name="csrf" value="([^"]*)"')
SESSION_COOKIE = "__Host-accredit_session"

HOLDS: dict[Role, Membership] = {
    Role.ADMINISTRATOR: membership("administrator"),
    Role.SCHEME_OWNER: membership("scheme-owner"),
    Role.ASSESSOR: membership("assessor"),
    Role.DECISION_MAKER: membership("decision-maker"),
    Role.SUPPLIER: membership("supplier", [ACME]),
    Role.SCHOOL: membership("school", sites=[HILL]),
}


@dataclass
class WebExample:
    """A hub that answers ``browser()``; ``lines`` are what it logged."""

    hub: HubExample
    is_secure: bool = True
    routes: APIRouter | None = None
    lines: list[RequestLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        assert self.hub.opened is not None
        self.registry: Registry = self.hub.opened.registry
        self.accounts: AccountParts = account_parts(
            self.hub.opened, self.hub.clock, is_secure=self.is_secure
        )
        work = work_of(self.hub.opened, self.hub.clock)
        clock, log = self.hub.clock, self.lines.append
        parts = web_parts(self.hub.opened, work, clock, log, is_secure=self.is_secure)
        if self.routes is not None:
            parts = replace(parts, routes=(*parts.routes, self.routes))
        self.app = hub_app(parts)

    @property
    def fastapi(self) -> FastAPI:
        """The application below its middleware."""
        app: Any = self.app
        while not isinstance(app, FastAPI):
            app = app._app
        return app

    def add(self, role: Role = Role.ASSESSOR, email: str = "", name: str = "") -> Person:
        """Add a person with the password ``PASSWORD``."""
        return self.accounts.accounts.add(
            email or f"{role.value}@example.org", name or f"Person {role.value}", HOLDS[role],
            password=PASSWORD, actor="the test",
        )  # fmt: skip

    def browser(self, address: str = "192.0.2.1") -> Browser:
        """A browser without cookies."""
        client = TestClient(
            self.app, base_url=URL, follow_redirects=False, raise_server_exceptions=False,
            client=(address, 50000),
        )  # fmt: skip
        return Browser(client)

    def signed_in(self, role: Role = Role.ASSESSOR, **named: str) -> Browser:
        """A browser in which a new person of a role signed in."""
        person = self.add(role, **named)
        browser = self.browser()
        assert browser.sign_in(person.email).status_code == 303
        return browser

    def log(self) -> list[AccessEvent]:
        """The audit log, oldest first."""
        with self.registry.reading(OWNER) as access:
            return [event for event in access.events() if isinstance(event, AccessEvent)]


@dataclass
class Browser:
    """A client with cookies, which sends forms as their pages gave them."""

    client: Any

    def get(self, path: str, **options: Any) -> httpx.Response:
        found: httpx.Response = self.client.get(path, **options)
        return found

    def post(
        self, path: str, fields: dict[str, Any] | None = None, **options: Any
    ) -> httpx.Response:
        """Send a form as it is."""
        found: httpx.Response = self.client.post(path, data=fields or {}, **options)
        return found

    def csrf(self, path: str = "/sign-in") -> str:
        """The token of the forms of a page."""
        found = CSRF.search(self.get(path).text)
        assert found is not None
        return found[1]

    def send(self, path: str, page: str = "", /, **fields: Any) -> httpx.Response:
        """Send a form with the token that its page has."""
        return self.post(path, {"csrf": self.csrf(page or path), **fields})

    def sign_in(self, email: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        return self.send("/sign-in", email=email, password=password, **fields)

    @property
    def secret(self) -> str:
        """The secret of the session, empty without one."""
        return str(self.client.cookies.get(SESSION_COOKIE) or "")


@contextmanager
def web_example(
    hub: HubExample, *, is_secure: bool = True, routes: APIRouter | None = None
) -> Iterator[WebExample]:
    """The web application of a hub that was made; ``routes`` are added to its own."""
    with hub.running():
        yield WebExample(hub, is_secure=is_secure, routes=routes)
