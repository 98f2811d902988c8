"""Read a file of timed events: what changes, where to poll, and what it asks of a service."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from harness.model.campaign import HostOrUrl, Name
from harness.model.corpus import Item
from harness.model.declared import Declared, Time
from harness.model.timed_event import Asks, EventKind, EventNote
from harness.yaml_reader import read_document, validate

RESERVED = "sentinel-"
"""How no event is named: the sentinels of a poll are."""


class TimedEvent(Declared):
    """One event. ``at`` is polled; ``when`` it happens, if that is known beforehand."""

    id: Name
    kind: EventKind
    at: HostOrUrl
    category: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(\.[A-Z0-9]+)*$")]
    asks: Asks
    when: Time | None = None

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> TimedEvent:
        if self.id.startswith(RESERVED):
            msg = f"no event may be named {RESERVED}..."
            raise ValueError(msg)
        if self.kind == "appeal" and self.asks != "allow":
            msg = "an appeal asks to allow what is blocked"
            raise ValueError(msg)
        if self.kind in ("outage", "drift") and self.asks != "allow":
            msg = f"{self.kind}: the place is open meanwhile; write 'asks: allow'"
            raise ValueError(msg)
        if self.kind == "override" and self.asks != "block":
            msg = "the end of an override asks to block again; write 'asks: block'"
            raise ValueError(msg)
        if self.kind == "canary" and self.asks != "block":
            msg = "a canary is a site that becomes harmful; write 'asks: block'"
            raise ValueError(msg)
        return self

    @property
    def item(self) -> Item:
        """What is polled."""
        is_url = "://" in self.at
        return Item(
            id=self.id,
            value=self.at,
            labels=(self.category,),
            kind="url" if is_url else "host",
            applies_to="content" if self.kind == "content" else "any",
        )

    def note(self, recorded: datetime | None = None, *, is_plain: bool = False) -> EventNote:
        """What a poll knows of the event; ``recorded`` is when a person said that it happened."""
        at = self.when or recorded
        return EventNote(kind=self.kind, asks=self.asks, at=at, is_plain=is_plain)


class EventsFile(Declared):
    """A file of events."""

    events: Annotated[tuple[TimedEvent, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> EventsFile:
        counted = Counter(one.id for one in self.events)
        if twice := [name for name, number in counted.items() if number > 1]:
            msg = f"{', '.join(twice)}: each event needs an id of its own"
            raise ValueError(msg)
        return self


def read_events(path: Path) -> tuple[TimedEvent, ...]:
    """Read a file of events. Raises FaultyDocument, UsageError."""
    return validate(read_document(path), EventsFile).events
