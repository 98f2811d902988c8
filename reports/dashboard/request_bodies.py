"""Read the bodies of requests within limits of size and time."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from reports.dashboard.access import Refusal

BODY_WITHIN = 120.0
"""Seconds in which a body has to come."""

FILE_WITHIN = 3600.0
"""Seconds in which a whole file has to come."""

MOST_DIGITS = 12


def too_large(most: int) -> Refusal:
    """The refusal of a body that is too large."""
    return Refusal(413, "This is too large", f"A body has at most {most:,} bytes here.")


def require_length(request: Request, most: int) -> None:
    """Raise Refusal for a body that says that it is too large, or is compressed."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        words = "Send the body as it is, without Content-Encoding."
        raise Refusal(415, "This cannot be read", words)
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > MOST_DIGITS:
        raise Refusal(400, "This cannot be read", "Send a Content-Length of digits alone.")
    if int(length) > most:
        raise too_large(most)


async def read_body(request: Request, most: int) -> bytes:
    """Read a body of at most so many bytes. Raises Refusal."""
    require_length(request, most)
    held = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.stream():
                held += chunk
                if len(held) > most:
                    raise too_large(most)
    except TimeoutError:
        raise Refusal(408, "The body did not come in time", "Send it again.") from None
    except ClientDisconnect:
        raise Refusal(400, "The body was not sent to its end", "Send it again.") from None
    return bytes(held)


def bounded(request: Request, most: int) -> Request:
    """The same request, whose body ends with Refusal once it is larger than that."""
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > most:
            raise too_large(most)
        return message

    return Request(request.scope, receive)
