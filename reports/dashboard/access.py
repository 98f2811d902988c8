"""What the web application needs of accounts: who asks, by a session's cookie or a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple, Protocol

from fastapi import Depends, Request

from harness.model.hub_access import PUBLIC, Permission, Viewer

COOKIE = "accredit_session"
"""The cookie with the secret of a session; ``__Host-`` is put before it over HTTPS."""


class SignedIn(NamedTuple):
    """Who asks, and the token that each form of the session carries.

    ``session`` is the digest of the session, empty for a token and for the public. Without
    ``is_complete`` the second factor has not been given yet, and the viewer is the public.
    """

    viewer: Viewer
    csrf: str = ""
    session: str = ""
    is_complete: bool = True


NOBODY = SignedIn(PUBLIC)


class Access(Protocol):
    """Finds out who asks. Its methods block, and may be called from several threads."""

    def by_session(self, secret: str) -> SignedIn | None:
        """Who holds the session with that secret; ``None`` if there is none."""

    def by_token(self, token: str) -> Viewer | None:
        """Who holds that API token; ``None`` if it is unknown, has ended or was revoked."""


class Refusal(Exception):
    """A request that is not carried out: an HTTP status, a title, and what to do, in a sentence.

    What a viewer may not see is answered as what does not exist (``NotHere``).
    """

    headers: Mapping[str, str] = {}
    """Headers that the answer has as well."""

    def __init__(self, status: int, title: str, words: str) -> None:
        super().__init__(words)
        self.status, self.title, self.words = status, title, words


class NotHere(Refusal):
    """The page does not exist, or the viewer may not see it: nobody learns which."""

    def __init__(self) -> None:
        super().__init__(
            404,
            "There is no such page for you",
            "Check the address. If you followed a link, you may need to sign in, or another role.",
        )


class SignInNeeded(Refusal):
    """Nobody signed in. A page leads to the sign-in page, and back after it."""

    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer, Basic realm="Accredit"'}

    def __init__(self) -> None:
        super().__init__(401, "Please sign in", "Sign in to see this page.")


def signed_in(request: Request) -> SignedIn:
    """Who asks; the middleware of the application has found it out."""
    found: SignedIn = request.state.signed_in
    return found


def viewer_of(request: Request) -> Viewer:
    """Who asks."""
    return signed_in(request).viewer


async def _depended_viewer(request: Request) -> Viewer:
    """Who asks, as a dependency of a route: a coroutine, for which no thread is waited for."""
    return viewer_of(request)


AnyViewer = Annotated[Viewer, Depends(_depended_viewer)]
"""A route for everybody."""


def require(viewer: Viewer, *permissions: Permission) -> None:
    """Raise SignInNeeded for the public, NotHere if a permission is missing."""
    if viewer.is_public:
        raise SignInNeeded
    if not all(viewer.may(each) for each in permissions):
        raise NotHere
