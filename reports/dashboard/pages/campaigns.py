"""The list of campaigns: newest first, by service, site and state, and as CSV."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from fastapi import APIRouter, Request, Response

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.campaign_rows import (
    NAMES,
    Before,
    Wanted,
    count_campaigns,
    newest_campaigns,
)
from harness.store.hub.repository import Repository
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.addresses import address, checked, place_after, place_in
from reports.dashboard.campaign_reading import (
    STATES,
    campaign_url,
    service_url,
    supplier_name,
)
from reports.dashboard.csv_answers import Cell, csv_answer
from reports.dashboard.rendering import page

ON_A_PAGE, AT_ONCE = 25, 1000
_PLACES = msgspec.json.Decoder(Before)

COLUMNS = (
    "supplier", "service", "campaign", "scheme", "site", "schedule", "measured_at", "state",
    "conforms", "does_not_conform", "insufficient", "observations",
)  # fmt: skip


def routes(repository: Repository) -> APIRouter:
    """The routes of this page."""
    router = APIRouter(include_in_schema=False)

    @router.get("/campaigns")
    def campaigns(
        request: Request,
        viewer: AnyViewer,
        service: str = "",
        site: str = "",
        state: str = "",
        after: str = "",
    ) -> Response:
        require(viewer, Permission.READ_RESULTS)
        wanted = _wanted(service, site, state)
        before = place_in(after, _PLACES)
        with repository.reading(viewer) as reading:
            rows = newest_campaigns(reading, wanted, before, ON_A_PAGE + 1)
            counts = count_campaigns(reading, wanted)
        shown = rows[:ON_A_PAGE]
        chosen = wanted._asdict()
        following = ""
        if len(rows) > ON_A_PAGE:
            last = shown[-1]
            place = place_after(last.measured_at, *(getattr(last, name) for name in NAMES))
            following = address("campaigns", **chosen, after=place)
        return page(
            request,
            "campaigns.html.j2",
            _title(sum(counts.values()), counts.get(STATES[0], 0)),
            rows=shown,
            wanted=wanted,
            states=STATES,
            next_url=following,
            all_url=address("campaigns"),
            csv_url="/campaigns.csv" + address(**chosen),
            campaign_url=campaign_url,
            service_url=service_url,
            supplier_name=supplier_name,
            address=address,
        )

    @router.get("/campaigns.csv")
    def table(viewer: AnyViewer, service: str = "", site: str = "", state: str = "") -> Response:
        require(viewer, Permission.READ_RESULTS)
        wanted = _wanted(service, site, state)
        return csv_answer("campaigns", COLUMNS, _all(repository, viewer, wanted))

    return router


def _wanted(service: str, site: str, state: str) -> Wanted:
    return Wanted(checked(service), checked(site), state if state in STATES else "")


def _title(total: int, failed: int) -> str:
    """How many campaigns the whole list has, and how many of them do not conform."""
    if not total:
        return "No campaign to show"
    if total == 1:
        return "One campaign, which does not conform" if failed else "One campaign"
    if not failed:
        return f"{total:,} campaigns, none of which failed a requirement"
    return f"{failed:,} of {total:,} campaigns {'does' if failed == 1 else 'do'} not conform"


def _all(repository: Repository, viewer: Viewer, wanted: Wanted) -> Iterator[tuple[Cell, ...]]:
    """All campaigns that match, a thousand at a time."""
    before = None
    while True:
        with repository.reading(viewer) as reading:
            rows = newest_campaigns(reading, wanted, before, AT_ONCE)
        for row in rows:
            values = (getattr(row, name) for name in COLUMNS[1:])
            yield (supplier_name(row.stream), *values)
        if len(rows) < AT_ONCE:
            return
        before = Before(rows[-1].measured_at, *(getattr(rows[-1], name) for name in NAMES))
