"""The part of a hub's web application that agents use: time, messages, health.

It opens no envelope and knows no registry: a hub does, behind ``AnswersAgents``. Nothing of an
error leaves the process but a word and a sentence; bodies are never logged.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

import anyio
import anyio.to_thread
import msgspec
from anyio.lowlevel import RunVar
from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.errors import HarnessError
from harness.fleet.messages import NotAnswered, Reason, Refused, encode
from harness.fleet.signed_time import QUESTIONS, TimeAnswer, TimeQuestion

TIME, MESSAGES = "/agent/v1/time", "/agent/v1/messages"
LIVE, READY = "/health/live", "/health/ready"

JSON = "application/json"
MOST_QUESTION = 1024
"""The largest body of a question for the time."""

BODY_WITHIN = 120.0
"""Seconds in which a body has to come."""

MOST_DIGITS = 12
STATUS = {"unknown": 403, "too-large": 413}
"""The HTTP status of a refusal that is not sealed, by its reason; 400 for others."""

NUMBER, NUMBER_BYTES = "accredit.request", 6
"""Where the number of a request is in its scope, and how many random bytes it has."""

THREADS = 8
"""How many messages of agents are answered at once; pages have threads of their own."""

_THREADS: RunVar[anyio.CapacityLimiter | None] = RunVar("threads of agents")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class AnswersAgents(Protocol):
    """A hub. Its methods block, and may be called from several threads."""

    most_body: int

    def answer_time(self, question: TimeQuestion) -> TimeAnswer:
        """The time, signed."""

    def answer(self, body: bytes) -> bytes:
        """Answer a message. Raises NotAnswered, HarnessError."""

    def is_ready(self) -> bool:
        """Whether messages can be answered and kept."""


class RequestLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request in the log: sizes in bytes of bodies, and the time until it was answered.

    ``id`` is its number, which a page of an error shows; ``path`` that of the route, with the names
    of its parameters in place of their values.
    """

    at: datetime
    id: str
    client: str
    method: str
    path: str
    status: int
    received: int
    sent: int
    seconds: float
    error: str = ""


class _Refusal(Exception):
    """A request that is not read to its end, with an HTTP status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


def agent_app(
    hub: AnswersAgents, log: Callable[[RequestLine], None], now: Callable[[], datetime]
) -> ASGIApp:
    """An application for agents alone. ``log`` is called after each request."""
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, title="Accredit"
    )
    add_agent_routes(app, hub)
    return logged(app, log, now)


def logged(
    app: ASGIApp, log: Callable[[RequestLine], None], now: Callable[[], datetime]
) -> ASGIApp:
    """An application that calls ``log`` after each request."""
    return _Logged(app, log, now)


def add_agent_routes(app: FastAPI, hub: AnswersAgents) -> None:
    """Answer agents, and whoever watches the server; these paths are no part of the API."""

    @app.post(TIME, include_in_schema=False)
    async def answer_time(request: Request) -> Response:
        try:
            question = QUESTIONS.decode(await _body(request, MOST_QUESTION))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _refused(400, "faulty", "the question cannot be read")
        except _Refusal as refusal:
            return _refused(refusal.status, "faulty", refusal.words)
        answer = await _in_own_thread(hub.answer_time, question)
        return _answered(msgspec.json.encode(answer))

    @app.post(MESSAGES, include_in_schema=False)
    async def answer_message(request: Request) -> Response:
        return await _answer_message(hub, request)

    @app.get(LIVE, include_in_schema=False)
    async def live() -> Response:
        return _answered(b'{"status":"live"}')

    @app.get(READY, include_in_schema=False)
    async def ready() -> Response:
        if await _in_own_thread(hub.is_ready):
            return _answered(b'{"status":"ready"}')
        return Response(b'{"status":"not ready"}', 503, HEADERS, JSON)


async def _in_own_thread(
    work: Callable[Arguments, Result], *words: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Do work in a thread that no page can hold."""
    threads = _THREADS.get(None)
    if threads is None:
        _THREADS.set(threads := anyio.CapacityLimiter(THREADS))
    return await anyio.to_thread.run_sync(partial(work, *words, **named), limiter=threads)


async def _answer_message(hub: AnswersAgents, request: Request) -> Response:
    try:
        body = await _body(request, hub.most_body)
        return _answered(await _in_own_thread(hub.answer, body))
    except NotAnswered as error:
        refused = error.refused
        return _refused(STATUS.get(refused.reason, 400), refused.reason, refused.words)
    except _Refusal as refusal:
        reason: Reason = "too-large" if refusal.status == STATUS["too-large"] else "faulty"
        return _refused(refusal.status, reason, refusal.words)
    except Exception as error:  # noqa: BLE001 - nothing of it may leave the process
        request.scope["accredit.error"] = _in_words(error)
        return _refused(503, "faulty", "the hub cannot answer now; try again later")


async def _body(request: Request, most: int) -> bytes:
    """Read a body of JSON of at most so many bytes. Raises _Refusal."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise _Refusal(415, f"send {JSON}")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _Refusal(415, "send the body as it is, not compressed")
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > MOST_DIGITS:
        raise _Refusal(400, "the length of the body cannot be read")
    held = bytearray()
    try:
        if int(length) > most:
            raise _Refusal(413, f"a body has at most {most:,} bytes")
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.stream():
                held += chunk
                if len(held) > most:
                    raise _Refusal(413, f"a body has at most {most:,} bytes")
    except TimeoutError:
        raise _Refusal(408, "the body did not come in time") from None
    except ClientDisconnect:
        raise _Refusal(400, "the body was not sent to its end") from None
    return bytes(held)


def _answered(body: bytes) -> Response:
    return Response(body, 200, HEADERS, JSON)


def _refused(status: int, reason: Reason, words: str) -> Response:
    """A refusal that is not sealed, because nobody knows for whom."""
    return Response(encode(Refused(reason=reason, words=words)), status, HEADERS, JSON)


def _in_words(error: Exception) -> str:
    """An error in one line, for the log: our own with its sentence, others by their kind."""
    if isinstance(error, HarnessError):
        return str(error).partition("\n")[0]
    return f"unexpected error: {type(error).__name__}"


def _path_of(scope: Scope) -> str:
    """The path of the route that answered: it names nobody and nothing that was asked for."""
    return str(getattr(scope.get("route"), "path", "other"))


class _Logged:
    """Log each request in one line. A path that is not ours is not repeated."""

    def __init__(
        self, app: ASGIApp, log: Callable[[RequestLine], None], now: Callable[[], datetime]
    ) -> None:
        self._app, self._log, self._now = app, log, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[NUMBER] = secrets.token_hex(NUMBER_BYTES)
        began, counts = time.monotonic(), {"status": 0, "received": 0, "sent": 0}

        async def counted_receive() -> Message:
            message = await receive()
            counts["received"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                counts["status"] = message["status"]
            counts["sent"] += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            client = scope.get("client") or ("",)
            self._log(
                RequestLine(
                    at=self._now(),
                    id=scope[NUMBER],
                    client=str(client[0]),
                    method=str(scope["method"])[:10],
                    path=_path_of(scope),
                    seconds=round(time.monotonic() - began, 4),
                    error=str(scope.get("accredit.error", "")),
                    **counts,
                )
            )
