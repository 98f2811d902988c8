"""Events as rows of the registry: what the hash of each covers, and how its text is read."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import Any

import msgspec

from harness.model.any_event import AnyEvent
from harness.model.event import Event

START = "0" * 64
"""The hash before the first event."""


def row_of(
    stream: str, position: int, previous: str, event: Event, body: str = ""
) -> dict[str, Any]:
    """Return a row of the table; ``body`` is the existing text of an event written before."""
    body = body or msgspec.json.encode(event).decode()
    covered = "\x1f".join((stream, str(position), previous, body))
    return {
        "stream": stream,
        "position": position,
        "at": event.at.astimezone(UTC),
        "actor": event.actor,
        "kind": event.__struct_config__.tag,
        "about": event.about,
        "topic": event.topic,
        "uses": event.uses,
        "body": body,
        "previous": previous,
        "hash": hashlib.sha256(covered.encode()).hexdigest(),
    }


_EVENTS: msgspec.json.Decoder[Event] = msgspec.json.Decoder(AnyEvent)


def event_of(body: object) -> Event | None:
    """Return the event of a stored text; ``None`` if it is none, or its time is none in UTC."""
    if not isinstance(body, str):
        return None
    try:
        event: Event = _EVENTS.decode(body)
        event.at.astimezone(UTC)
    except (msgspec.MsgspecError, RecursionError, OverflowError, ValueError):
        return None
    return event
