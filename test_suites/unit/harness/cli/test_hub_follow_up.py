"""The documents of plans, decisions and alarms, made from a supplier's stream."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from harness.cli.hub_follow_up import (
    alarm_documents,
    decision_documents,
    plan_documents,
    undecided_id,
)
from harness.cli.hub_history import HubStream
from harness.follow.replay import replay
from harness.model.surveillance_event import SurveillanceRun
from harness.store.hub.projection import Document
from reports.dashboard.follow_up_facts import ALARMS, DECISIONS, PLANS, UNDECIDED
from reports.site.stream_view import StreamView
from test_suites.kit.hubs.follow_up_desk import ACME, NOW, TERMS, FollowUpDesk
from test_suites.kit.hubs.site_example import NOW as SITE_NOW
from test_suites.kit.hubs.site_example import example_views, on

GATEWAY, FILTER = example_views()


def decisions(now: datetime = SITE_NOW) -> dict[str, Document]:
    made = decision_documents(GATEWAY.name, GATEWAY.supplier, GATEWAY.events, GATEWAY.state, now)
    return {each.id: each for each in made}


def test_a_plan_is_told_by_its_events_and_dated_when_it_is_due() -> None:
    plans = list(
        plan_documents(GATEWAY.name, GATEWAY.supplier, GATEWAY.events, GATEWAY.state, SITE_NOW)
    )

    assert [("P-0001", "open"), ("P-0002", "open")] == [(each.id, each.state) for each in plans]
    facts = PLANS.decode(plans[0].body)
    assert GATEWAY.state.plans["P-0001"].effective_due == plans[0].at
    assert 4 == facts.revision == len(facts.entries)
    assert ("PRIVATE Owner", "fix claimed: PRIVATE statement") == (
        facts.entries[-1].actor,
        facts.entries[-1].words,
    )
    assert () == facts.plan.history
    assert (1, ("PRIVATE item",)) == (facts.missed, facts.finding.missed)


def test_long_lists_of_missed_items_are_cut(tmp_path: Path) -> None:
    desk = FollowUpDesk(tmp_path / "out")
    try:
        desk.open_plan(missed=tuple(f"item-{n}" for n in range(500)))
        with desk.session.registry.reading(ACME) as access:
            events = access.events()
        (made,) = plan_documents(ACME, "Acme", events, replay(events), NOW)
    finally:
        desk.close()

    facts = PLANS.decode(made.body)
    assert (500, 20) == (facts.missed, len(facts.finding.missed))
    assert len(made.body) < 4000


def test_decisions_are_standing_or_replaced_and_a_later_campaign_waits() -> None:
    made = decisions()

    last = undecided_id("PRIVATE-2026-11-16", "becta-2008")
    assert {
        "D-0001": "replaced", "D-0002": "replaced", "D-0003": "standing", last: "to-decide",
    } == {name: each.state for name, each in made.items()}  # fmt: skip
    assert "D-0002" == DECISIONS.decode(made["D-0001"].body).replaced_by
    waits = UNDECIDED.decode(made[last].body)
    assert ("SchoolShield Gateway", ("4.5", "4.6", "4.8")) == (waits.service, waits.versions)
    assert "PRIVATE Person" in waits.measured_by
    assert {"PRIVATE Contact", "PRIVATE Owner"} <= set(waits.people)
    of_filter = decision_documents("s", "S", FILTER.events, FILTER.state, SITE_NOW)
    assert ["D-0001", undecided_id("PRIVATE-2026-10-12", "becta-2008")] == [
        each.id for each in of_filter
    ]


def test_a_campaign_that_was_decided_about_waits_no_more() -> None:
    until = [event for event in GATEWAY.events if event.at < on("2026-08-01")]

    made = decision_documents(GATEWAY.name, GATEWAY.supplier, until, replay(until), SITE_NOW)

    assert {"replaced", "standing"} == {each.state for each in made}


def test_nothing_in_a_document_depends_on_the_time_at_which_it_is_made() -> None:
    later = SITE_NOW + timedelta(days=400)

    assert decisions() == decisions(later)
    now, then = (
        list(plan_documents(GATEWAY.name, "S", GATEWAY.events, GATEWAY.state, at))
        for at in (SITE_NOW, later)
    )
    assert now == then


def test_runs_of_surveillance_may_be_left_out(tmp_path: Path) -> None:
    desk = FollowUpDesk(tmp_path / "out")
    try:
        desk.campaign()
        desk.raise_alarm()
        plan = desk.open_plan()
        desk.act(plan, "submit", "acme", **TERMS)
        with desk.session.registry.reading(ACME) as access:
            events = access.events()
    finally:
        desk.close()
    state = replay(events)
    fewer = [event for event in events[1:] if not isinstance(event, SurveillanceRun)]

    view = StreamView(ACME, "Acme", tuple(fewer), state, {}, (), {})
    (alarm,) = alarm_documents(HubStream(view, NOW, {}, {}, {}, tmp_path))
    (waits,) = decision_documents(ACME, "Acme", fewer, state, NOW)

    assert ("open", NOW + timedelta(days=14)) == (alarm.state, alarm.at)
    assert "A-0001" == ALARMS.decode(alarm.body).alarm.id
    assert "spring@becta-2008" == waits.id


def test_runs_and_re_tests_of_plans_wait_for_no_decision(tmp_path: Path) -> None:
    desk = FollowUpDesk(tmp_path / "out")
    try:
        plan = desk.open_plan()
        for act, who, values in (
            ("submit", "acme", TERMS),
            ("agree", "assessor", {"as": "submitted"}),
            ("progress", "acme", {"note": "n"}),
            ("claim", "acme", {"statement": "s"}),
        ):
            desk.act(plan, act, who, **values)
        desk.retest(plan)
        desk.campaign(name="retest-p-0001")
        with desk.session.registry.reading(ACME) as access:
            events = access.events()
    finally:
        desk.close()

    assert [] == list(decision_documents(ACME, "Acme", events, replay(events), NOW))
