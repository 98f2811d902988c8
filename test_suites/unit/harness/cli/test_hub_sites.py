"""Sites and their agents: states, schedules and last runs, and who sees which of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert

from harness.cli.hub_agents import AgentHub
from harness.cli.hub_sites import HubSites
from harness.fleet.messages import AgentStatus, ClockReport, Poll, SentinelBracket, UplinkReport
from harness.model.decision import Status
from harness.model.hub_access import Role, Viewer
from harness.model.stream import stream_of
from harness.store.hub.hub_tables import CAMPAIGNS
from harness.store.hub.projection import Document, replace_documents
from harness.store.hub.repository import Repository
from harness.store.hub.row_security import PUBLIC_KIND
from reports.dashboard.sites_port import SiteFacts
from reports.site.public_facts import Period, public_register
from test_suites.kit.hubs.hub_example import HILL, NOW, VALE, HubExample
from test_suites.kit.hubs.hub_pages import VIEWS

OWNER = Viewer(role=Role.SCHEME_OWNER, person="1", streams=None)


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    return HubExample(tmp_path).make()


@contextmanager
def opened(example: HubExample) -> Iterator[tuple[AgentHub, HubSites]]:
    with example.running() as hub:
        yield hub, HubSites(hub, Repository(hub.registry), example.clock)


def supplier_stream(hub: AgentHub) -> str:
    service = hub.hub.read_monitoring().services[0]
    return stream_of(service.supplier or "", service.service)


def status() -> Poll:
    bracket = SentinelBracket(schedule="daily", at=NOW, held=True)
    said = AgentStatus(
        version="0.1.0",
        brackets=(bracket,),
        clock=ClockReport(offset=-3.5, bound=0.1, age=60),
        uplink=UplinkReport(is_intercepted=True, issuer="PRIVATE CA"),
    )
    return Poll(status=said)


def by_site(found: tuple[SiteFacts, ...]) -> dict[str, SiteFacts]:
    return {each.site: each for each in found}


def test_sites_of_the_monitoring_file_are_listed_before_there_is_an_agent(
    example: HubExample,
) -> None:
    with opened(example) as (_, port):
        found = by_site(port.with_runs(OWNER, port.sites(OWNER)))

    assert {HILL: "none", VALE: "none"} == {name: each.state for name, each in found.items()}
    assert (found[HILL].schedules[0].next or NOW) > NOW


def test_an_agent_is_invited_enrolled_alive_silent_and_revoked(example: HubExample) -> None:
    states = []
    with opened(example) as (hub, port):
        token = example.invite(HILL)
        states.append(by_site(port.sites(OWNER))[HILL].state)
        agent = example.device(token)
        agent.enrol(token)
        states.append(by_site(port.sites(OWNER))[HILL].state)
        agent.ask(status())
        found = by_site(port.sites(OWNER))[HILL]
        states.append(found.state)
        example.clock.at += timedelta(hours=3)
        states.append(by_site(port.sites(OWNER))[HILL].state)
        hub.fleet.revoke(found.agent, "stolen", "me")
        states.append(by_site(port.sites(OWNER))[HILL].state)

    assert ["invited", "enrolled", "alive", "silent", "revoked"] == states
    assert (NOW, NOW, -3.5, 0.1, 60) == (
        found.contact, found.measured, found.clock_offset, found.clock_bound, found.clock_age,
    )  # fmt: skip
    assert (True, "PRIVATE CA", "0.1.0") == (found.is_intercepted, found.issuer, found.version)


def test_an_agent_that_was_invited_again_takes_the_place_of_the_revoked_one(
    example: HubExample,
) -> None:
    with opened(example) as (hub, port):
        first = example.agent(HILL)
        hub.fleet.revoke(first.id, "stolen", "me")
        example.invite(HILL)
        found = port.sites(OWNER)

    assert ["invited", "none"] == [each.state for each in found]


def test_the_last_run_is_that_of_the_site(example: HubExample) -> None:
    with opened(example) as (hub, port):
        rows = [
            {
                "stream": supplier_stream(hub), "campaign": f"{site}-{day}", "scheme": "s",
                "service": "Safe Net", "site": site, "schedule": "daily",
                "measured_at": NOW - timedelta(days=day), "state": "conforms", "conforms": 1,
                "does_not_conform": 0, "insufficient": 0, "observations": 1, "journal": "",
                "has_items": False, "body": "{}",
            }
            for site, day in ((HILL, 3), (HILL, 1), (VALE, 0))
        ]  # fmt: skip
        with hub.registry.transaction(is_writing=True) as connection:
            connection.execute(insert(CAMPAIGNS), rows)
        found = by_site(port.with_runs(OWNER, port.sites(OWNER)))
        foreign = Viewer(role=Role.SUPPLIER, streams=frozenset({stream_of("Somebody else")}))
        hidden = by_site(port.with_runs(foreign, port.sites(OWNER)))

    assert (f"{HILL}-1", NOW - timedelta(days=1)) == (
        found[HILL].last_campaign, found[HILL].last_run,
    )  # fmt: skip
    assert None is hidden[HILL].last_run


def test_a_supplier_sees_its_own_sites_and_others_none(example: HubExample) -> None:
    with opened(example) as (hub, port):
        own = Viewer(role=Role.SUPPLIER, streams=frozenset({supplier_stream(hub)}))
        foreign = Viewer(role=Role.SUPPLIER, streams=frozenset({stream_of("Somebody else")}))
        seen = [{each.site for each in port.sites(viewer)} for viewer in (own, foreign, Viewer())]

    assert [{HILL, VALE}, set(), set()] == seen


def test_a_school_sees_its_own_site_and_nothing_of_the_inside(example: HubExample) -> None:
    viewer = Viewer(role=Role.SCHOOL, sites=frozenset({" hill  SCHOOL "}))
    with opened(example) as (_, port):
        example.agent(HILL).ask(status())
        (found,) = port.sites(viewer)
        foreign = Viewer(role=Role.SCHOOL, sites=frozenset({"Hill", ""}))
        nothing = port.sites(foreign)

    assert () == nothing
    assert (HILL, "alive", NOW) == (found.site, found.state, found.measured)
    assert (None, "", "", (), "") == (
        found.is_intercepted, found.issuer, found.agent, found.schedules, found.version,
    )  # fmt: skip
    assert "PRIVATE" not in repr(found)


def test_a_faulty_monitoring_file_leaves_the_agents(example: HubExample) -> None:
    with opened(example) as (hub, port):
        example.invite(HILL)
        hub.hub.monitoring_path.write_text("monitoring: [", encoding="utf-8")
        found = port.with_runs(OWNER, port.sites(OWNER))
        hub.hub.monitoring_path.unlink()
        without = port.with_runs(OWNER, port.sites(OWNER))

    assert [(HILL, "invited", ())] == [(each.site, each.state, each.schedules) for each in found]
    assert found == without


def test_the_status_is_that_of_the_version_that_was_accredited_last(example: HubExample) -> None:
    with opened(example) as (hub, port):
        declared = hub.hub.read_monitoring().services[0]
        stream = supplier_stream(hub)

        def version(name: str, first: int, status: Status, since: int) -> Document:
            begun = NOW - timedelta(days=first)
            service = msgspec.structs.replace(
                public_register(VIEWS, NOW).services[0],
                name=declared.service, supplier=declared.supplier or "", page=name,
                version=name, status=status, since=NOW - timedelta(days=since), valid_until=None,
                history=(Period(status=Status.ACCREDITED, since=begun, until=None),),
            )  # fmt: skip
            body = msgspec.json.encode(service).decode()
            return Document(PUBLIC_KIND, name, declared.service, status, NOW, body)

        with hub.registry.transaction(is_writing=True) as connection:
            made = [
                version("7.1", 400, Status.EXPIRED, 5),
                version("7.2", 60, Status.ACCREDITED, 60),
            ]
            replace_documents(connection, stream, PUBLIC_KIND, made)
        found = by_site(port.sites(OWNER))[HILL]

    assert (Status.ACCREDITED, "7.2") == (found.status, found.page)
