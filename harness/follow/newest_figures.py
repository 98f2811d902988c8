"""Which results of a service are its newest: what a page shows as the present."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from harness.model.stream import same_name

LONGEST_GAP = timedelta(days=45)
"""Results that are further apart are not joined: nothing was measured in between."""

DECIDED = ("conforms", "does-not-conform")
NO_DATA = "no-data"


class MeasuredFigure(NamedTuple):
    """The last result of one subject: what was measured where, when, and how it ended.

    ``site`` and ``schedule`` are those of surveillance, and empty for other campaigns, such as
    audits and re-tests. ``limit`` is what was required, in the unit of the metric.
    """

    requirement: str
    profile: str
    scheme: str
    site: str
    schedule: str
    at: datetime
    campaign: str
    state: str
    limit: float | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Figures of one place follow each other."""
        return self.scheme, same_name(self.site), self.schedule

    @property
    def order(self) -> tuple[datetime, str]:
        """What figures are ordered by."""
        return self.at, self.campaign


class NewestFigure(NamedTuple):
    """A result that is among the newest: its ``number`` in what was given.

    ``is_lacking``: the newest campaign of its place did not measure it.
    """

    number: int
    figure: MeasuredFigure
    is_lacking: bool = False


def newest_figures(figures: Sequence[MeasuredFigure]) -> tuple[NewestFigure, ...]:
    """The newest of the last results of all subjects of a service, in their order.

    At a site only the newest campaign of a schedule counts: what it did not measure is lacking, and
    is left out once it is older by ``LONGEST_GAP``. A result of an audit counts until surveillance
    measures the same later; a failure until surveillance decides the same.
    """
    newest: dict[tuple[str, str, str], tuple[datetime, str]] = {}
    for each in figures:
        newest[each.place] = max(newest.get(each.place, each.order), each.order)
    later: dict[tuple[str, str], list[MeasuredFigure]] = {}
    for each in figures:
        if each.site and each.state != NO_DATA and newest[each.place] == each.order:
            later.setdefault((each.requirement, each.profile), []).append(each)
    found = []
    for number, each in enumerate(figures):
        if not each.site:
            others = later.get((each.requirement, each.profile), ())
            if not any(_replaces(other, each) for other in others):
                found.append(NewestFigure(number, each))
            continue
        at, campaign = newest[each.place]
        if campaign == each.campaign or at - each.at <= LONGEST_GAP:
            found.append(NewestFigure(number, each, is_lacking=campaign != each.campaign))
    return tuple(found)


def _replaces(run: MeasuredFigure, audit: MeasuredFigure) -> bool:
    """Whether a run of surveillance is newer than an audit, and is held to the same."""
    is_same = run.scheme == audit.scheme or run.limit == audit.limit
    is_enough = run.state in DECIDED or audit.state != "does-not-conform"
    return is_same and is_enough and run.at > audit.at
