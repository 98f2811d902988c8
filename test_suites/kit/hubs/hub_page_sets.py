"""All pages of a hub over the examples of their tests, to look at in a browser.

``PAGE_SETS`` gives for each set an application and its pages. Whoever adds pages adds a set, or
pages to one: every check of ``test_suites/browser/test_hub_pages.py`` is done on each page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from pyotp import TOTP
from starlette.types import ASGIApp

from harness.model.hub_access import Role
from harness.store.hub.people import Person
from harness.store.hub.repository import Repository
from harness.store.hub.sessions import NewSession
from harness.store.hub.sign_in import Origin
from reports.dashboard.addresses import address
from reports.dashboard.service_reading import service_address
from test_suites.kit.hubs.follow_up_desk import ACME, TERMS, FollowUpDesk, path_of_plan
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.hub_items_example import AFTER, BEFORE, NORTHGATE, campaigns_registry
from test_suites.kit.hubs.hub_items_pages import ASSESSOR, SUPPLIER, PagesWorld, of_campaign
from test_suites.kit.hubs.hub_pages import (
    HubPage,
    example_pages,
    example_routes,
    example_viewers,
    filled_registry,
)
from test_suites.kit.hubs.hub_result_pages import ResultPages
from test_suites.kit.hubs.hub_serving import app_of
from test_suites.kit.hubs.projected_example import projected
from test_suites.kit.hubs.site_example import example_views
from test_suites.kit.hubs.web_example import PASSWORD, WebExample, web_example


def session_of(web: WebExample, person: Person) -> NewSession:
    """A new session of a person, which lacks the code of one who has a second factor."""
    begun = web.accounts.sign_in.with_password(person.email, PASSWORD, Origin("192.0.2.1", "x"))
    assert begun is not None
    return begun


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
def accounts_set(folder: Path) -> Iterator[PageSet]:
    """Sign-in, one's own account, and the administration; a session's secret names who looks."""
    with web_example(HubExample(folder).make(), is_secure=False) as web:
        web.add(Role.ASSESSOR)
        web.add(Role.SCHOOL)
        supplier = web.add(Role.SUPPLIER)
        admin, person = web.add(Role.ADMINISTRATOR), web.add(Role.SCHEME_OWNER)
        own = web.accounts.own
        own.make_token(person.id, "Audit of the year", ["read-audit"], 6, actor=person.name)
        web.accounts.accounts.disable("school@example.org", "left", actor=admin.name)
        whole = session_of(web, person)
        totp = TOTP(own.offer_second_factor(person.id, PASSWORD))
        whole = own.confirm_second_factor(whole.session, totp.at(web.hub.clock.at))
        half, of_admin = session_of(web, person), session_of(web, admin)
        paths = ("", "/roles", "/tokens", "/sessions", "/audit", "/people/new")
        yield PageSet(
            web.app,
            (
                HubPage("/sign-in"),
                HubPage("/sign-in", half.secret),
                HubPage("/account", whole.secret),
                HubPage("/account?done=second-factor", of_admin.secret),
                *(HubPage(f"/admin{path}", of_admin.secret) for path in paths),
                HubPage(f"/admin/people/{person.id}", of_admin.secret),
                HubPage("/uploads", session_of(web, supplier).secret),
            ),
        )


PAGE_SETS: Mapping[str, Callable[[Path], AbstractContextManager[PageSet]]] = {
    "public": public_set,
    "follow-up": follow_up_set,
    "items": items_set,
    "results": results_set,
    "accounts": accounts_set,
}
