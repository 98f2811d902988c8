"""Read campaigns and their outcomes for pages, and what is drawn and linked beside an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.model.scheme import ITEM_BY_ITEM
from harness.store.hub.campaign_rows import Outcomes, campaigns_named, read_by_state
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

if TYPE_CHECKING:
    from sqlalchemy import Row

STATES = ("does-not-conform", "insufficient", "no-data", "conforms")
"""The states of campaigns, worst first."""

OUTCOME_STATES = (*STATES, "information")
"""The states of outcomes, worst first."""

MOST_OUTCOMES = 300
"""How many outcomes a page shows; the CSV has all of them."""


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

    @property
    def outcomes(self) -> Outcomes:
        """All its outcomes, as they are asked for."""
        return Outcomes(self.row.stream, self.row.campaign, self.row.scheme)

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
    rows = campaigns_named(reading, stream, campaign)
    found = next((row for row in rows if scheme in {"", row.scheme}), None)
    if found is None:
        raise NotHere
    return FoundCampaign(found, read_campaign(found.body), tuple(row.scheme for row in rows))


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
    rows = read_by_state(reading, found.outcomes, OUTCOME_STATES, limit)
    return [
        each
        for each in map(outcome_line, rows)
        if each.row.is_binding or each.body is None or each.body.tried or each.row.value is not None
    ]


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
