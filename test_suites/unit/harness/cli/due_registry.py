"""A registry with plans of two suppliers, and the commands on it, at a time that a test sets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan, plan_step
from harness.cli.registry_session import open_session, place_of
from harness.follow.findings import draft_plan
from harness.model.event import FindingOpened, PlanAgreed, RecordAdded
from harness.model.registry_record import Review, Service
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.set_clock import SetClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class DueRegistry:
    """Acme has an agreed plan, Beta a draft and a review; the clock stands at ``NOW``."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.clock = folder / "registry.sqlite", SetClock(NOW)
        monkeypatch.setattr(plan_step.clock, "source", self.clock)
        self.open("Acme", "Safe Net")
        self.open("Beta", "Calm Net")
        agreed = PlanAgreed(
            at=NOW, actor="Cy", plan="P-0001", owner="Ann Lee", corrective_action="Mend"
        )
        review = Review(
            id="Spring", of="Calm Net", trigger="request", due=NOW.replace(hour=0, day=9)
        )
        with open_session(self.path) as book:
            book.record(place_of("Acme"), agreed)
            book.record(place_of("Beta"), RecordAdded(at=NOW, actor="Cy", record=review))

    def open(self, supplier: str, service: str, number: int = 1) -> None:
        """Open a finding of severity Maj, and draft its plan."""
        service_added = RecordAdded(at=NOW, actor="Cy", record=Service(id=service))
        opened = example_finding(
            id=f"F-{number:04d}",
            severity="Maj",
            supplier=supplier,
            service=service,
            requirement=f"URL-{number:02d}",
        )
        with open_session(self.path, create=True) as book:
            book.record(
                place_of(supplier),
                *([service_added] if number == 1 else []),
                FindingOpened(at=NOW, actor="Cy", finding=opened),
                draft_plan(opened, at=NOW, actor="Cy"),
            )

    def later(self, days: float) -> None:
        """Let so many days pass."""
        self.clock.at = NOW + timedelta(days=days)

    def run(self, *words: str | Path, code: int = 0) -> str:
        """Run ``accredit plan ...`` and return what it printed; it may raise."""
        ended = CliRunner().invoke(
            plan.app, [*map(str, words), "--registry", str(self.path)], catch_exceptions=False
        )
        assert ended.exit_code == code, ended.output
        return ended.output
