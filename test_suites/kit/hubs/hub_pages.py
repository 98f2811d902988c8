"""Pages of a hub with invented figures, for tests and pictures: a register, and sites in all states.

The register is that of ``site_example``; its private texts hold the word PRIVATE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter

from harness.cli.hub_register import register_documents
from harness.model.decision import Status
from harness.model.hub_access import Role, Viewer
from harness.model.stream import OWNER
from harness.store.hub.projection import Document, replace_documents
from harness.store.hub.repository import Repository
from harness.store.hub.row_security import PUBLIC_KIND
from harness.store.hub.upload_store import FINAL
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry
from reports.dashboard.pages import register, sites, states
from reports.dashboard.pages.uploads import upload_pages
from reports.dashboard.sites_port import SiteFacts, SiteSchedule
from reports.site.public_facts import public_register
from reports.site.register_documents import field_document
from test_suites.kit.campaigns.invented_uploads import InventedUploads, path_of
from test_suites.kit.hubs.hub_serving import viewers_of
from test_suites.kit.hubs.site_example import NOW, checks_of, example_views

VIEWS = example_views()
HILL = "Hill School"
LONG = "St Bartholomew and All Saints Federated Church of England Primary School, Moorside"


@contextmanager
def filled_registry(folder: Path) -> Iterator[Registry]:
    """A registry whose rows of the register are made."""
    with open_registry(folder / "registry.db", create=True) as registry:
        with registry.transaction(is_writing=True) as connection:
            for view in VIEWS:
                replace_documents(
                    connection, view.name, PUBLIC_KIND, register_documents(view, folder)
                )
            checks = field_document(checks_of(VIEWS), OWNER)
            document = Document(PUBLIC_KIND, checks.id, "", "", NOW, checks.body)
            replace_documents(connection, OWNER, PUBLIC_KIND, [document])
        yield registry


class InventedSites:
    """Sites in every state, the same for everybody, but for schools only what they may see."""

    def __init__(self, found: tuple[SiteFacts, ...]) -> None:
        self.found = found

    def sites(self, viewer: Viewer) -> tuple[SiteFacts, ...]:
        """The sites."""
        if viewer.role is Role.SCHOOL:
            return tuple(each.for_school() for each in self.found if each.site in viewer.sites)
        return self.found

    def with_runs(self, viewer: Viewer, sites: Sequence[SiteFacts]) -> tuple[SiteFacts, ...]:
        """The sites as they are."""
        assert viewer.role is not Role.SCHOOL
        return tuple(sites)


def many_sites(count: int) -> tuple[SiteFacts, ...]:
    """So many sites without an agent."""
    return tuple(
        SiteFacts(site=f"School {number:03}", service="Safe Net", supplier="Acme", state="none")
        for number in range(1, count + 1)
    )


def invented_sites() -> tuple[SiteFacts, ...]:
    """A site in each state."""
    service, supplier = "SchoolShield Gateway", "Northgate Learning Networks"
    daily = (
        SiteSchedule(name="daily", next=NOW + timedelta(hours=18)),
        SiteSchedule(name="weekly-full", next=NOW + timedelta(days=3)),
    )

    def at(site: str, **facts: object) -> SiteFacts:
        return SiteFacts(site=site, service=service, supplier=supplier, **facts)  # type: ignore[arg-type]

    page = "schoolshield-gateway"
    alive = {
        "state": "alive", "agent": "3f0c", "contact": NOW - timedelta(minutes=4),
        "measured": NOW - timedelta(minutes=30), "clock_offset": 0.31, "clock_bound": 0.05,
        "clock_age": 61.0, "version": "0.1.0", "schedules": daily, "is_intercepted": False,
        "last_run": NOW - timedelta(hours=5), "last_campaign": "hill-2026-11-20",
        "status": Status.ACCREDITED, "page": page,
    }  # fmt: skip
    opened = {"is_intercepted": True, "issuer": "Council Web Filter CA", "proxy": "10.0.0.1:3128"}
    return (
        at(HILL, **alive),
        at("Vale School", **{**alive, **opened, "clock_offset": -93.0, "waiting": 3, "aside": 1}),
        at(
            LONG,
            **{
                **alive, "state": "silent", "contact": NOW - timedelta(days=2),
                "measured": NOW - timedelta(days=2, hours=1), "trouble": "no answer from the hub",
                "failed": "must-block pages came through on <b>pupils</b>",
            },
        ),
        at("Lake School", state="enrolled", agent="77aa", schedules=daily),
        at("Ford School", state="invited", until=NOW + timedelta(days=6), schedules=daily),
        at("Mill School", state="expired", until=NOW - timedelta(days=6)),
        at("Park School", state="revoked", agent="9b1e", reason="the device was stolen"),
        at("Dale School", state="none"),
    )  # fmt: skip


class HubPage(NamedTuple):
    """A page, by its path, and the role of who looks; no role is the public."""

    path: str
    role: str = ""


def service_page() -> str:
    """The path of a page of the register."""
    (gateway,) = (each for each in public_register(VIEWS, NOW).services if "Gateway" in each.name)
    return f"/register/{gateway.page}"


def example_pages() -> tuple[HubPage, ...]:
    """Every page of ``example_routes``."""
    return (
        HubPage("/"),
        HubPage("/?needs=url&needs=dns"),
        HubPage("/?q=nothing+of+that+name", Role.SCHEME_OWNER),
        HubPage(service_page()),
        HubPage(service_page(), Role.SUPPLIER),
        HubPage("/certificates"),
        HubPage("/certificates?number=C-1"),
        HubPage("/guide"),
        HubPage("/states"),
        HubPage("/states", Role.ASSESSOR),
        HubPage("/sites", Role.ASSESSOR),
        HubPage("/sites?q=nothing", Role.ADMINISTRATOR),
        HubPage("/sites", Role.SCHOOL),
        HubPage("/uploads", Role.ASSESSOR),
        HubPage("/uploads", Role.SUPPLIER),
        *(HubPage(path_of(state), Role.ASSESSOR) for state in sorted(FINAL)),
    )


def example_viewers() -> dict[str, Viewer]:
    """A viewer of each role."""
    return viewers_of(frozenset({VIEWS[0].name}), frozenset({HILL, LONG, "Lake School"}))


def example_routes(repository: Repository) -> tuple[APIRouter, ...]:
    """The routes of the public pages, of sites, of the states, and of uploads."""
    port = InventedSites(invented_sites())
    return (
        states.routes(),
        register.routes(repository),
        sites.routes(port),
        upload_pages(InventedUploads()),
    )
