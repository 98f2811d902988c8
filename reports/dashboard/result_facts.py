"""The facts in the rows of campaigns and outcomes, and in the series that charts are drawn from.

Each is the ``body`` of a row of a hub, as JSON. Texts are those of the report. Values are in the
unit of the metric, ``None`` if nothing was decided.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from reports.phrases import Direction
from reports.site.trend_causes import Instrument
from reports.site.trend_facts import State

NEWEST = 40
"""How many results of a series stand one by one."""

WEEKS = 80
"""How many weeks before those a series shows, by the last result of each."""

SERIES, CURRENT = "series", "current"
"""The kinds of documents with a series, and with its newest result."""


class CampaignFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a campaign's row says beside its columns, and beside ``campaign_bodies``.

    Without ``instrument`` no assessment of it is kept, and its row has the numbers of its record.
    """

    scheme_version: str
    rules: str
    recorded: datetime
    instrument: Instrument | None = None


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What figures are of: they are compared where all of this is the same."""

    scheme: str
    requirement: str
    profile: str
    line: str
    unit: str
    direction: Direction
    site: str = ""
    schedule: str = ""


class Figure(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What one campaign found of a requirement, as a point of a chart.

    ``instrument`` tells instruments apart without their software, which is ``software`` (empty if
    it is not known). ``charted`` and ``tested`` are the value and the number
    of items that a control chart counts. Of a week of several results this is the last; ``results``
    counts them, ``since`` is the time of the first, and ``worst`` is how the worst ended.
    """

    campaign: str
    at: datetime
    state: State
    measured: str
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    bounds: str = ""
    required: str = ""
    instrument: str = ""
    charted: float | None = None
    tested: float | None = None
    anchor: str = ""
    results: int = 1
    since: datetime | None = None
    worst: State | None = None
    software: str = ""

    def has_other_instrument(self, before: Figure, software: str) -> bool:
        """Whether the instrument changed after a figure, up to which that software was known."""
        is_other = bool(software and self.software) and software != self.software
        return is_other or before.instrument != self.instrument


class OutcomeFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an outcome's row says beside its columns, and beside ``campaign_bodies``."""

    about: Subject
    figure: Figure
    title: str
    area: str
    severity: str
    word: str


class SeriesFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The figures of one subject over time, oldest first, and of how many results.

    The ``NEWEST`` results stand one by one; of older ones the last of each week, for ``WEEKS``.
    """

    about: Subject
    title: str
    area: str
    results: int
    weekly: tuple[Figure, ...] = ()
    newest: tuple[Figure, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, oldest first."""
        return (*self.weekly, *self.newest)


class CurrentFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The newest result of a subject; ``series`` is the id of the document with all figures.

    ``results`` are how many results the series has, ``failures`` how many of its figures did not
    conform.
    """

    series: str
    about: Subject
    figure: Figure
    title: str
    area: str
    severity: str
    is_binding: bool
    word: str = ""
    results: int = 1
    failures: int = 0


CAMPAIGN_FACTS = msgspec.json.Decoder(CampaignFacts)
OUTCOME_FACTS = msgspec.json.Decoder(OutcomeFacts)
SERIES_FACTS = msgspec.json.Decoder(SeriesFacts)
CURRENT_FACTS = msgspec.json.Decoder(CurrentFacts)
