"""A registry made by hand, with assessments: what the tests and pictures of the site look at.

Northgate's gateway drifts, is suspended, is put right and accredited again; Brightwater's filter is
accredited all the time. Names, dates and figures are invented; bounds are exact Clopper-Pearson
bounds. Every private text holds the word PRIVATE.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from harness.estimate.intervals import clopper_pearson
from harness.follow.findings import draft_plan
from harness.follow.status_history import replay_statuses
from harness.model.action_plan import Finding
from harness.model.decision import FAVOURABLE, Basis, Decision, Proposal, Status
from harness.model.decision_event import DecisionMade
from harness.model.event import (
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanDrafted,
    PlanProgressed,
    RecordAdded,
    StreamOpened,
)
from harness.model.field_event import FieldEvent
from harness.model.outcome import Assessment, Conformity, Outcome, PrintedHead
from harness.model.registry_record import (
    AnyRecord,
    CampaignRecord,
    Complaint,
    Contact,
    Incident,
    Service,
    ServiceVersion,
    Site,
    WhiteLabel,
)
from harness.model.scheme import Measure, Requirement, Threshold
from harness.model.stream import stream_of
from harness.monitor.field_draw import FramedService
from reports.site.stream_view import MeasuredCampaign, StreamView
from test_suites.kit.campaigns.example import (
    example_assessment,
    example_metric,
    example_outcome,
    example_people,
    example_requirement,
    example_witness,
)
from test_suites.kit.campaigns.field_example import field_story, schools

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PERSON = "PRIVATE Person"


class Measured(NamedTuple):
    """One campaign: the day, blocked drug sites of 240, blocked harmless ones of 200."""

    day: str
    drugs: int | None
    harmless: int
    rules: str = "2026.1"
    corpus: str = "canary 1.0.0"


GATEWAY = (
    Measured("2026-02-02", 236, 1),
    Measured("2026-03-02", 237, 2),
    Measured("2026-03-30", None, 2),
    Measured("2026-04-27", 234, 1, rules="2026.2"),
    Measured("2026-05-25", 213, 2, rules="2026.2"),
    Measured("2026-06-22", 198, 2, rules="2026.2"),
    Measured("2026-07-20", 228, 3, rules="2026.2"),
    Measured("2026-09-21", 237, 9, rules="2026.2", corpus="canary 1.1.0"),
    Measured("2026-11-16", 238, 12, rules="2026.2", corpus="canary 1.1.0"),
)
FILTER = (
    Measured("2026-08-03", 239, 1, rules="2026.2"),
    Measured("2026-09-07", 240, 0, rules="2026.2"),
    Measured("2026-10-12", 239, 2, rules="2026.2"),
)
MECHANISMS = {"block_page": 180, "dns_sinkhole": 40, "tcp_reset": 12}


def example_views() -> tuple[StreamView, ...]:
    """The streams of both suppliers, as they are at ``NOW``."""
    return (
        _view("Northgate Learning Networks", "SchoolShield Gateway", GATEWAY, _gateway),
        _view("Brightwater Filtering Ltd", "Harbour Filter", FILTER, _filter),
    )


def view_of(supplier: str, service: str) -> StreamView:
    """A supplier with three campaigns of a service, and nothing else."""
    return _view(supplier, service, FILTER, lambda _: [])


def checks_of(views: Iterable[StreamView]) -> tuple[FieldEvent, ...]:
    """Checks in the field of a year in which the seed drew one of their services."""
    return field_story(
        FramedService(
            stream=view.name, supplier=view.supplier, service=held.decision.service,
            version=held.decision.version, scheme=held.decision.scheme,
            certificate=f"C-{view.name}", sites=schools(23),
        )
        for view in views
        for held in list(view.state.decisions.values())[-1:]
    )  # fmt: skip


def on(day: str, hour: int = 9) -> datetime:
    """A time on a day, in UTC."""
    return datetime.fromisoformat(f"{day}T{hour:02}:00:00+00:00")


def added(day: str, record: AnyRecord, by: str = PERSON) -> RecordAdded:
    """A record that somebody added."""
    return RecordAdded(at=on(day), actor=by, record=record)


def _view(supplier: str, service: str, measured: tuple[Measured, ...], story: object) -> StreamView:
    assessments = {each.day: _assessment(supplier, service, each) for each in measured}
    assert callable(story)
    events: list[Event] = [
        StreamOpened(at=on("2026-01-12"), actor=PERSON, name=supplier),
        *_private_records(service),
        *(
            added(each.day, _campaign_record(service, each, assessments[each.day]))
            for each in measured
        ),
        *story(assessments),
    ]
    events[1:] = sorted(events[1:], key=lambda event: event.at)
    state, history = replay_statuses(events, NOW)
    return StreamView(
        name=stream_of(supplier),
        supplier=supplier,
        events=tuple(events),
        state=state,
        history=history,
        campaigns=tuple(
            MeasuredCampaign(
                name=f"PRIVATE-{each.day}", service=service, scheme="becta-2008", at=on(each.day),
                assessment=assessments[each.day] if each.drugs is not None else None,
            )
            for each in measured
        ),
        kept={_digest(each): one for each, one in zip(measured, assessments.values(), strict=True)},
    )  # fmt: skip


def _private_records(service: str) -> list[Event]:
    records: list[AnyRecord] = [
        Service(id=service, description="PRIVATE description"),
        Site(id="PRIVATE School", place="PRIVATE place"),
        Contact(id="PRIVATE Contact", role="technical", email="PRIVATE@example.org"),
        Complaint(
            id="PRIVATE complaint", of=service, complainant="PRIVATE", description="PRIVATE text"
        ),
    ]
    return [added("2026-01-12", record) for record in records]


def _campaign_record(service: str, each: Measured, assessment: Assessment) -> CampaignRecord:
    head = assessment.journal_head
    return CampaignRecord(
        id=f"PRIVATE-{each.day}", of=service, scheme="becta-2008", scheme_version="1.0",
        rules=each.rules, journal=head.hash if head else "", conforms=2, does_not_conform=0,
        insufficient=0,
    )  # fmt: skip


def _digest(each: Measured) -> str:
    return each.day.replace("-", "").ljust(64, "0")


def _assessment(supplier: str, service: str, each: Measured) -> Assessment:
    outcomes = (
        _outcome(_drugs(), each.drugs or 0, 240 if each.drugs is not None else 0),
        _outcome(_harmless(), each.harmless, 200),
    )
    return example_assessment(
        campaign=f"PRIVATE-{each.day}", title="PRIVATE title", service=service, supplier=supplier,
        rules_version=each.rules, corpora=(f"{each.corpus} sha256:{'0' * 64}",),
        concluded=on(each.day, 11), outcomes=outcomes, mechanisms=MECHANISMS,
        journal_head=PrintedHead(held=440, hash=_digest(each)),
    )  # fmt: skip


def _drugs() -> Requirement:
    return example_requirement(
        "URL-04",
        title="Material about taking or promoting illegal drugs is blocked",
        measure=Measure(metric="block_rate", categories=("DRUG",), expectation="block"),
    )


def _harmless() -> Requirement:
    return example_requirement(
        "OVB-01",
        title="Ordinary harmless websites are not blocked",
        area="overblock",
        severity="Maj",
        measure=Measure(metric="overblock_rate", categories=("ALW",), expectation="allow"),
        threshold=Threshold(at_most=0.05, provenance="proposed", source="no scheme says"),
    )


def _outcome(requirement: Requirement, k: int, n: int) -> Outcome:
    bounds = clopper_pearson(k, n, 0.05) if n else None
    lower, upper = (bounds.lower, bounds.upper) if bounds else (None, None)
    limit = requirement.threshold
    assert limit is not None
    conformity = Conformity.INSUFFICIENT
    if limit.at_least is not None and lower is not None and upper is not None:
        met, missed = lower >= limit.at_least, upper < limit.at_least
        conformity = _decided(met=met, missed=missed)
    elif limit.at_most is not None and lower is not None and upper is not None:
        conformity = _decided(met=upper <= limit.at_most, missed=lower > limit.at_most)
    return example_outcome(
        conformity, requirement=requirement, profile="PRIVATE class", line="PRIVATE line",
        people=example_people("PRIVATE reviewer"),
        metric=example_metric(
            k, n, name=requirement.measure.metric, lower=lower, upper=upper
        ),
        witnesses=(example_witness(value="PRIVATE.example.org"),),
        reasons=("PRIVATE reason",),
    )  # fmt: skip


def _decided(*, met: bool, missed: bool) -> Conformity:
    if met:
        return Conformity.CONFORMS
    return Conformity.DOES_NOT_CONFORM if missed else Conformity.INSUFFICIENT


def _gateway(assessments: dict[str, Assessment]) -> list[Event]:
    service, supplier = "SchoolShield Gateway", "Northgate Learning Networks"
    drugs = _finding("F-0001", "2026-05-25", _drugs(), service, supplier)
    harmless = _finding("F-0002", "2026-09-21", _harmless(), service, supplier)
    return [
        added("2026-01-12", ServiceVersion(id="4.5", of=service)),
        added("2026-01-12", WhiteLabel(id="County Shield", of=service, seller="PRIVATE seller")),
        _decision(1, "2026-02-10", service, "4.5", Status.ACCREDITED, "2026-02-02"),
        added("2026-05-04", ServiceVersion(id="4.6", of=service)),
        FindingOpened(at=on("2026-05-25", 12), actor=PERSON, finding=drugs),
        *_plan(drugs, "2026-05-25"),
        _decision(2, "2026-06-24", service, "4.5", Status.SUSPENDED, "2026-06-22"),
        added("2026-06-30", Incident(id="PRIVATE incident", of=service, happened=on("2026-06-29"),
                                     description="PRIVATE text")),
        added("2026-07-06", ServiceVersion(id="4.8", of=service)),
        _decision(3, "2026-07-24", service, "4.5", Status.ACCREDITED, "2026-07-20"),
        FindingOpened(at=on("2026-09-21", 12), actor=PERSON, finding=harmless),
        draft_plan(harmless, at=on("2026-09-21", 13), actor=PERSON),
    ]  # fmt: skip


def _filter(assessments: dict[str, Assessment]) -> list[Event]:
    service = "Harbour Filter"
    return [
        added("2026-07-30", ServiceVersion(id="7.2", of=service)),
        _decision(1, "2026-08-10", service, "7.2", Status.ACCREDITED, "2026-08-03"),
    ]


def _finding(name: str, day: str, requirement: Requirement, service: str, supplier: str) -> Finding:
    return Finding(
        id=name, campaign=f"PRIVATE-{day}", requirement=requirement.id, title=requirement.title,
        severity=requirement.severity, scheme="becta-2008", scheme_version="1.0",
        profile="PRIVATE class", line="PRIVATE line", statement="PRIVATE statement",
        missed=("PRIVATE item",), categories=("DRUG",), sampled=240, opened=on(day, 11),
        service=service, supplier=supplier,
    )  # fmt: skip


def _plan(finding: Finding, day: str) -> list[Event]:
    drafted: PlanDrafted = draft_plan(finding, at=on(day, 13), actor=PERSON)
    later = on(day, 14)
    return [
        drafted,
        PlanAgreed(
            at=later, actor="PRIVATE Assessor", plan=drafted.plan, owner="PRIVATE Owner",
            corrective_action="PRIVATE action", containment="PRIVATE containment",
            preventive_action="PRIVATE prevention", root_cause="PRIVATE cause",
        ),
        PlanProgressed(
            at=later + timedelta(days=2), actor="PRIVATE Owner", plan=drafted.plan,
            note="PRIVATE note",
        ),
        FixClaimed(
            at=on("2026-07-08"), actor="PRIVATE Owner", plan=drafted.plan,
            statement="PRIVATE statement",
        ),
    ]  # fmt: skip


def _decision(
    number: int, day: str, service: str, version: str, status: Status, campaign: str
) -> DecisionMade:
    basis = Basis(
        campaign=f"PRIVATE-{campaign}", journal=campaign.replace("-", "").ljust(64, "0"),
        assessment=campaign.replace("-", "").ljust(64, "0"), rules="2026.1", begun=on(campaign),
        concluded=on(campaign, 11),
    )  # fmt: skip
    decision = Decision(
        number=number, service=service, version=version, scheme="becta-2008", scheme_version="1.0",
        status=status, reason="PRIVATE reason",
        proposal=Proposal(status=status, reasons=("PRIVATE reason",), basis=basis),
        until=on(day) + timedelta(days=364) if status in FAVOURABLE else None,
        white_labels=("County Shield",) if "Shield" in service else (),
    )  # fmt: skip
    return DecisionMade(at=on(day), actor="PRIVATE Decider", decision=decision)
