"""All pages of a hub over the examples of their tests, to look at in a browser.

``PAGE_SETS`` gives for each set an application and its pages. Whoever adds pages adds a set, or
pages to one: every check of ``test_suites/browser/test_hub_pages.py`` is done on each page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from starlette.types import ASGIApp

from harness.model.hub_access import Role
from harness.store.hub.repository import Repository
from reports.dashboard.access import COOKIE
from reports.dashboard.addresses import address
from reports.dashboard.service_reading import service_address
from test_suites.follow_up_desk import ACME, TERMS, FollowUpDesk, path_of_plan
from test_suites.hub_items_example import AFTER, BEFORE, NORTHGATE, campaigns_registry
from test_suites.hub_items_pages import ASSESSOR, SUPPLIER, PagesWorld, of_campaign
from test_suites.hub_pages import (
    HubPage,
    example_pages,
    example_routes,
    example_viewers,
    filled_registry,
)
from test_suites.hub_result_pages import ResultPages
from test_suites.hub_serving import app_of
from test_suites.projected_example import projected
from test_suites.site_example import example_views
from test_suites.unit.harness.cli.hub_example import HubExample
from test_suites.unit.harness.cli.web_example import web_example


class PageSet(NamedTuple):
    """An application, and its pages with the name of the session of who looks."""

    app: ASGIApp
    pages: tuple[HubPage, ...]


@contextmanager
def public_set(folder: Path) -> Iterator[PageSet]:
    """The public pages, sites and states."""
    with filled_registry(folder) as registry:
        app = app_of(registry, example_routes(Repository(registry)), example_viewers())
        yield PageSet(app, example_pages())


@contextmanager
def follow_up_set(folder: Path) -> Iterator[PageSet]:
    """Action plans, decisions and alarms."""
    desk = FollowUpDesk(folder / "out")
    try:
        critical = desk.open_plan(1, severity="Crit")
        desk.later(8)
        submitted = desk.open_plan(2)
        desk.open_plan(1, supplier="Beta", service="Calm Net")
        desk.act(submitted, "submit", "acme", **TERMS)
        desk.campaign()
        alarm = desk.raise_alarm()
        decision = address("decisions", ACME, "spring@becta-2008")
        yield PageSet(
            desk.app,
            (
                HubPage("/plans", "assessor"),
                HubPage("/plans?waiting=assessor&service=Nothing", "owner"),
                HubPage("/plans", "acme"),
                HubPage(path_of_plan(critical), "acme"),
                HubPage(path_of_plan(submitted), "assessor"),
                HubPage("/alarms", "assessor"),
                HubPage("/alarms", "beta"),
                HubPage(address("alarms", ACME, alarm), "assessor"),
                HubPage("/decisions", "decider"),
                HubPage(decision, "decider"),
                HubPage(f"{decision}?proposal=yes", "decider"),
            ),
        )
    finally:
        desk.close()


@contextmanager
def items_set(folder: Path) -> Iterator[PageSet]:
    """Campaigns, items, one trial, and two runs compared."""
    with campaigns_registry(folder) as registry:
        world = PagesWorld(registry, folder)
        compared = address("compare", stream=NORTHGATE, before=BEFORE, after=AFTER)
        yield PageSet(
            world.app,
            (
                HubPage("/campaigns", ASSESSOR),
                HubPage("/campaigns", SUPPLIER),
                HubPage(of_campaign(), ASSESSOR),
                HubPage(of_campaign("items"), ASSESSOR),
                HubPage(of_campaign("items"), SUPPLIER),
                HubPage(of_campaign("items", "1"), ASSESSOR),
                HubPage(of_campaign("items", "1"), SUPPLIER),
                HubPage(compared, ASSESSOR),
            ),
        )


@contextmanager
def results_set(folder: Path) -> Iterator[PageSet]:
    """The overview, services and requirements."""
    northgate, brightwater = (view.name for view in example_views())
    gateway = service_address(northgate, "SchoolShield Gateway")
    harbour = service_address(brightwater, "Harbour Filter")
    with projected(folder) as example:
        example.projector.catch_up()
        world = ResultPages(example, frozenset({brightwater}))
        yield PageSet(
            world.app,
            (
                HubPage("/overview", ASSESSOR),
                HubPage("/overview", SUPPLIER),
                HubPage(gateway, ASSESSOR),
                HubPage(harbour, SUPPLIER),
                HubPage(f"{gateway}/requirements/URL-04", ASSESSOR),
            ),
        )


@contextmanager
def people_set(folder: Path) -> Iterator[PageSet]:
    """Signing in, one's own account, administration, and uploads."""
    with web_example(HubExample(folder).make(), is_secure=False) as web:
        secrets = {
            role: str(web.signed_in(role).client.cookies[COOKIE])
            for role in (Role.ADMINISTRATOR, Role.SUPPLIER, Role.SCHOOL)
        }
        administrator = secrets[Role.ADMINISTRATOR]
        yield PageSet(
            web.app,
            (
                HubPage("/sign-in"),
                HubPage("/sign-in?to=/plans"),
                *(HubPage("/account", secret) for secret in secrets.values()),
                *(
                    HubPage(f"/admin{path}", administrator)
                    for path in ("", "/roles", "/tokens", "/sessions", "/audit")
                ),
                HubPage("/uploads", secrets[Role.SUPPLIER]),
            ),
        )


PAGE_SETS: Mapping[str, Callable[[Path], AbstractContextManager[PageSet]]] = {
    "public": public_set,
    "follow-up": follow_up_set,
    "items": items_set,
    "results": results_set,
    "people": people_set,
}
