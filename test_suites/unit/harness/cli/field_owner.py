"""The owner of a scheme with certified services of several suppliers, who checks them in the field."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import field as field_verbs
from harness.cli import plan_step
from harness.cli.field_records import field_events
from harness.cli.field_visit import Concluded
from harness.cli.main import app
from harness.cli.registry_session import OWNERS, open_session
from harness.errors import UsageError
from harness.model.decision import Status
from harness.model.event import Event, RecordClosed
from harness.model.field_event import FieldDrawn, FieldEvent
from harness.model.outcome import Assessment, Conformity, LineUnderTest, PrintedHead
from harness.model.registry_record import Complaint, Site
from test_suites.kit.campaigns.example import example_assessment, example_outcome
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.cli.certified import NOW, SERVICE, Certified

PERIOD = str(NOW.year)
SUPPLIERS = ("Acme", "Beta", "Gamma")


class FieldOwner:
    """Runs ``accredit monitor field`` in this process, with a clock that a test sets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.out = folder, folder / "out"
        self.clock = SetClock(NOW)
        monkeypatch.setattr(plan_step.clock, "source", self.clock)
        monkeypatch.setattr(field_verbs, "conclude_visit", self._concluded)
        self.made = Certified(folder, self.clock)
        self.registry = self.made.registry
        self.public = folder / "public.json"
        self.assessments: dict[str, Concluded] = {}
        for supplier in SUPPLIERS:
            self.certify(supplier)

    def certify(self, supplier: str, sites: int = 12) -> None:
        """A certified service of a supplier that has so many sites."""
        self.made.service(supplier)
        for number in range(1, sites + 1):
            self.made.record(supplier, self.made.added(Site(id=f"{supplier} School {number}")))
        self.issue(self.made.decide(supplier=supplier), supplier)

    def issue(self, decision: str, supplier: str) -> None:
        self.made.issue(decision, "--supplier", supplier)

    def revoke(self, supplier: str) -> None:
        self.made.decide(Status.WITHDRAWN, supplier=supplier)

    def wait(self, **lasting: float) -> None:
        self.clock.at += timedelta(**lasting)

    def words(self, verb: str, *words: str) -> list[str]:
        where = ["--registry", str(self.registry), "--out", str(self.out)]
        return ["monitor", "field", verb, *words, *where]

    def run(self, verb: str, *words: str, code: int = 0) -> str:
        ended = CliRunner().invoke(app, self.words(verb, *words))
        assert ended.exit_code == code, (words, ended.output, ended.exception)
        return " ".join(ended.output.split())

    def refused(self, verb: str, *words: str) -> str:
        before = self.events()
        ended = CliRunner().invoke(app, self.words(verb, *words))
        assert isinstance(ended.exception, UsageError), ended.output
        assert self.events() == before
        return str(ended.exception)

    def commit(self, *words: str) -> str:
        return self.run("commit", "--period", PERIOD, "--file", str(self.public), *words)

    def draw(self) -> FieldDrawn:
        """Commit, wait a day, and draw."""
        self.commit()
        self.wait(days=1)
        self.run("draw", "--period", PERIOD)
        return self.drawn()

    def drawn(self) -> FieldDrawn:
        (found,) = (event for event in self.events() if isinstance(event, FieldDrawn))
        return found

    def events(self) -> tuple[FieldEvent, ...]:
        with open_session(self.registry) as session:
            return field_events(session)

    def forge(self, *events: Event) -> None:
        """Record events in the owner's stream, past all checks of the commands."""
        with open_session(self.registry, clock=self.clock) as session:
            session.record(OWNERS, *events)

    def show(self, *words: str) -> Any:
        return json.loads(self.run("show", "--json", *words))["periods"]

    def of(self, supplier: str, site: str, service: str = SERVICE) -> tuple[str, ...]:
        """The words that name a site of a service."""
        named = ("--supplier", supplier, "--service", service, "--site", site)
        return ("--period", PERIOD, *named)

    def complain(self, supplier: str, name: str = "Slow on Mondays") -> None:
        record = Complaint(id=name, of=SERVICE, complainant="Hill School", description="slow")
        self.made.record(supplier, self.made.added(record))

    def close(self, supplier: str, key: str) -> None:
        event = RecordClosed(at=self.clock.at, actor="Ann", record=key, reason="moved")
        self.made.record(supplier, event)

    def measure(
        self,
        name: str,
        supplier: str,
        sites: Iterable[str],
        conformity: Conformity = Conformity.CONFORMS,
        begun: datetime | None = None,
        **more: Any,
    ) -> str:
        """A campaign of now with a line at each site; returns its name, which stands for its folder."""
        given: dict[str, Any] = {
            "service": SERVICE, "supplier": supplier, "scheme": "becta-2008", "items": "agreed",
            "journal_head": PrintedHead(held=1, hash=name.encode().hex().ljust(64, "0")),
        }  # fmt: skip
        assessment: Assessment = example_assessment(
            campaign=name,
            outcomes=(example_outcome(conformity),),
            lines=tuple(LineUnderTest(name=f"line of {s}", type="proxy", site=s) for s in sites),
            **given | more,
        )
        self.assessments[name] = Concluded(assessment, begun or self.clock.at)
        return name

    def _concluded(self, results: Path, scheme: str | None, clock: object) -> Concluded:
        del scheme, clock
        return self.assessments[results.name]


def other_service(owner: FieldOwner, supplier: str, service: str) -> None:
    """A further certified service of a supplier."""
    owner.made.service(supplier, service=service)
    owner.issue(owner.made.decide(supplier=supplier, service=service), supplier)
