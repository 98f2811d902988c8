"""Read campaigns and their outcomes for pages, and what is drawn and linked beside an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, or_

from harness.model.scheme import ITEM_BY_ITEM
from harness.store.hub.hub_tables import CAMPAIGNS, OUTCOMES
from harness.store.hub.repository import Reading
from reports.dashboard.access import NotHere
from reports.dashboard.addresses import address
from reports.dashboard.campaign_bodies import (
    CampaignBody,
    OutcomeBody,
    read_campaign,
    read_outcome,
)
from reports.requirement_table import SLIVER, Axis, Chart
from reports.words import SCHEMES

STATES = ("does-not-conform", "insufficient", "no-data", "conforms")
"""The states of campaigns and outcomes, worst first."""

MOST_OUTCOMES = 300
"""How many outcomes a page shows; the CSV has all of them."""

MOST_RUNS = 50
"""How many runs of a service can be chosen."""


class FoundCampaign(NamedTuple):
    """A campaign by one scheme; ``schemes`` are all that assessed it, ``body`` what is kept."""

    row: Row[Any]
    body: CampaignBody | None
    schemes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return (self.body.title if self.body else "") or str(self.row.campaign)

    @property
    def scheme_name(self) -> str:
        """The short name of the scheme, with its edition if it is known."""
        scheme = str(self.row.scheme)
        name = SCHEMES.get(scheme, scheme)
        return f"{name} {self.body.scheme_version}".strip() if self.body else name

    def url(self, *more: str, **values: str) -> str:
        """The address of its page, or of one below it."""
        scheme = str(self.row.scheme) if len(self.schemes) > 1 else ""
        return campaign_url(self.row, *more, **({"scheme": scheme} | values))

    def csv_url(self, *more: str, **values: str) -> str:
        """The address of one of its tables as CSV."""
        path, question, query = self.url(*more, **values).partition("?")
        return f"{path}.csv{question}{query}"


def campaign_url(row: Row[Any], *more: str, **values: str) -> str:
    """The address of a campaign's page by a row that names it, or of a page below it."""
    return address("campaigns", row.stream, row.campaign, *more, **values)


def service_url(row: Row[Any]) -> str:
    """The address of the page of a service, by a row that names it."""
    return address("services", row.stream, row.service)


def supplier_name(stream: str) -> str:
    """The supplier of a stream, as its name is compared."""
    return stream.partition(":")[2] or stream


def find_campaign(reading: Reading, stream: str, campaign: str, scheme: str = "") -> FoundCampaign:
    """A campaign by a scheme, else by the first that assessed it. Raises NotHere."""
    columns = CAMPAIGNS.c
    rows = reading.rows(
        CAMPAIGNS,
        columns.stream == stream,
        columns.campaign == campaign,
        order=[columns.scheme],
        limit=MOST_RUNS,
    )
    found = next((row for row in rows if scheme in {"", row.scheme}), None)
    if found is None:
        raise NotHere
    return FoundCampaign(found, read_campaign(found.body), tuple(row.scheme for row in rows))


