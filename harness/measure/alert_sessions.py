"""Play the sessions that a service's monitoring has to recognise, for each line and profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.measure.log_requests import batches_of, without_mark
from harness.model.alert_case import Hours, alert_items
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.model.service_log import ROUND
from harness.ports.network import Origin

PROBE = "alert"
"""The probe that plays sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPlay:
    """What one command plays: how many sessions for each line and profile, and when.

    ``number`` counts the sendings of a journal, of sessions and of requests for a log, from 1.
    """

    number: int
    hours: Hours
    of_cell: int
    harmless: int


def session_batches(
    campaign: Campaign, origin: Origin, play: AlertPlay, run: str, first: int
) -> Iterator[Batch]:
    """Yield the batches of a play, numbered from ``first``: one line and profile each.

    ``run`` draws the hosts. No request bears a mark of a test (``harness.model.plain_twin``), so
    that a service cannot send alerts about tests alone. Raises UsageError for an origin without a
    zone for that.
    """
    return batches_of(_ways(campaign, origin, play, run), campaign.limits.batch, first)


def _ways(
    campaign: Campaign, origin: Origin, play: AlertPlay, run: str
) -> Iterator[tuple[Way, Sequence[Item]]]:
    for line in campaign.lines:
        for profile in campaign.profiles:
            draw = f"{run} {line.name} {profile} {play.hours} {play.number}"
            items = [
                without_mark(item, origin)
                for item in alert_items(draw, play.hours, play.of_cell, play.harmless)
            ]
            way = Way(probe=PROBE, lines=(line.name,), profile=profile, round=ROUND + play.number)
            yield way, items
