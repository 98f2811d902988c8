"""What the pages of accounts are made of, and what a browser tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import Request
from fastapi.responses import Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.accounts import Accounts
from harness.store.hub.known_browsers import KNOWN_FOR
from harness.store.hub.own_account import OwnAccount
from harness.store.hub.sessions import NewSession, Session
from harness.store.hub.sign_in import Origin, SignIn
from harness.store.registry.streams import Registry
from reports.dashboard.access import COOKIE, SignInNeeded
from reports.dashboard.rendering import navigation
from reports.dashboard.viewer_guard import cookie_name

KNOWN_COOKIE = "accredit_known"
"""The cookie with the mark of a known browser."""

LONGEST_PATH = 2000
SPACE, DELETE = 0x20, 0x7F


class ProviderRefused(Exception):
    """What the OIDC provider answered does not show who somebody is; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """For whom an OIDC provider vouches; ``email`` is empty unless it counts, and was verified."""

    subject: str
    email: str


class SingleSignOn(Protocol):
    """Sign-in by an OIDC provider. Its methods block."""

    name: str

    def address(self, secret: str) -> str:
        """Where to send a browser that holds the secret. Raises ProviderRefused."""

    def vouched(self, secret: str, state: str, code: str) -> Vouched:
        """For whom the provider vouches, to a browser with that secret. Raises ProviderRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountParts:
    """What the pages of accounts work with.

    ``stream_named`` is the stream of a supplier by its name. It raises UsageError.
    """

    sign_in: SignIn
    own: OwnAccount
    accounts: Accounts
    registry: Registry
    stream_named: Callable[[str], str]
    provider: SingleSignOn | None = None
    is_secure: bool = False

    def session_secret(self, request: Request) -> str:
        """The secret of the session in use, empty without one."""
        return request.cookies.get(cookie_name(is_secure=self.is_secure), "")

    def names_of_streams(self) -> dict[str, str]:
        """The names of suppliers by their streams; one whose stream is not opened has none."""
        return {head.stream: head.name for head in self.registry.heads()}

    def session(self, request: Request) -> Session:
        """The session in use. Raises SignInNeeded."""
        held = self.sign_in.by_session(self.session_secret(request))
        if held is None or not held.is_complete:
            raise SignInNeeded
        return held

    def give_cookie(self, response: Response, name: str, secret: str, seconds: int = 0) -> None:
        """Give the browser a cookie that no script reads, for so many seconds (0: till it ends)."""
        response.set_cookie(
            cookie_name(name, is_secure=self.is_secure), secret, max_age=seconds or None, path="/",
            secure=self.is_secure, httponly=True, samesite="lax",
        )  # fmt: skip

    def give_session(self, response: Response, begun: NewSession) -> None:
        """Give the browser a session, and the mark by which it is known at the next sign-in."""
        self.give_cookie(response, COOKIE, begun.secret)
        if begun.mark:
            seconds = int(KNOWN_FOR.total_seconds())
            self.give_cookie(response, KNOWN_COOKIE, begun.mark, seconds)

    def origin(self, request: Request) -> Origin:
        """From where a request comes; the server has put the client of a proxy in its place."""
        address = request.client.host if request.client else ""
        mark = request.cookies.get(cookie_name(KNOWN_COOKIE, is_secure=self.is_secure), "")
        return Origin(address[:100], request.headers.get("user-agent", ""), mark)

    def take_cookie(self, response: Response, name: str) -> None:
        """Make the browser forget a cookie."""
        response.delete_cookie(
            cookie_name(name, is_secure=self.is_secure), path="/", secure=self.is_secure,
            httponly=True, samesite="lax",
        )  # fmt: skip


def local_path(text: str) -> str:
    r"""Return a path of this hub as it is, and nothing else: empty for all other texts.

    Browsers read ``//host``, ``/\host`` and paths with tabs or line breaks as other hosts.
    """
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text
    is_path = is_path and all(SPACE < ord(character) < DELETE for character in text)
    is_sign_in = text.startswith(("/sign-", "/api/"))
    return text if is_path and len(text) <= LONGEST_PATH and not is_sign_in else ""


def home_of(viewer: Viewer) -> str:
    """The page that a person sees first."""
    if viewer.may(Permission.ADMINISTER):
        return "/admin"
    return next(iter(navigation(viewer))).path
