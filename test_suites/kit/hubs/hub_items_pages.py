"""The pages of campaigns and items over the example of items, asked by viewers of each role."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import httpx
from fastapi import APIRouter
from selectolax.lexbor import LexborHTMLParser, LexborNode

from harness.cli.hub_evidence import KeptBodies
from harness.model.hub_access import Permission, Role, Viewer
from harness.store.hub.hub_tables import ITEMS
from harness.store.hub.repository import Repository
from harness.store.registry.streams import Registry
from reports.dashboard.addresses import address
from reports.dashboard.pages import campaign, campaigns, comparison, item, items
from test_suites.kit.hubs.hub_items_example import (
    AFTER,
    BEFORE,
    NORTHGATE,
    PAGE,
    THEIR_PAGE,
    HeldAudit,
)
from test_suites.kit.hubs.hub_serving import app_of, viewers_of

SUPPLIER, ASSESSOR, SCHOOL = Role.SUPPLIER.value, Role.ASSESSOR.value, Role.SCHOOL.value
READERS = {each.value for each in (Role.SCHEME_OWNER, Role.ASSESSOR, Role.DECISION_MAKER)}
TOKEN = "token"
PAGE_SHA, THEIR_SHA = (each.digest.removeprefix("sha256:") for each in (PAGE, THEIR_PAGE))


class PagesWorld:
    """The pages over a registry; ``get`` asks as a viewer, by its name."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry, self.folder = registry, folder
        self.audit = HeldAudit()
        repository = Repository(registry)
        self.viewers = viewers_of(frozenset({NORTHGATE}), frozenset({"Moorside"}))
        self.viewers[TOKEN] = Viewer(
            role=Role.ASSESSOR, person="id-token", streams=None,
            only=frozenset({Permission.READ_RESULTS}),
        )  # fmt: skip
        routes: tuple[APIRouter, ...] = (
            campaigns.routes(repository),
            items.routes(repository),
            item.routes(repository, self.audit, KeptBodies(folder)),
            comparison.routes(repository),
            campaign.routes(repository),
        )
        self.app = app_of(registry, routes, self.viewers)
        self.transport = httpx.ASGITransport(self.app)

    def get(self, path: str, who: str = ASSESSOR) -> httpx.Response:
        return asyncio.run(self._get(path, who))

    async def _get(self, path: str, who: str) -> httpx.Response:
        cookies = {"Cookie": f"accredit_session={who}"} if who else {}
        async with httpx.AsyncClient(transport=self.transport, base_url="http://hub") as client:
            return await client.get(path, headers=cookies)

    def page(self, path: str, who: str = ASSESSOR) -> LexborHTMLParser:
        answer = self.get(path, who)
        assert 200 == answer.status_code, (path, answer.text)
        return LexborHTMLParser(answer.text)

    def number(self, name: str, campaign: str = AFTER) -> int:
        with self.registry.transaction() as connection:
            found = connection.execute(
                ITEMS.select().where(ITEMS.c.item == name, ITEMS.c.campaign == campaign)
            ).first()
        assert found is not None
        return int(found.number)

    def item(self, name: str, *more: str, campaign: str = AFTER) -> str:
        return of_campaign("items", str(self.number(name, campaign)), *more, campaign=campaign)


def of_campaign(*more: str, campaign: str = AFTER, stream: str = NORTHGATE, **values: str) -> str:
    return address("campaigns", stream, campaign, *more, **values)


def heading(page: LexborHTMLParser) -> str:
    (found,) = page.css("h1")
    return found.text()


def table_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert 200 == answer.status_code
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def links(page: LexborHTMLParser) -> list[str]:
    return [str(each.attributes["href"]) for each in page.css("main a")]


def text_of(page: LexborHTMLParser | LexborNode, selector: str) -> str:
    """The text of the first element that a selector finds."""
    found = page.css_first(selector)
    assert found is not None, selector
    return found.text()


PATHS = (
    "/campaigns",
    "/campaigns.csv",
    of_campaign(),
    of_campaign("outcomes") + ".csv",
    of_campaign("checks") + ".csv",
    of_campaign("items"),
    of_campaign("items") + ".csv",
    of_campaign("items", "1"),
    of_campaign("items", "1", "evidence", PAGE_SHA),
    address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER),
)
