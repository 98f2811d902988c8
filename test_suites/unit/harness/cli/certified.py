"""A registry with decided services, made from events, and the commands on certificates."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.errors import UsageError
from harness.model.decision import (
    FAVOURABLE,
    Basis,
    Condition,
    Decision,
    Proposal,
    Recommendation,
    Status,
)
from harness.model.decision_event import (
    DecisionAppealed,
    DecisionMade,
    DecisionReviewed,
    EvaluationReviewed,
)
from harness.model.event import Event, RecordAdded
from harness.model.registry_record import CampaignRecord, Service, ServiceVersion, WhiteLabel
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.hubs.registered_people import signed_by_registered

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BODY = ("--body", "Example Board", "--address", "1 High Street, Leeds")
SERVICE, VERSION = "Safe Net", "2.1"


def journal_of(campaign: str) -> str:
    """The hash of the journal of a campaign."""
    return "a" * 64 if campaign == "spring" else campaign.encode().hex().ljust(64, "0")


def campaign_record(name: str, of: str = SERVICE) -> CampaignRecord:
    """The record of a campaign that conforms."""
    return CampaignRecord(
        id=name, of=of, scheme="becta-2008", scheme_version="1", rules="1",
        journal=journal_of(name), conforms=1, does_not_conform=0, insufficient=0,
    )  # fmt: skip


class Certified:
    """Decides about services of suppliers, and runs ``accredit certificate``."""

    def __init__(self, folder: Path, clock: SetClock) -> None:
        self.folder, self.clock, self.runner = folder, clock, CliRunner()
        self.key, self.public = write_keys(folder)
        self.registry = folder / "registry.sqlite"
        self.numbers: dict[str, int] = {}
        self.campaign, self.begun = "spring", NOW

    def service(
        self, supplier: str = "Acme", labels: tuple[str, ...] = (), service: str = SERVICE
    ) -> None:
        of = service
        records = [
            Service(id=of),
            ServiceVersion(id=VERSION, of=of),
            *(WhiteLabel(id=label, of=of, seller="County IT") for label in labels),
            campaign_record("spring", of),
        ]
        self.record(supplier, *(self.added(each) for each in records))

    def added(self, record: Any) -> Event:
        return RecordAdded(at=self.clock.at, actor="Ann", record=record)

    def record(self, supplier: str, *events: Event) -> None:
        with open_session(self.registry, create=True, clock=self.clock) as session:
            session.record(place_of(supplier), *events)

    def decide(
        self,
        status: Status = Status.ACCREDITED,
        supplier: str = "Acme",
        conditions: tuple[Condition, ...] = (),
        **differing: Any,
    ) -> str:
        number = self.numbers[supplier] = self.numbers.get(supplier, 0) + 1
        basis = Basis(
            campaign=self.campaign, journal=journal_of(self.campaign), assessment="b" * 64,
            rules="1", begun=self.begun, concluded=self.begun,
            limited_to=differing.pop("limited_to", ""),
        )  # fmt: skip
        given: dict[str, Any] = {
            "service": SERVICE, "version": VERSION, "white_labels": (),
            "until": self.clock.at + timedelta(days=300) if status in FAVOURABLE else None,
        }  # fmt: skip
        decision = Decision(
            number=number, scheme="becta-2008", scheme_version="1",
            status=status, reason="read it all",
            proposal=Proposal(
                status=Status.ACCREDITED, reasons=(), basis=basis, conditions=conditions
            ),
            **(given | differing),
        )  # fmt: skip
        if status in FAVOURABLE:
            said = Recommendation(
                service=decision.service, version=decision.version, scheme=decision.scheme,
                scheme_version="1", status=status, reason="it is complete",
                proposal=decision.proposal,
            )  # fmt: skip
            event = EvaluationReviewed(at=self.clock.at, actor="Ray", recommendation=said)
            self.record(supplier, self.signed(event, supplier))
        made = DecisionMade(at=self.clock.at, actor="Di", decision=decision)
        self.record(supplier, self.signed(made, supplier))
        return decision.id

    def signed(self, event: Event, supplier: str) -> Event:
        """The event, signed by its actor, whose key is registered."""
        return signed_by_registered(event, self.registry, self.folder, supplier, self.clock)

    def measure_again(self, name: str = "autumn") -> None:
        """A campaign that begins an hour from now, on which the next decisions rest."""
        self.clock.at += timedelta(hours=1)
        self.campaign, self.begun = name, self.clock.at
        self.record("Acme", self.added(campaign_record(name)))

    def uphold_an_appeal(self, decision: str) -> None:
        at = self.clock.at
        why: dict[str, Any] = {"of": decision, "reason": "r"}
        self.record("Acme", DecisionAppealed(at=at, actor="Bo", appellant="Bo", **why))
        self.record("Acme", DecisionReviewed(at=at, actor="Ed", upheld=True, **why))

    def run(self, *words: str, code: int = 0) -> str:
        ended = self.runner.invoke(app, ["certificate", *words])
        assert ended.exit_code == code, (words, ended.output, ended.exception)
        return " ".join(ended.output.split())

    def refused(self, *words: str) -> str:
        ended = self.runner.invoke(app, ["certificate", *words])
        assert isinstance(ended.exception, UsageError), ended.output
        return str(ended.exception)

    def issue_words(self, decision: str = "D-0001", *more: str) -> tuple[str, ...]:
        where = ("--registry", str(self.registry), "--out", str(self.folder))
        return ("issue", decision, "--key", str(self.key), *where, *BODY, *more)

    def issue(self, decision: str = "D-0001", *more: str) -> Path:
        self.run(*self.issue_words(decision, "--by", "Cy Clerk", "--no-pdf", *more))
        return self.folder / "certificate.json"

    def status_list(self, name: str = "list.json", key: Path | None = None) -> Path:
        out, key = self.folder / name, key or self.key
        where = ("--registry", str(self.registry), "--out", str(out))
        self.run("status-list", "--key", str(key), *where)
        return out

    def verify(self, file: Path, listed: Path | None = None, *, code: int = 0) -> Any:
        more = () if listed is None else ("--status-list", str(listed))
        words = ("verify", str(file), "--key", str(self.public), "--json", *more)
        return json.loads(self.run(*words, code=code))

    def found(self, file: Path, listed: Path | None = None, *, code: int = 0) -> str:
        return " | ".join(each["found"] for each in self.verify(file, listed, code=code)["checks"])
