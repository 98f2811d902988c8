"""Tell how an upload goes by server-sent events (HTML Standard, section 9.2), until it ended.

Each event is the whole state of the upload, with the number of its changes as the id. A reader who
was cut off sends the last id, and gets the state at once if it changed since; if the upload had
ended then, there is nothing more to say (status 204, after which a browser asks no more).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from harness.model.hub_access import Viewer
from harness.store.hub.upload_store import StoredUpload
from reports.dashboard.access import Refusal
from reports.dashboard.upload_port import TakesUploads

if TYPE_CHECKING:
    from collections.abc import Iterator

KIND = "text/event-stream"
LOOK_EVERY, BEAT_EVERY = 0.5, 15.0
"""Seconds until the state is read again, and until a comment shows that the connection works."""

RETRY_MS = 2000
"""Milliseconds after which a reader that was cut off asks again."""

LONGEST = 600.0
"""Seconds after which a reader has to ask again, so that one who may no more read is cut off."""

MOST_READERS = 8
"""How many connections of one person may wait for events."""

_waiting: Counter[str] = Counter()


def event_of(upload: StoredUpload, body: str) -> str:
    """An event: the number of changes, the state, and the upload as one line of JSON."""
    return f"id: {upload.changes}\nevent: {upload.state}\ndata: {body}\n\n"


async def events_response(
    request: Request,
    uploads: TakesUploads,
    viewer: Viewer,
    upload: StoredUpload,
    shown: Callable[[StoredUpload], str],
) -> Response:
    """The events of an upload; ``shown`` gives it as JSON. Raises Refusal."""
    last = _last_id(request)
    if upload.is_final and last >= upload.changes:
        return Response(status_code=204)
    if _waiting[viewer.person] >= MOST_READERS:
        words = f"You read {MOST_READERS} uploads at once already; close one of them."
        raise Refusal(429, "Too many connections", words)

    async def stream() -> AsyncIterator[str]:
        with _counted(viewer.person):
            async for text in _events(uploads, viewer, upload.id, last, shown):
                yield text

    return StreamingResponse(stream(), media_type=KIND, headers={"X-Accel-Buffering": "no"})


async def _events(
    uploads: TakesUploads,
    viewer: Viewer,
    upload_id: str,
    last: int,
    shown: Callable[[StoredUpload], str],
) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    beat = began = time.monotonic()
    while time.monotonic() - began < LONGEST:
        found = await run_in_threadpool(uploads.find, viewer, upload_id)
        if found is None:
            return
        if found.changes > last:
            last, beat = found.changes, time.monotonic()
            yield event_of(found, shown(found))
        if found.is_final:
            return
        if time.monotonic() - beat >= BEAT_EVERY:
            beat = time.monotonic()
            yield ": still connected\n\n"
        await asyncio.sleep(LOOK_EVERY)


def _last_id(request: Request) -> int:
    """The number that a reader has; 0 without one. Raises Refusal."""
    text = request.headers.get("last-event-id", "") or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - digits of an integer
        raise Refusal(400, "This cannot be read", "Last-Event-ID is a number.")
    return int(text)


@contextmanager
def _counted(person: str) -> Iterator[None]:
    _waiting[person] += 1
    try:
        yield
    finally:
        _waiting[person] -= 1
        if _waiting[person] <= 0:
            del _waiting[person]
