"""The middleware of a hub: who asks, whether the request is the person's own act, and headers.

An unsafe request (any but GET, HEAD and OPTIONS) reaches a page only if it carries the token of its
session: as the field ``csrf`` of a form, or for other bodies in the query or the header
``X-CSRF-Token``. It must also come from a page of this host, where the browser tells. No page can
forget this, for none sees a request before. Bodies of answers are not held back.

A request that only reads waits for its turn first (``page_turns.py``).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reports.dashboard.access import COOKIE, NOBODY, Access, Refusal, SignedIn
from reports.dashboard.failures import API, answer_refusal, failure_of, in_words
from reports.dashboard.forms import (
    CSRF,
    CSRF_HEADER,
    FORM_COOKIE,
    MOST_BYTES,
    NO_FORM,
    URLENCODED,
    form_token,
    is_token,
    read_form,
)
from reports.dashboard.page_turns import PageTurns, Turn

FOR_ALL = ("/static/", "/agent/", "/health/")
"""Below these paths nobody is asked who it is."""

FOR_TOKENS = (API, "/metrics")
"""Below these paths an API token signs in."""

WITHOUT_TURN = (*FOR_ALL, "/sign-in/oidc", f"{API}v1/exports/")
"""Below these paths nothing is made, another server is asked, or a whole table is written."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_WITHIN = 30.0
"""Seconds in which a form has to come."""

ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}
"""What a hub with an address of HTTPS adds, so that browsers ask it by nothing else."""

FROM_HERE = frozenset({"same-origin", "none"})
"""The values of ``Sec-Fetch-Site`` for a request by a page of this host, or by the person alone."""


class _Gone(Refusal):
    """The client went before its form was complete: no page is made for nobody."""

    def __init__(self) -> None:
        super().__init__(400, "The form was not sent to its end", "Go back, and try again.")


class ViewerGuard:
    """Asks ``access`` who asks, and lets ``app`` answer what is not refused."""

    def __init__(
        self, app: ASGIApp, access: Access, headers: Mapping[str, str], *, is_secure: bool
    ) -> None:
        self._app, self._access = app, access
        self._headers = {**headers, **(ONLY_HTTPS if is_secure else {})}
        self._is_secure = is_secure
        self._turns = PageTurns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error that no page caught becomes a page of words."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["signed_in"], state["form"] = NOBODY, NO_FORM
        turn = await self._turns.take() if _waits(scope) else Turn()
        answer = _Answer(send, self._headers, turn)
        try:
            if not scope["path"].startswith(FOR_ALL):
                request = Request(scope, receive)
                state["signed_in"] = await run_in_threadpool(self._who, request)
                receive = await _checked(request, receive, state)
            await self._app(scope, receive, answer.send)
        except Exception as error:  # noqa: BLE001 - nothing of it may leave the process
            if not isinstance(error, Refusal):
                scope["accredit.error"] = in_words(error)
            if not answer.has_begun and not isinstance(error, _Gone):
                refusal = await run_in_threadpool(answer_refusal, Request(scope), failure_of(error))
                await refusal(scope, receive, answer.send)
        finally:
            turn.give_back()

    def _who(self, request: Request) -> SignedIn:
        """Who asks: by a token for the API, by a session's cookie for the pages."""
        if request.scope["path"].startswith(FOR_TOKENS) and (token := _token_in(request)):
            viewer = self._access.by_token(token)
            return SignedIn(viewer) if viewer else NOBODY
        secret = request.cookies.get(cookie_name(is_secure=self._is_secure), "")
        held = self._access.by_session(secret) if secret else None
        if held is not None:
            return held
        of_form = request.cookies.get(cookie_name(FORM_COOKIE, is_secure=self._is_secure), "")
        return NOBODY._replace(csrf=form_token(of_form)) if of_form else NOBODY


def _token_in(request: Request) -> str:
    """The API token of a request, empty without one: by Bearer, or as the password of Basic.

    Calendar programs and Prometheus know Basic (RFC 7617); the name does not matter.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(given.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def _waits(scope: Scope) -> bool:
    """Whether a request waits for its turn: one that changes something does not."""
    return scope["method"] in SAFE and not scope["path"].startswith(WITHOUT_TURN)


class _Answer:
    """Sends an answer with headers; knows whether it has begun. Then its turn is over."""

    def __init__(self, send: Send, headers: Mapping[str, str], turn: Turn) -> None:
        self._send, self._headers, self._turn = send, headers, turn
        self.has_begun = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            self._turn.give_back()
            held = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                held.setdefault(name, value)
        await self._send(message)


def cookie_name(name: str = COOKIE, *, is_secure: bool) -> str:
    """The name of a cookie; over HTTPS no other host can set it."""
    return f"__Host-{name}" if is_secure else name


async def _checked(request: Request, receive: Receive, state: dict[str, object]) -> Receive:
    """Check an unsafe request, and keep its form; return what gives the body again.

    Raises Refusal.
    """
    if request.method in SAFE:
        return receive
    signed_in: SignedIn = request.state.signed_in
    is_api = request.scope["path"].startswith(API)
    if is_api and not signed_in.session:
        return receive  # a token was given, or nobody asks
    _require_from_here(request)
    kind = request.headers.get("content-type", URLENCODED).partition(";")[0].strip().lower()
    if is_api or kind != URLENCODED:
        given = request.headers.get(CSRF_HEADER, "")
        _require_token(signed_in, given or ("" if is_api else request.query_params.get(CSRF, "")))
        return receive
    body = await _body(request)
    form = read_form(body)
    _require_token(signed_in, form.secret(CSRF) or request.headers.get(CSRF_HEADER, ""))
    state["form"] = form
    return _again(body, receive)


def _require_from_here(request: Request) -> None:
    """Raise Refusal if the browser says that another host's page made the request."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        is_own = site in FROM_HERE
    elif origin is not None:
        is_own = _host_of(origin) == request.headers.get("host", "").lower() != ""
    else:
        is_own = True
    if not is_own:
        words = "This request came from another web site, and nothing was done."
        raise Refusal(403, "This was refused", words)


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _require_token(signed_in: SignedIn, given: str) -> None:
    """Raise Refusal without the token of the session."""
    if not is_token(signed_in.csrf, given):
        words = (
            "This form belongs to a session that has ended, and nothing was done. "
            "Go back, load the page again, and send the form once more."
        )
        raise Refusal(403, "This form is no longer valid", words)


async def _body(request: Request) -> bytes:
    """Read a form of at most ``MOST_BYTES``. Raises Refusal."""
    held = bytearray()
    try:
        async with asyncio.timeout(FORM_WITHIN):
            async for chunk in request.stream():
                held += chunk
                if len(held) > MOST_BYTES:
                    words = f"A form has at most {MOST_BYTES:,} bytes. Go back and shorten it."
                    raise Refusal(413, "The form is too large", words)
    except TimeoutError:
        raise Refusal(408, "The form did not come in time", "Go back, and send it again.") from None
    except ClientDisconnect:
        raise _Gone from None
    return bytes(held)


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read, and then what comes after it."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give
