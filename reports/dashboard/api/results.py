"""The API for results: campaigns, their outcomes, and what happened to items."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Depends

from harness.model.hub_access import Permission, Viewer
from harness.store.hub.export_rows import KEYS, Wanted, key_of, read_table
from harness.store.hub.repository import Repository
from reports.dashboard.access import AnyViewer, require
from reports.dashboard.addresses import name_in
from reports.dashboard.api.answers import (
    CampaignAnswer,
    CampaignDetail,
    ItemAnswer,
    Listed,
    OutcomeAnswer,
)
from reports.dashboard.api.listing import (
    PREFIX,
    REFUSALS,
    USUAL,
    After,
    Limit,
    Name,
    When,
    in_utc,
    key_in,
    name,
    page_of,
)
from reports.dashboard.campaign_reading import find_campaign
from reports.dashboard.item_words import told
from reports.dashboard.rate_limit import RateLimit

KEY_TYPES: dict[str, tuple[type, ...]] = {
    table: tuple(int if each == "number" else str for each in names)
    for table, names in KEYS.items()
}
READS = {
    "campaigns": (Permission.READ_RESULTS,),
    "outcomes": (Permission.READ_RESULTS,),
    "items": (Permission.READ_RESULTS, Permission.READ_ITEMS),
}
"""What reading each table needs."""


def result_routes(repository: Repository, limit_rate: RateLimit) -> APIRouter:
    """The routes of results."""
    router = APIRouter(
        prefix=PREFIX, tags=["results"], responses=REFUSALS, dependencies=[Depends(limit_rate)]
    )

    @router.get("/campaigns")
    def campaigns(
        viewer: AnyViewer, service: Name = "", state: Name = "", since: When = None,
        until: When = None, after: After = "", limit: Limit = USUAL,
    ) -> Listed[CampaignAnswer]:  # fmt: skip
        """Campaigns in the order of their keys."""
        wanted = Wanted(
            service=name(service), state=name(state), since=in_utc(since), until=in_utc(until)
        )
        rows, following = _read(repository, viewer, "campaigns", wanted, after, limit)
        return Listed(rows=[CampaignAnswer.model_validate(each) for each in rows], next=following)

    @router.get("/campaigns/{stream}/{campaign}")
    def campaign(
        viewer: AnyViewer, stream: str, campaign: str, scheme: Name = ""
    ) -> CampaignDetail:
        """One campaign with what its page tells."""
        require(viewer, *READS["campaigns"])
        with repository.reading(viewer) as reading:
            found = find_campaign(reading, name_in(stream), name_in(campaign), name(scheme))
        answer = CampaignAnswer.model_validate(found.row)
        details = msgspec.to_builtins(found.body) if found.body else {}
        return CampaignDetail(**answer.model_dump(), details=details)

    _add_of_campaign(router, repository)
    _add_outcomes(router, repository)
    return router


def _add_of_campaign(router: APIRouter, repository: Repository) -> None:
    @router.get("/campaigns/{stream}/{campaign}/outcomes")
    def outcomes_of_campaign(
        viewer: AnyViewer, stream: str, campaign: str, after: After = "", limit: Limit = USUAL
    ) -> Listed[OutcomeAnswer]:
        """The outcomes of a campaign, by all schemes that assessed it."""
        wanted = _of_campaign(repository, viewer, "outcomes", stream, campaign)
        rows, following = _read(repository, viewer, "outcomes", wanted, after, limit)
        return Listed(rows=[OutcomeAnswer.model_validate(each) for each in rows], next=following)

    @router.get("/campaigns/{stream}/{campaign}/items")
    def items_of_campaign(
        viewer: AnyViewer, stream: str, campaign: str, state: Name = "", after: After = "",
        limit: Limit = USUAL,
    ) -> Listed[ItemAnswer]:  # fmt: skip
        """What happened to the items of a campaign."""
        wanted = _of_campaign(repository, viewer, "items", stream, campaign)
        wanted = wanted._replace(state=name(state))
        rows, following = _read(repository, viewer, "items", wanted, after, limit)
        return Listed(rows=[item_answer(each, viewer) for each in rows], next=following)


def _add_outcomes(router: APIRouter, repository: Repository) -> None:
    @router.get("/outcomes")
    def outcomes(
        viewer: AnyViewer, service: Name = "", requirement: Name = "", state: Name = "",
        since: When = None, until: When = None, after: After = "", limit: Limit = USUAL,
    ) -> Listed[OutcomeAnswer]:  # fmt: skip
        """The outcomes of all campaigns."""
        wanted = Wanted(
            service=name(service), requirement=name(requirement), state=name(state),
            since=in_utc(since), until=in_utc(until),
        )  # fmt: skip
        rows, following = _read(repository, viewer, "outcomes", wanted, after, limit)
        return Listed(rows=[OutcomeAnswer.model_validate(each) for each in rows], next=following)


def item_answer(row: Any, viewer: Viewer) -> ItemAnswer:
    """An item as the viewer may know it."""
    said = told(row, viewer)
    names = ("stream", "campaign", "number", "category", "profile", "line", "probe", "state",
             "mechanism", "rule")  # fmt: skip
    return ItemAnswer(
        item=said.name, value=said.value, is_withheld=said.is_withheld, tried_at=said.tried_at,
        **{each: getattr(row, each) for each in names},
    )  # fmt: skip


def _of_campaign(
    repository: Repository, viewer: Viewer, table: str, stream: str, campaign: str
) -> Wanted:
    """The rows of one campaign. Raises NotHere if the viewer sees none of that name."""
    require(viewer, *READS[table])
    with repository.reading(viewer) as reading:
        found = find_campaign(reading, name_in(stream), name_in(campaign))
    return Wanted(stream=found.row.stream, campaign=found.row.campaign)


def _read(
    repository: Repository, viewer: Viewer, table: str, wanted: Wanted, after: str, limit: int
) -> tuple[list[Any], str | None]:
    """A page of a table, and its cursor."""
    require(viewer, *READS[table])
    key = key_in(after, KEY_TYPES[table])
    with repository.reading(viewer) as reading:
        rows = read_table(reading, table, wanted, key, limit + 1)
    last = key_of(table, rows[limit - 1]) if len(rows) > limit else None
    return page_of(rows, limit, last)