class Wanted(NamedTuple):
    """The campaigns that a list is of; empty fields mean any."""

    service: str = ""
    site: str = ""
    state: str = ""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The conditions."""
        for name, value in self._asdict().items():
            if value:
                yield CAMPAIGNS.c[name] == value


class Before(NamedTuple):
    """The place in the list of campaigns after which a page begins: of its last row before."""

    measured_at: datetime
    stream: str
    campaign: str
    scheme: str


NAMES = ("stream", "campaign", "scheme")
LISTED = tuple(column for column in CAMPAIGNS.c if column.name != "body")


def newest_campaigns(
    reading: Reading, wanted: Wanted, before: Before | None, limit: int
) -> list[Row[Any]]:
    """Campaigns, newest first, without their bodies."""
    columns = CAMPAIGNS.c
    where = [*wanted.conditions()]
    if before is not None:
        where.append(columns.measured_at <= before.measured_at)
        where.append(or_(columns.measured_at < before.measured_at, _beyond(before)))
    order = [columns.measured_at.desc(), *(columns[name] for name in NAMES)]
    return reading.rows(CAMPAIGNS, *where, columns=LISTED, order=order, limit=limit)


def _beyond(before: Before) -> ColumnElement[bool]:
    """Whether a campaign of the same time comes later in the list."""
    columns = CAMPAIGNS.c
    values = [(columns[name], getattr(before, name)) for name in NAMES]
    return or_(
        *(
            and_(*(column == value for column, value in values[:at]), values[at][0] > values[at][1])
            for at in range(len(values))
        )
    )


def runs_of(reading: Reading, stream: str, service: str) -> list[Row[Any]]:
    """The newest campaigns of a service with rows of items, each by its first scheme."""
    columns = CAMPAIGNS.c
    rows = reading.rows(
        CAMPAIGNS,
        columns.stream == stream,
        columns.service == service,
        columns=LISTED,
        order=[columns.measured_at.desc(), columns.campaign, columns.scheme],
        limit=2 * MOST_RUNS,
    )
    found = {row.campaign: row for row in reversed(rows) if row.has_items}
    return [row for row in rows if found.get(row.campaign) is row][:MOST_RUNS]


class OutcomeLine(NamedTuple):
    """An outcome with its words and its small picture; ``decides`` the campaign's result."""

    row: Row[Any]
    body: OutcomeBody | None
    chart: Chart | None
    decides: bool

    @property
    def state(self) -> str:
        """Its form and colour."""
        return self.body.status if self.body else str(self.row.state)


def outcomes_of(reading: Reading, found: FoundCampaign, limit: int) -> list[OutcomeLine]:
    """The outcomes of a campaign, worst first: those that bind, or of which something was tried."""
    lines: list[OutcomeLine] = []
    for is_binding in (True, False):
        for state in STATES:
            left = limit - len(lines)
            where = OUTCOMES.c.state == state, OUTCOMES.c.is_binding.is_(is_binding)
            rows = outcome_rows(reading, found, *where, limit=left) if left > 0 else []
            lines += map(outcome_line, rows)
    return [
        each
        for each in lines
        if each.row.is_binding or each.body is None or each.body.tried or each.row.value is not None
    ]


def outcome_rows(
    reading: Reading, found: FoundCampaign, *where: ColumnElement[bool], limit: int | None = None
) -> list[Row[Any]]:
    """Rows of the outcomes of a campaign, in the order of the assessment."""
    columns = OUTCOMES.c
    of_campaign = (columns[name] == getattr(found.row, name) for name in NAMES)
    return reading.rows(OUTCOMES, *of_campaign, *where, order=[columns.number], limit=limit)


def outcome_line(row: Row[Any]) -> OutcomeLine:
    """An outcome with its words and its picture."""
    body = read_outcome(row.body)
    is_failed = bool(row.is_binding) and row.state == STATES[0]
    return OutcomeLine(row, body, _chart(row, body) if body else None, is_failed)


def _chart(row: Row[Any], body: OutcomeBody) -> Chart | None:
    """The small picture of an outcome; its values stand beside it."""
    if body.axis is None or row.value is None or body.axis[1] <= body.axis[0]:
        return None
    axis = Axis(low=body.axis[0], high=body.axis[1], ends=body.axis_ends or ("", ""))
    limit = None if body.limit is None else axis.place(body.limit)
    zone = None
    if limit is not None:
        start, end = (limit, 100.0) if body.direction == "at_least" else (0.0, limit)
        zone = start, max(end - start, SLIVER)
    bar = None
    if body.rule not in ITEM_BY_ITEM and (row.lower is not None or row.upper is not None):
        low = 0.0 if row.lower is None else axis.place(row.lower)
        high = 100.0 if row.upper is None else axis.place(row.upper)
        bar = low, round(high - low, 2)
    return Chart(zone=zone, limit=limit, bar=bar, dot=axis.place(row.value), status=body.status)
