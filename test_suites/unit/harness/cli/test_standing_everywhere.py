"""Two years of a service: every page, file and message says the same of the same moment."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.hub_conditions import of_plans
from harness.cli.hub_history import HubStream
from harness.cli.hub_waiting import waiting_documents
from harness.follow.deadlines import is_reached
from harness.follow.due_dates import obligations
from harness.follow.event_notifications import event_notifications, findings_named
from harness.follow.findings import draft_plan
from harness.follow.recall import review_name
from harness.follow.standing import ServiceStanding, standing_at
from harness.follow.status_history import replay_statuses
from harness.model.action_plan import PlanState, Retest, RetestResult
from harness.model.alarm import AlarmRetest, AlarmRule, RaisedAlarm
from harness.model.decision import FAVOURABLE, Basis, Decision, Proposal, Status
from harness.model.decision_event import DecisionMade
from harness.model.escalation import Level
from harness.model.event import (
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanDrafted,
    PlanEscalated,
    PlanExtended,
    PlanProgressed,
    PlanSubmitted,
    PlanSuperseded,
    RecordAdded,
    RetestConcluded,
    RetestStarted,
    StreamOpened,
)
from harness.model.notification import NotificationKind
from harness.model.outcome import Conformity
from harness.model.registration_event import CampaignRegistered
from harness.model.registry_record import CampaignRecord, Review, Service, ServiceVersion
from harness.model.stream import StreamHead, stream_of
from harness.model.surveillance_event import (
    AlarmRaised,
    AlarmRetested,
    MonitoringDeclared,
    SurveillanceRun,
)
from harness.store.hub.repository import Repository
from reports.dashboard.service_facts import WAITING_FACTS
from reports.oscal.poam import write_poam
from reports.site.private_pages import private_files
from reports.site.public_facts import PublicRegister, public_register
from reports.site.public_pages import register_table
from reports.site.register_documents import RegisterDocument, register_from
from reports.site.stream_view import MeasuredCampaign, StreamView
from reports.site.trend_chart import Timeline, strip_of
from reports.site.trend_facts import trends
from test_suites.kit.hubs import site_example
from test_suites.kit.hubs.held_fix import held_and_closed
from test_suites.kit.hubs.hub_result_pages import ResultPages
from test_suites.kit.hubs.projected_example import Projected, projected
from test_suites.unit.reports.dashboard.test_results_api import ApiWorld

BEGIN = datetime(2025, 1, 6, 9, tzinfo=UTC)
SUPPLIER, SERVICE, SCHEME = "Acme", "Safe Net", "becta-2008"
STREAM = stream_of(SUPPLIER)
SITES = ("Hill School", "Vale School")
MOMENTS = 200


def after(days: float) -> datetime:
    return BEGIN + timedelta(days=days)


def measured(days: int, drugs: int, site: str = "") -> Iterator[tuple[Event, MeasuredCampaign]]:
    """A campaign of a day, at a site by schedule or as an audit."""
    day = f"{after(days):%Y-%m-%d}"
    made = site_example._assessment(
        SUPPLIER, SERVICE, site_example.Measured(day, drugs, 1, rules="2026.1")
    )
    head, at, name = made.journal_head, after(days), f"PRIVATE-{day}"
    assert head is not None
    record = CampaignRecord(
        id=name, of=SERVICE, scheme=SCHEME, scheme_version="1.0", rules="2026.1",
        journal=head.hash, conforms=2, does_not_conform=0, insufficient=0,
    )  # fmt: skip
    campaign = MeasuredCampaign(name, SERVICE, SCHEME, made.concluded, made)
    yield RecordAdded(at=at, actor="agent", record=record), campaign
    if site:
        run = SurveillanceRun(
            at=at, actor="agent", service=SERVICE, monitoring="m", site=site, schedule="weekly",
            due=at, result="measured", begun=at, campaign=name, runs_per_year=52, scheme=SCHEME,
        )  # fmt: skip
        yield run, campaign


def decision(
    number: int, days: int, version: str, status: Status, campaign: int, cause: str = ""
) -> DecisionMade:
    day = f"{after(campaign):%Y-%m-%d}"
    digest = day.replace("-", "").ljust(64, "0")
    basis = Basis(
        campaign=f"PRIVATE-{day}", journal=digest, assessment=digest, rules="2026.1",
        begun=after(campaign), concluded=after(campaign),
    )  # fmt: skip
    made = Decision(
        number=number, service=SERVICE, version=version, scheme=SCHEME, scheme_version="1.0",
        status=status, reason="r", proposal=Proposal(status=status, reasons=("r",), basis=basis),
        until=after(days + 364) if status in FAVOURABLE else None, cause=cause,
    )  # fmt: skip
    return DecisionMade(at=after(days), actor="Dee", decision=made)


def failure(number: int, days: int, version: str, ended: int) -> list[Event]:
    """A finding in a version, its agreed plan with an extension, and its end."""
    campaign = f"failing-{number}"
    finding = site_example._finding(
        f"F-{number:04d}", f"{after(days):%Y-%m-%d}", site_example._drugs(), SERVICE, SUPPLIER
    )  # fmt: skip
    finding = replace(finding, campaign=campaign, opened=after(days), line=f"line {number}")
    plan = draft_plan(finding, at=after(days), actor="Ann")
    return [
        CampaignRegistered(
            at=after(days), actor="Ann", campaign=campaign, run=f"r{number}", service=SERVICE,
            scheme=SCHEME, scheme_version="1.0", corpora=(), items=1, seed_commitment="",
            version=version,
        ),
        FindingOpened(at=after(days), actor="Ann", finding=finding),
        plan,
        PlanAgreed(
            at=after(days + 1), actor="Ben", plan=plan.plan, owner="Olga", corrective_action="a",
            containment="c",
        ),
        PlanExtended(
            at=after(days + 2), actor="Ben", plan=plan.plan, due=plan.due + timedelta(days=9),
            reason="r", approver="Ben",
        ),
        PlanSuperseded(
            at=after(ended), actor="Ben", plan=plan.plan, reason="r", approver="Ben",
            scheme_version="2.0",
        ),
    ]  # fmt: skip


def fixed(number: int, days: int, version: str) -> list[Event]:
    """A finding whose plan a re-test verified; it held, and the plan was closed after 45 days."""
    opened = failure(number, days, version, days)[:-2]
    plan = f"P-{number:04d}"
    retest = Retest(
        campaign=f"retest-{number}", at=after(days + 21), begun=after(days + 20), statement="s",
        outcome=RetestResult.CONFORMS, missed_tested=2, missed_still_failing=(), fresh_tested=60,
    )  # fmt: skip
    return [
        *opened,
        PlanProgressed(at=after(days + 5), actor="Olga", plan=plan, note="n"),
        FixClaimed(at=after(days + 10), actor="Olga", plan=plan, statement="fixed"),
        RetestStarted(at=after(days + 20), actor="Ann", plan=plan, campaign=retest.campaign),
        RetestConcluded(
            at=retest.at, actor="Ann", plan=plan, retest=retest, service=SERVICE, scheme=SCHEME
        ),
        *held_and_closed(plan, after(days + 30), scheme=SCHEME),
    ]


def recall(days: int, decision: str) -> Event:
    """What a decision rests on proved wrong."""
    name = review_name(decision, f"{after(days):%Y-%m-%d}")
    review = Review(id=name, of=SERVICE, trigger="recall", due=after(days + 14))
    return RecordAdded(at=after(days), actor="owner", record=review)


def alarm(days: int) -> list[Event]:
    raised = RaisedAlarm(
        number=1, service=SERVICE, scheme=SCHEME, requirement="URL-04", profile="PRIVATE class",
        rule=AlarmRule.MISS, sites=SITES[:1], of_sites=2, statement="s", retest_by=after(days + 14),
    )  # fmt: skip
    retest = AlarmRetest(
        campaign="retest", scheme=SCHEME, begun=after(days + 5), statement="s",
        conformity=Conformity.DOES_NOT_CONFORM,
    )  # fmt: skip
    return [
        AlarmRaised(at=after(days), actor="hub", service=SERVICE, alarm="A-0001", raised=raised),
        AlarmRetested(
            at=after(days + 6), actor="Ann", service=SERVICE, alarm="A-0001", retest=retest
        ),
    ]


def story() -> tuple[tuple[Event, ...], tuple[MeasuredCampaign, ...]]:
    """Audits, runs at two sites, plans, an alarm, a suspension, a recall, two versions, the end."""
    rng = random.Random(31)
    both = [each for day, drugs in ((10, 238), (260, 239), (350, 240), (430, 240))
            for each in measured(day, drugs)]  # fmt: skip
    for day in range(31, 720, 28):
        for number, site in enumerate(SITES):
            drugs = rng.randint(120, 160) if 160 <= day < 240 and not number else 240
            both += measured(day + number, drugs, site)
    events: list[Event] = [
        StreamOpened(at=BEGIN, actor="owner", name=SUPPLIER),
        RecordAdded(at=BEGIN, actor="owner", record=Service(id=SERVICE)),
        RecordAdded(at=BEGIN, actor="owner", record=ServiceVersion(id="1.0", of=SERVICE)),
        RecordAdded(at=after(400), actor="owner", record=ServiceVersion(id="2.0", of=SERVICE)),
        MonitoringDeclared(
            at=after(30), actor="owner", service=SERVICE, monitoring="m", declaration="{}",
            sites=SITES, sites_for_alarm=1,
        ),
        *(event for event, _ in both),
        decision(1, 20, "1.0", Status.ACCREDITED, 10),
        *failure(1, 100, "1.0", 190),
        *alarm(170),
        decision(2, 182, "1.0", Status.SUSPENDED, 10, cause="A-0001"),
        decision(3, 270, "1.0", Status.ACCREDITED, 260),
        recall(330, "D-0003"),
        decision(4, 360, "1.0", Status.ACCREDITED, 350),
        *failure(2, 440, "2.0", 600),
        decision(5, 460, "2.0", Status.WITH_ACTION_PLAN, 430),
        *fixed(3, 610, "2.0"),
        decision(6, 700, "2.0", Status.WITHDRAWN, 430),
    ]  # fmt: skip
    campaigns = {campaign.name: campaign for _, campaign in both}
    ordered = sorted(events, key=lambda event: event.at)
    return tuple(ordered), tuple(sorted(campaigns.values(), key=lambda each: each.at))


EVENTS, CAMPAIGNS = story()


def view_at(moment: datetime) -> StreamView:
    events = tuple(event for event in EVENTS if event.at <= moment)
    state, history = replay_statuses(events, moment)
    known = {each.record.id for each in events
             if isinstance(each, RecordAdded) and isinstance(each.record, CampaignRecord)}  # fmt: skip
    campaigns = tuple(each for each in CAMPAIGNS if each.name in known)
    return StreamView(STREAM, SUPPLIER, events, state, history, campaigns, {})


def moments(count: int) -> list[datetime]:
    rng = random.Random(2)
    return sorted(after(rng.uniform(1, 730)) for _ in range(count))


def told_agrees(standing: ServiceStanding, view: StreamView) -> None:
    """A reader of all messages, who looks at no page, knows what is open and what was decided."""
    plans, alarms = set[str](), set[str]()
    statuses, decided = dict[str, Status](), dict[str, str]()
    drafted = [each for each in view.events if isinstance(each, PlanDrafted)]
    found = [each for each in view.events if isinstance(each, FindingOpened)]
    for position, event in enumerate(view.events):
        head = StreamHead(
            stream=STREAM, name=SUPPLIER, events=position + 1, hash="0" * 64, latest=event.at,
            latest_position=position,
        )  # fmt: skip
        for message in event_notifications(head, position, event, findings_named(drafted, found)):
            assert message.service == SERVICE
            about = message.path.rsplit("/", 1)[1]
            match message.kind:
                case NotificationKind.PLAN_OPENED:
                    plans.add(about)
                case NotificationKind.PLAN_CLOSED:
                    plans.remove(about)
                case NotificationKind.ALARM_RAISED:
                    alarms.add(about)
                case NotificationKind.ALARM_CONFIRMED | NotificationKind.ALARM_NOT_CONFIRMED:
                    alarms.remove(about)
                case NotificationKind.DECISION if "was recalled" in message.title:
                    statuses[decided[about]] = Status.UNDER_REVIEW
                case NotificationKind.DECISION:
                    version, _, status = message.title.partition(": ")
                    decided[about] = version
                    statuses[version] = Status(status.replace(" ", "-"))
    assert plans == {each.plan.id for each in standing.findings if each.plan}
    assert alarms == {each.id for each in standing.open_alarms}
    assert statuses == {
        f"{SERVICE} {one.held.decision.version}": one.last.status
        if one.last.status is not Status.EXPIRED
        else one.changes[-2].status
        for one in standing.versions
    }


def register_agrees(standing: ServiceStanding, register: PublicRegister) -> None:
    listed = {one.version: one for one in register.services}
    accredited = {one.held.decision.version: one for one in standing.versions if one.was_accredited}
    assert listed.keys() == accredited.keys()
    late = {each.finding.id for each in standing.overdue}
    for version, one in accredited.items():
        public = listed[version]
        assert (public.status, public.since) == (one.last.status, one.last.at)
        assert public.valid_until == one.until
        assert [each.version for each in public.findings] == [each.version for each in one.findings]
        overdue = sum(each.is_overdue for each in public.findings)
        assert overdue == sum(each.finding.id in late for each in one.findings)


def test_all_say_the_same_at_random_moments() -> None:
    seen: set[Status | PlanState | bool] = set()
    for moment in moments(MOMENTS):
        view = view_at(moment)
        standing = standing_at(SERVICE, view.state, view.history, moment)
        register_agrees(standing, public_register([view], moment))
        told_agrees(standing, view)
        due = obligations(view.state, moment)
        told = {each.begins.path.rsplit("/", 1)[1] for each in of_plans(STREAM, "a", due, moment)}
        late = {each.plan.id for each in standing.overdue if each.plan}
        assert late <= told
        followed = tuple(view.state.followed(SERVICE, SCHEME))
        if followed:
            head = StreamHead(
                stream=STREAM, name=SUPPLIER, events=len(view.events), hash="0" * 64,
                latest=view.events[-1].at, latest_position=len(view.events),
            )  # fmt: skip
            items = json.loads(write_poam(SUPPLIER, followed, head))
            items = items["plan-of-action-and-milestones"]["poam-items"]
            props = [{each["name"]: each["value"] for each in one["props"]} for one in items]
            open_ = {
                each["plan"] for each in props if each["state"] not in ("closed", "superseded")
            }
            assert open_ == {each.plan.id for each in standing.findings if each.plan}
        for trend in trends(view, moment):
            leading = standing.leading(SCHEME)
            assert trend.status == (leading.last.status if leading else None)
            assert trend.suspensions == tuple(standing.suspensions(SCHEME))
        seen |= {one.last.status for one in standing.versions} | {bool(late)}
        seen |= {plan.state for plan in view.state.plans.values()}
    assert {*Status} - {Status.NOT_YET, Status.TERMINATED} <= seen
    assert {True, PlanState.VERIFIED, PlanState.CLOSED, PlanState.SUPERSEDED} <= seen


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Projected]:
    with projected(tmp_path, ()) as example:
        example.keep_files(
            StreamView(STREAM, SUPPLIER, (), view_at(BEGIN).state, {}, CAMPAIGNS, {})
        )
        yield example


def api_agrees(standing: ServiceStanding, api: ApiWorld) -> None:
    """The lists for programs, and the figures for Prometheus."""
    plans, decisions, alarms = (
        api.rows(f"/api/v1/{name}") for name in ("plans", "decisions", "alarms")
    )
    open_ = {one["plan"] for one in plans if one["state"] not in ("closed", "superseded")}
    assert open_ == {each.plan.id for each in standing.findings if each.plan}
    due = {each.plan.id: each.plan.effective_due for each in standing.findings if each.plan}
    told = {one["plan"]: datetime.fromisoformat(one["due"]) for one in plans}
    assert due == {name: told[name] for name in open_}
    last = {one["version"]: one["status"] for one in decisions if not one["is_replaced"]}
    assert last == {
        one.held.decision.version: one.held.decision.status.value for one in standing.versions
    }
    running = {one["alarm"] for one in alarms if one["ended"] is None}
    assert running == {each.id for each in standing.open_alarms}
    metrics = api.get("/metrics").text
    for name, number in (("open_plans", len(due)), ("open_alarms", len(running))):
        found = re.findall(rf"^accredit_{name}{{.*}} (\d+)", metrics, re.MULTILINE)
        assert sum(map(int, found)) == number, name


@pytest.mark.timeout(300)
def test_the_hub_and_the_site_print_what_stands(hub: Projected) -> None:
    pages, api, position = ResultPages(hub), ApiWorld(hub.registry), 0
    for moment in sorted([*moments(6), after(185), after(340), after(500), after(726)]):
        view, hub.clock.at = view_at(moment), moment
        if more := view.events[position:]:
            hub.append(STREAM, *more)
        position = len(view.events)
        hub.projector.catch_up()
        assert [] == hub.told
        standing = standing_at(SERVICE, view.state, view.history, moment)
        (row,) = csv.DictReader(io.StringIO(pages.get("/overview/services.csv").text))
        one = standing.accreditation
        assert row["status"] == (one.last.status.value if one else "")
        assert row["version"] == (one.held.decision.version if one else "")
        assert int(row["open_plans"]) == len(standing.findings)
        assert int(row["open_alarms"]) == len(standing.open_alarms)
        api_agrees(standing, api)
        rows = Repository(hub.registry).public_documents()
        documents = [RegisterDocument(each.stream, each.id, each.body) for each in rows]
        register_agrees(standing, register_from(documents, moment))
        public = register_table(public_register([view], moment)).decode()
        assert public == register_table(register_from(documents, moment)).decode()
        (page,) = (
            text.decode()
            for name, text in private_files([view], moment, for_whom="x").items()
            if name.startswith("trends/")
        )
        worst = row["measured"]
        assert worst in page.replace("\N{NO-BREAK SPACE}", " ") or worst in page


def test_an_audit_is_not_the_newest_once_a_site_measured_the_same() -> None:
    (before,) = trends(view_at(after(30)), after(30))
    (later,) = trends(view_at(after(600)), after(600))

    assert {""} == {one.place.site for one in before.series if one.is_newest}
    assert set(SITES) == {one.place.site for one in later.series if one.is_newest}
    assert later.last.at > after(550)


def test_a_failure_stands_with_the_version_in_which_it_was_found() -> None:
    view = view_at(after(500))
    found = {one.version: one.findings for one in public_register([view], after(500)).services}

    assert (0, 1) == (len(found["1.0"]), len(found["2.0"]))
    earlier = public_register([view_at(after(450))], after(450)).services
    assert [("1.0", ["2.0"])] == [
        (one.version, [each.version for each in one.findings]) for one in earlier
    ]


@pytest.mark.parametrize(("days", "is_to_decide"), [(174, False), (177, True), (183, False)])
def test_suspension_is_decided_once_after_a_confirmed_alarm(days: int, is_to_decide: bool) -> None:
    view = view_at(after(days))
    standing = standing_at(SERVICE, view.state, view.history, after(days))
    (raised,) = standing.alarms

    assert standing.is_to_decide(raised) is is_to_decide


def test_the_agreement_is_done_when_a_plan_is_agreed() -> None:
    for days, is_agreed in ((100.5, False), (110, True)):
        plan = view_at(after(days)).state.plans["P-0001"]
        reached = {step.title: is_reached(plan, step) for step in plan.milestones}
        assert reached["Corrective action agreed"] is is_agreed
        assert not reached["Re-test conforms"]


def test_what_is_suspended_waits_for_no_second_suspension() -> None:
    """A plan that was escalated suspended the service while the alarm was re-tested."""
    escalated = PlanEscalated(
        at=after(172), actor="Ben", plan="P-0001", level=Level.SUSPENDED, reason="r",
        exit_criteria="e",
    )  # fmt: skip
    events = [each for each in EVENTS if each.at <= after(177)]
    events = sorted([*events, escalated], key=lambda each: each.at)
    state, history = replay_statuses(events, after(177))
    standing = standing_at(SERVICE, state, history, after(177))
    (raised,) = standing.alarms

    assert standing.is_stopped
    assert not standing.is_to_decide(raised)


def test_a_late_containment_is_public() -> None:
    """The fix is due later, and still the plan is overdue."""
    view = view_at(after(102))
    (plan,) = view.state.plans.values()
    contained = plan.containment_due
    assert contained is not None
    assert contained < plan.due
    moment = contained + timedelta(hours=1)
    (service,) = public_register([view_at(moment)], moment).services
    early = contained - timedelta(hours=1)
    (before,) = public_register([view_at(early)], early).services

    assert [True] == [one.is_overdue for one in service.findings]
    assert [False] == [one.is_overdue for one in before.findings]


def waiting_at(moment: datetime, *more: Event) -> set[tuple[str, str]]:
    """Who has to act on what, as the overview of the hub lists it."""
    events = sorted(
        [*(each for each in EVENTS if each.at <= moment), *more], key=lambda each: each.at
    )
    state, history = replay_statuses(events, moment)
    view = StreamView(STREAM, SUPPLIER, tuple(events), state, history, (), {})
    made = waiting_documents(HubStream(view, moment, {}, {}, {}, Path()))
    found = [WAITING_FACTS.decode(each.body) for each in made]
    return {(each.about, str(each.party)) for each in found}


def test_each_role_is_told_of_its_act_on_one_plan() -> None:
    """The assessor agrees the plan while the supplier has to contain the failure."""
    submitted = PlanSubmitted(
        at=after(100.5), actor="Olga", plan="P-0001", owner="Olga", corrective_action="a",
        containment="c",
    )  # fmt: skip
    both = {("P-0001", "assessor"), ("P-0001", "supplier")}

    assert both <= waiting_at(after(100.6), submitted)


def test_a_confirmed_alarm_waits_for_the_decision_maker_until_it_is_made() -> None:
    duty = ("A-0001", "decision-maker")

    assert duty in waiting_at(after(177))
    assert duty not in waiting_at(after(183))


@pytest.mark.parametrize("count", [1, 2, 30])
def test_the_last_bar_is_as_wide_as_the_others(count: int) -> None:
    timeline = Timeline(BEGIN, after(7 * 40))
    bars = strip_of([(after(7 * number), "conforms") for number in range(count)], timeline)
    widths = {round(bar.width, 1) for bar in bars}

    assert max(widths) - min(widths) <= 0.1
    assert bars[-1].x + bars[-1].width <= timeline.place(after(7 * (count - 1))) + 4
