"""What a site is made from: a stream of the registry, and the assessments of its campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from harness.follow.state import StreamState
from harness.follow.status_history import History
from harness.model.event import Event
from harness.model.outcome import Assessment


class MeasuredCampaign(NamedTuple):
    """A campaign of the registry: when it was measured, and its assessment by one scheme.

    ``assessment`` is ``None`` if none is kept that belongs to the campaign's journal.
    """

    name: str
    service: str
    scheme: str
    at: datetime
    assessment: Assessment | None


class StreamView(NamedTuple):
    """A supplier's stream: its events, its state now, and how statuses changed.

    ``name`` is that of the stream, ``supplier`` what people call it. ``campaigns`` are in order of
    time. ``kept`` are the assessments that decisions rest on, by their SHA-256.
    """

    name: str
    supplier: str
    events: tuple[Event, ...]
    state: StreamState
    history: History
    campaigns: tuple[MeasuredCampaign, ...]
    kept: Mapping[str, Assessment]
