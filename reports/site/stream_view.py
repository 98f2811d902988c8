"""What a site is made from: a stream of the registry, and the assessments of its campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from harness.follow.state import StreamState
from harness.follow.status_history import History
from harness.model.event import Event
from harness.model.outcome import Assessment
from harness.model.stream import same_name
from harness.model.surveillance_event import SurveillanceRun


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


class Place(NamedTuple):
    """Where a campaign of surveillance was made, and by which schedule; empty for other ones."""

    site: str = ""
    schedule: str = ""


def by_place(
    view: StreamView, campaigns: Iterable[MeasuredCampaign]
) -> Mapping[Place, Sequence[MeasuredCampaign]]:
    """The campaigns whose figures may be compared: of one schedule at one site, or of none."""
    places = {
        same_name(event.campaign): Place(event.site, event.schedule)
        for event in view.events
        if isinstance(event, SurveillanceRun) and event.campaign
    }
    found: dict[Place, list[MeasuredCampaign]] = {}
    for campaign in campaigns:
        place = places.get(same_name(campaign.name), Place())
        found.setdefault(place, []).append(campaign)
    return found
