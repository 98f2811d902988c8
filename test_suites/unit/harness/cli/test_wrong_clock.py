"""Escalations by rule that a wrong clock made count no more once the clock was corrected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli.main import app
from harness.cli.registry_care import changed_rows
from harness.cli.registry_session import Place, RegistrySession, open_session, place_of
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.model.action_plan import ActionPlan
from harness.model.escalation import Level
from harness.model.event import (
    FindingOpened,
    PlanEscalated,
    PlanSuperseded,
    VendorCheckedIn,
)
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.set_clock import SetClock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AHEAD = NOW + timedelta(days=3650)
ACME, BETA = place_of("Acme"), place_of("Beta")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    stopped = SetClock(NOW)
    monkeypatch.setattr(plan_step.clock, "source", stopped)
    return stopped


@pytest.fixture
def where(tmp_path: Path, clock: SetClock) -> Path:
    """A registry with two plans of Acme, and one of Beta."""
    registry = tmp_path / "registry.sqlite"
    with open_session(registry, create=True, clock=clock) as session:
        for place, number in ((ACME, 1), (ACME, 2), (BETA, 1)):
            finding = example_finding(
                id=f"F-{number:04d}", requirement=f"URL-0{number}", supplier=place.name, opened=NOW
            )
            opened = FindingOpened(at=NOW, actor="Ann", finding=finding)
            session.record(place, opened, draft_plan(finding, at=NOW, actor="Ann"))
    return registry


@pytest.fixture
def session(where: Path, clock: SetClock) -> Iterator[RegistrySession]:
    with open_session(where, clock=clock) as opened:
        yield opened


@pytest.fixture
def accredit(where: Path) -> Callable[..., str]:
    """Run ``accredit plan ...``; gives what it printed, with single spaces."""

    def run(*words: str) -> str:
        ended = CliRunner().invoke(
            app, ["plan", *words, "--registry", str(where)], catch_exceptions=False
        )
        assert ended.exit_code == 0, ended.output
        return ended.output if "--json" in words else " ".join(ended.output.split())

    return run


def escalated(name: str, at: datetime, level: Level, rule: str = "overdue") -> PlanEscalated:
    return PlanEscalated(
        at=at, actor="Ann", plan=name, level=level, reason="r", exit_criteria="e", rule=rule
    )


def plans_of(session: RegistrySession, place: Place) -> dict[str, ActionPlan]:
    """The plans of a supplier: whole stream, part of it, and derived rows agree on them."""
    with session.registry.reading(place.stream) as access:
        plans = replay(access.events()).plans
    listed = {held.plan.id: held.plan for held in session.plans(supplier=place.name)}
    assert listed == plans
    assert {name: session.plan(name, place.name).plan for name in plans} == plans
    assert changed_rows(session.registry) == []
    return plans


def test_a_correction_changes_the_plans_that_it_does_not_name(
    session: RegistrySession, clock: SetClock
) -> None:
    ended = PlanSuperseded(
        at=AHEAD, actor="Ann", plan="P-0001", scheme_version="9", reason="r", approver="Bea"
    )
    clock.at = AHEAD
    session.record(ACME, escalated("P-0001", AHEAD, Level.SUSPENDED), ended)
    session.record(ACME, escalated("P-0002", AHEAD, Level.SUSPENDED, rule=""))
    session.record(BETA, escalated("P-0001", AHEAD, Level.WITHDRAWN))
    clock.at = NOW + timedelta(days=1)

    acme, beta = session.correct_clock("a flat battery", "Cy")

    assert [(name, one.level) for name, one in acme.dropped] == [("P-0001", Level.SUSPENDED)]
    assert [(name, one.level) for name, one in beta.dropped] == [("P-0001", Level.WITHDRAWN)]
    levels = {name: plan.level for name, plan in plans_of(session, ACME).items()}
    assert levels == {"P-0001": None, "P-0002": Level.SUSPENDED}
    assert plans_of(session, BETA)["P-0001"].level is None


def test_what_is_recorded_after_a_correction_rests_on_what_counts(
    session: RegistrySession, clock: SetClock
) -> None:
    review, levels = Level.FINDING_REVIEW, []
    steps = ((3650, Level.WITHDRAWN), (1, None), (2, review), (700, Level.SUSPENDED), (3, None))
    for day, level in steps:
        clock.at = NOW + timedelta(days=day)
        if level is None:
            session.correct_clock("a flat battery", "Cy")
        else:
            session.advance("P-0001", escalated("P-0001", clock.at, level), supplier="Acme")
        levels.append(plans_of(session, ACME)["P-0001"].level)

    assert levels == [Level.WITHDRAWN, None, review, Level.SUSPENDED, review]
    heard = VendorCheckedIn(at=clock.at, actor="Ann", plan="P-0001", vendor="v", result="soon")
    assert session.advance("P-0001", heard, supplier="Acme").level is review
    assert plans_of(session, ACME)["P-0001"].level is review


def test_a_part_of_a_stream_may_lack_the_events_that_a_correction_is_about(
    session: RegistrySession, clock: SetClock
) -> None:
    """P-0001 was escalated before; the newest event, which made the correction due, is another's."""
    session.advance("P-0001", escalated("P-0001", NOW, Level.FINDING_REVIEW), supplier="Acme")
    heard = VendorCheckedIn(at=AHEAD, actor="Ann", plan="P-0002", vendor="v", result="soon")
    clock.at = AHEAD
    session.advance("P-0002", heard)
    clock.at = NOW + timedelta(days=1)

    ((_, dropped, undone),) = session.correct_clock("a flat battery", "Cy")

    assert (dropped, undone) == ((), ())
    assert plans_of(session, ACME)["P-0001"].level is Level.FINDING_REVIEW


