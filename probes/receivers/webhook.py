"""A webhook for alerts: an HTTP server that accepts POST requests on every path.

Products post JSON, forms, or text, each with names of their own. Each request becomes a
``ReceivedAlert``. There is neither TLS nor authentication, so it belongs into a network that the
tester controls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Self
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from harness.model.received_alert import ReceivedAlert
from probes.net.html_text import decode_text
from probes.receivers.alert_text import (
    LONGEST_ADDRESS,
    LONGEST_SUBJECT,
    MOST_BYTES,
    Part,
    clean,
    media_type_of,
    most_urgent,
    parts_of,
    priority_of_word,
)
from probes.receivers.mailbox import PATIENCE, Keep

SUBJECT_KEYS = ("subject", "title", "summary", "heading")
"""Names of a field that holds the subject, the best first."""
PRIORITY_KEYS = frozenset({"priority", "severity", "urgency", "importance"})
"""Names of fields that state a priority."""
MOST_FIELDS = 1000
"""The most fields of a form; with more it is kept as text."""
RETRY_SECONDS = 60

_logger = logging.getLogger(__name__)
_logger.setLevel(logging.CRITICAL + 1)  # else each malformed request prints a traceback

_FORM = "application/x-www-form-urlencoded"
_Fields = list[tuple[str, str]]


def alert_of_request(
    body: bytes, content_type: str, *, at: datetime, path: str = "/", sender: str = ""
) -> ReceivedAlert:
    """Return what the body of a request says; ``sender`` is the address of the client.

    The text of JSON and of a form is all its values that are texts, one on a line. A body that is
    not what its type says is kept as text. Any bytes are accepted.
    """
    fields = _fields_of(body, content_type)
    if fields is None:
        text = Part(headers={"content-type": content_type}, body=body).text
        fields = [("", text)]
    named = {name.lower(): value for name, value in reversed(fields) if value.strip()}
    subject = next((named[key] for key in SUBJECT_KEYS if key in named), "")
    return ReceivedAlert(
        at=at,
        channel="web",
        to=(clean(path, LONGEST_ADDRESS),),
        sender=clean(sender, LONGEST_ADDRESS),
        subject=clean(" ".join(subject[:MOST_BYTES].split()), LONGEST_SUBJECT),
        text=clean("\n".join(value for _, value in fields)),
        priority=most_urgent(
            priority_of_word(value) for name, value in fields if name.lower() in PRIORITY_KEYS
        ),
    )


def _fields_of(body: bytes, content_type: str) -> _Fields | None:
    """Return the names and texts of JSON or a form, in their order; None if it is neither."""
    kind = media_type_of(content_type)
    text = decode_text(body, content_type or "charset=utf-8")
    if text.lstrip()[:1] in {"{", "[", '"'}:
        try:
            return list(_texts_in(msgspec.json.decode(text)))
        except (msgspec.DecodeError, RecursionError, ValueError):
            pass
    if kind == _FORM:
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            return None
    if kind == "multipart/form-data":
        parts = parts_of({"content-type": content_type}, body)
        return [(_name_of(part), part.text) for part in parts if not _is_file(part)]
    return None


def _texts_in(document: object) -> Iterator[tuple[str, str]]:
    """Yield each text in a JSON document with the key that it, or the list around it, has."""
    waiting = [("", document)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict):
            waiting.extend(reversed([(str(key), each) for key, each in value.items()]))
        elif isinstance(value, list):
            waiting.extend(reversed([(name, each) for each in value]))


def _name_of(part: Part) -> str:
    """Return the name of a field of a multipart form (RFC 7578, section 4.2)."""
    disposition = part.headers.get("content-disposition", "")
    return disposition.partition('name="')[2].partition('"')[0]


def _is_file(part: Part) -> bool:
    is_text = part.media_type.startswith("text/") or part.media_type.endswith("json")
    return not is_text or "filename" in part.headers.get("content-disposition", "")


class Webhook:
    """Listens for requests at an address while its asynchronous context lasts.

    ``keep`` gets each alert before its sender is told that it was accepted. With ``port`` 0 a free
    one is chosen; the attribute ``port`` then has it. ``clock`` gives the time of arrival, aware.
    Raises OSError if the address cannot be listened on.
    """

    def __init__(
        self,
        keep: Keep[ReceivedAlert],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.host = host
        self.port = port
        self._keep = keep
        self._clock = clock
        self._runner: web.AppRunner

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=MOST_BYTES)
        application.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(
            application, access_log=None, logger=_logger, shutdown_timeout=1.0
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        """Store an alert, then acknowledge it."""
        try:
            async with asyncio.timeout(PATIENCE):
                body = await request.read()
        except TimeoutError:
            return _answer(408, "the request took too long")
        except web.RequestPayloadError:
            return _answer(400, "the body cannot be decoded")
        alert = alert_of_request(
            body,
            request.headers.get("Content-Type", ""),
            at=self._clock(),
            path=request.path,
            sender=request.remote or "",
        )
        if self._keep(alert):
            return _answer(200, "received")
        retry = {"Retry-After": str(RETRY_SECONDS)}
        return _answer(503, "the alert cannot be stored now; try again later", retry)


def _answer(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n", headers=headers)
