"""The overview, and the pages of services and requirements, asked by viewers of each role."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import httpx
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import Engine, event

from harness.model.hub_access import Permission, Role, Viewer
from harness.model.surveillance_event import MonitoringDeclared, SurveillanceRun
from harness.store.hub.repository import Repository
from reports.dashboard.pages import campaign, campaigns, items, overview, requirement, service
from test_suites.kit.hubs.hub_serving import app_of, viewers_of
from test_suites.kit.hubs.projected_example import Projected
from test_suites.kit.hubs.site_example import NOW

ASSESSOR, SUPPLIER = Role.ASSESSOR.value, Role.SUPPLIER.value
READERS = (ASSESSOR, Role.SCHEME_OWNER.value, Role.DECISION_MAKER.value)
TOKEN = "token"
"""A token of an assessor that may read figures alone."""

MODULES = (overview, service, requirement, campaigns, campaign, items)


class ResultPages:
    """The pages over a projected example; a supplier's viewer sees ``own``."""

    def __init__(self, example: Projected, own: frozenset[str] = frozenset()) -> None:
        self.example = example
        repository = Repository(example.registry)
        viewers: dict[str, Viewer] = viewers_of(own, frozenset({"Hill School"}))
        viewers[TOKEN] = Viewer(
            role=Role.ASSESSOR, person="id-token", streams=None,
            only=frozenset({Permission.READ_RESULTS}),
        )  # fmt: skip
        routes = tuple(each.routes(repository) for each in MODULES)
        self.app = app_of(example.registry, routes, viewers, now=example.clock.now)
        self._transport = httpx.ASGITransport(self.app)

    def get(self, path: str, who: str = ASSESSOR) -> httpx.Response:
        """The answer to a viewer, or to the public without ``who``."""
        return asyncio.run(self._get(path, who))

    def page(self, path: str, who: str = ASSESSOR) -> LexborHTMLParser:
        """A page that is there."""
        answer = self.get(path, who)
        assert 200 == answer.status_code, (path, answer.text)
        return LexborHTMLParser(answer.text)

    async def _get(self, path: str, who: str) -> httpx.Response:
        headers: Mapping[str, str] = {"Cookie": f"accredit_session={who}"} if who else {}
        async with httpx.AsyncClient(transport=self._transport, base_url="http://hub") as client:
            return await client.get(path, headers=headers)


def links(page: LexborHTMLParser) -> list[str]:
    """The addresses of this host that the main part of a page leads to."""
    found = [node.attributes.get("href") or "" for node in page.css("main a")]
    return [each for each in found if each.startswith("/")]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The questions to databases while the context is open."""
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def declare_monitoring(example: Projected, stream: str, service: str) -> None:
    """Monitor a service daily at two schools, of which one was not measured for 40 days."""
    at = NOW - timedelta(days=40)
    example.append(
        stream,
        MonitoringDeclared(
            at=at, actor="owner", service=service, monitoring="north", declaration="{}",
            sites=("Hill School", "Vale School"), sites_for_alarm=1,
        ),
        *(
            SurveillanceRun(
                at=when, actor="agent", service=service, monitoring="north", site=site,
                schedule="daily", due=when, result="measured", begun=when, runs_per_year=365,
                campaign=f"watch-{site[:4]}",
            )
            for site, when in (("Hill School", at), ("Vale School", NOW - timedelta(hours=3)))
        ),
    )  # fmt: skip
