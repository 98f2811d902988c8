"""The pages of plans, decisions and alarms over a real registry, for people who are signed in.

Acme and Beta have services; Acme has a drafted plan of a critical and of a major finding, a campaign
that waits for a decision and an alarm. The rows of pages are made by the makers of the hub.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import msgspec
from starlette.types import ASGIApp

from harness.cli.hub_acts import HubActs
from harness.cli.hub_projector import Projector
from harness.cli.registry_session import RegistrySession, open_session, place_of
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.model.action_plan import Retest, RetestResult
from harness.model.alarm import AlarmRule, RaisedAlarm
from harness.model.event import (
    Event,
    FindingOpened,
    RecordAdded,
    RetestConcluded,
    RetestStarted,
    SoakMeasured,
)
from harness.model.hub_access import PUBLIC, Role, Viewer
from harness.model.registry_record import CampaignRecord, Service, ServiceVersion
from harness.model.soak import SoakCampaign
from harness.model.stream import stream_of
from harness.model.surveillance_event import AlarmRaised
from harness.ports.storage import Clock
from harness.store.hub.hub_tables import METADATA
from harness.store.hub.repository import Repository
from reports.dashboard.addresses import address
from reports.dashboard.app import HubParts, hub_app
from reports.dashboard.pages import alarms, decisions, plans, service
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.hub_serving import CSRF, NamedViewers, NoAgents

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACME, BETA = stream_of("Acme"), stream_of("Beta")
SERVICE = "Safe Net"
TERMS = {
    "owner": "Olive Owner",
    "action": "Load the list daily",
    "containment": "The category is blocked by hand",
    "cause": "A list was not loaded",
    "prevention": "Loading is watched",
}

PEOPLE = {
    "assessor": Viewer(role=Role.ASSESSOR, person="a" * 32, name="Ama Assessor", streams=None),
    "assessor-2": Viewer(role=Role.ASSESSOR, person="b" * 32, name="Bob Assessor", streams=None),
    "decider": Viewer(role=Role.DECISION_MAKER, person="d" * 32, name="Di Decider", streams=None),
    "owner": Viewer(role=Role.SCHEME_OWNER, person="e" * 32, name="Eve Owner", streams=None),
    "acme": Viewer(role=Role.SUPPLIER, person="f" * 32, name="Fay Acme", streams=frozenset({ACME})),
    "beta": Viewer(role=Role.SUPPLIER, person="9" * 32, name="Ben Beta", streams=frozenset({BETA})),
    "school": Viewer(
        role=Role.SCHOOL, person="7" * 32, name="Sue School", sites=frozenset({"Hill"})
    ),
    "administrator": Viewer(
        role=Role.ADMINISTRATOR, person="8" * 32, name="Ada Admin", streams=None
    ),
    "public": PUBLIC,
}


class FollowUpDesk:
    """A hub with a registry; ``get`` and ``post`` are requests of somebody."""

    def __init__(self, results: Path, clock: Clock | None = None) -> None:
        self.set_clock = SetClock(NOW)
        self.clock: Clock = clock or self.set_clock
        results.mkdir(exist_ok=True)
        self.path = results / "registry.sqlite"
        is_new = not self.path.exists()
        self._opening = open_session(self.path, create=True, clock=self.clock)
        self.session: RegistrySession = self._opening.__enter__()
        with self.session.registry.transaction(is_writing=True) as connection:
            METADATA.create_all(connection)
        self.told: list[str] = []
        self._projector = Projector(self.session.registry, results, self.clock, self.told.append)
        repository = Repository(self.session.registry)
        self.acts = HubActs(self.session.registry, results, self.clock, self.project)
        self.people = {who: viewer for who, viewer in PEOPLE.items() if not viewer.is_public}
        routes = (
            plans.routes(repository, self.acts),
            decisions.routes(repository, self.acts),
            alarms.routes(repository, self.acts),
            service.routes(repository),
        )
        self.app: ASGIApp = hub_app(
            HubParts(
                agents=NoAgents(), repository=repository, access=NamedViewers(self.people),
                log=lambda _: None, now=self.clock.now, rows_of=self._projector.rows_of, routes=routes,
            )
        )  # fmt: skip
        for supplier, name in (("Acme", SERVICE), ("Beta", "Calm Net")):
            if is_new:
                self.record(supplier, RecordAdded(at=NOW, actor="Cy", record=Service(id=name)))
        self.project()

    def close(self) -> None:
        self._opening.__exit__(None, None, None)

    def record(self, supplier: str, *events: Event) -> None:
        """Record events, and make the rows of pages anew."""
        self.session.record(place_of(supplier), *events)
        self.project()

    def project(self) -> None:
        """Make the rows of pages that are missing."""
        self._projector.catch_up()
        assert [] == self.told

    def open_plan(
        self, number: int = 1, supplier: str = "Acme", service: str = SERVICE, **finding: Any
    ) -> str:
        """Open a finding, and draft its plan; return the plan's id."""
        opened = replace(
            example_finding(
                id=f"F-{number:04d}", severity="Maj", supplier=supplier, service=service,
                requirement=f"URL-{number:02d}", opened=self.clock.now(),
            ),
            **finding,
        )  # fmt: skip
        drafted = draft_plan(opened, at=self.clock.now(), actor="Cy")
        self.record(
            supplier, FindingOpened(at=self.clock.now(), actor="Cy", finding=opened), drafted
        )
        return drafted.plan

    def retest(self, plan: str, supplier: str = "Acme", by: str = "Rita Retester") -> None:
        """Re-test a claimed fix, which conforms, and measure it again after its soak period."""
        held = self.session.plan(plan, supplier)
        finding = held.finding
        name = f"retest-{plan.lower()}"
        self.later(1)
        retest = Retest(
            campaign=name, at=self.clock.now(), outcome=RetestResult.CONFORMS,
            statement="all were blocked", missed_tested=len(finding.missed),
            missed_still_failing=(), fresh_tested=60, attempt=1, alpha=0.05, soak_days=28,
        )  # fmt: skip
        self.record(
            supplier,
            RetestStarted(at=self.clock.now(), actor=by, plan=plan, campaign=name),
            RetestConcluded(
                at=self.clock.now(), actor=by, plan=plan, retest=retest, service=finding.service,
                scheme=finding.scheme,
            ),
        )  # fmt: skip
        self.later(29)
        soak = SoakCampaign(
            campaign=f"soak-{plan.lower()}", begun=self.clock.now(), conforms=True, tested=60
        )
        self.record(
            supplier,
            SoakMeasured(
                at=self.clock.now(), actor=by, plan=plan, soak=soak, service=finding.service,
                scheme=finding.scheme,
            ),
        )  # fmt: skip

    def campaign(
        self,
        name: str = "spring",
        by: str = "Mo Measurer",
        *,
        supplier: str = "Acme",
        service: str = SERVICE,
    ) -> None:
        """A campaign that was concluded, and the version of the service."""
        self.record(
            supplier,
            RecordAdded(at=self.clock.now(), actor="Cy", record=ServiceVersion(id="2.1", of=service)),
            RecordAdded(
                at=self.clock.now(), actor=by,
                record=CampaignRecord(
                    id=name, of=service, scheme="becta-2008", scheme_version="1.0", rules="2026.1",
                    journal="0" * 64, conforms=8, does_not_conform=1, insufficient=2,
                ),
            ),
        )  # fmt: skip

    def raise_alarm(self, supplier: str = "Acme", **changes: Any) -> str:
        """Raise an alarm about a supplier's service; return its id."""
        raised = RaisedAlarm(
            number=1, service=SERVICE, scheme="becta-2008", requirement="URL-04",
            profile="pupils", rule=AlarmRule.EVIDENCE, sites=("Hill School", "Vale School"),
            of_sites=3, statement="Hill School: 9 of 40 items failed; Vale School: 8 of 40",
            retest_by=self.clock.now() + timedelta(days=14), severity="Crit",
            runs=("run-1", "run-2"), items=("drug-0417",),
            ruled_out=(
                "our software, the scheme or the items: none of them changed since 2026-01-05",
                "our line or the control: runs with a failed precondition do not count",
                "one site: 2 of 3 show it (Hill School, Vale School)",
            ),
            metric="block_rate", at_least=0.95,
        )  # fmt: skip
        raised = msgspec.structs.replace(raised, **changes)
        event = AlarmRaised(
            at=self.clock.now(), actor="accredit monitor", service=raised.service, alarm=raised.id,
            raised=raised,
        )  # fmt: skip
        self.record(supplier, event)
        return raised.id

    def later(self, days: float) -> None:
        """Let so many days pass."""
        self.set_clock.at += timedelta(days=days)

    def get(self, path: str, who: str = "assessor") -> httpx.Response:
        """A page as somebody sees it."""
        return self.request("GET", path, who)

    def page(self, path: str, who: str = "assessor") -> str:
        """The text of a page that must be there, in one line."""
        answer = self.get(path, who)
        assert answer.status_code == 200, (path, who, answer.status_code, answer.text[:500])
        return words_of(answer.text)

    def post(self, path: str, who: str, csrf: str = CSRF, **values: str) -> httpx.Response:
        """Send a form as somebody."""
        return self.request("POST", path, who, data={"csrf": csrf, **values})

    def request(self, method: str, path: str, who: str, **options: Any) -> httpx.Response:
        """Any request of somebody; redirects are not followed."""

        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            cookies = {"accredit_session": who}
            async with httpx.AsyncClient(
                transport=transport, base_url="http://hub", cookies=cookies
            ) as client:
                return await client.request(method, path, **options)

        return asyncio.run(answer())

    def act(
        self, plan: str, act: str, who: str, stream: str = ACME, **values: str
    ) -> httpx.Response:
        """Send the form of an act as the page of the plan has it now."""
        with self.session.registry.reading(stream) as access:
            revision = len(replay(access.events()).plan(plan).history)
        path = f"{path_of_plan(plan, stream)}/{act}"
        return self.post(path, who, **{"revision": str(revision), **values})


def path_of_plan(plan: str, stream: str = ACME) -> str:
    """The path of the page of a plan."""
    return address("plans", stream, plan)


def words_of(text: str) -> str:
    """The words of a page, without markup, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def names_of(events: Iterable[Event]) -> list[str]:
    """The kinds of events."""
    return [type(event).__name__ for event in events]