def test_the_commands_tell_what_counts_no_more(
    accredit: Callable[..., str], clock: SetClock
) -> None:
    clock.at = AHEAD
    assert "Beta, plan P-0001: suspended (rule overdue)" in accredit("escalate")
    assert levels_in(accredit) == ["suspended"] * 3

    clock.at = NOW + timedelta(days=1)
    told = accredit("correct-clock", "--reason", "a flat battery", "--by", "Cy")

    assert (
        "Acme, plan P-0002: the escalation of 2036-02-28 to suspended (rule overdue) counts no "
        "more; withdraw its notice"
    ) in told
    assert told.count("counts no more") == 3
    assert told.endswith("next: accredit plan escalate (what rules ask for by the right date)")
    assert levels_in(accredit) == [None] * 3
    assert "suspended" not in accredit("list")
    assert accredit("escalate") == "no rule asks for an escalation"
    shown = json.loads(accredit("show", "P-0002", "--json"))
    assert (shown["level"], shown["escalations"][0]["level"]) == (None, "suspended")
    assert "2026-03-03 09:00 Cy: the escalation of 2036-02-28 09:00" in shown["history"][-1]
    lines = accredit("show", "P-0002")
    assert "escalation dropped 2036-02-28 to suspended (rule overdue) counts no more: its" in lines
    assert "escalated 2036" not in lines

    clock.at = NOW + timedelta(days=33)
    accredit("escalate", "--supplier", "Acme")
    assert levels_in(accredit) == ["corrective-action-plan"] * 2 + [None]


def levels_in(accredit: Callable[..., str]) -> list[Any]:
    """The levels that ``plan list`` gives, of all suppliers in order."""
    held = sorted(json.loads(accredit("list", "--json")), key=lambda one: one["supplier"])
    return [one["level"] for one in held]


def test_without_a_wrong_escalation_nothing_is_said_of_one(
    accredit: Callable[..., str], clock: SetClock
) -> None:
    by_hand = ("P-0001", "--level", "suspended", "--reason", "r", "--exit-criteria", "e")
    clock.at = AHEAD
    accredit("escalate", *by_hand, "--supplier", "Acme")
    clock.at = NOW + timedelta(days=1)

    told = accredit("correct-clock", "--reason", "a flat battery")

    assert "recorded for Acme" in told
    assert "counts no more" not in told
    assert "next:" not in told
    assert levels_in(accredit) == ["suspended", None, None]
