"""What the public register says of accredited services, and nothing else.

A service is listed from its first accreditation on. Persons, reasons, items, names of profiles and
lines, and what happens inside an action plan are private: none of it gets into these values, which
are all that public pages and files are made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from harness.follow.standing import VersionStanding, services_in, standing_at
from harness.follow.status_history import StatusChange
from harness.model.action_plan import FollowUp
from harness.model.decision import FAVOURABLE, HeldDecision, Status
from harness.model.field_event import CheckedService, FieldEvent
from harness.model.outcome import Assessment, Conformity, Outcome
from harness.model.signature import BY_NAME_ONLY, is_by_name_only
from harness.model.stream import same_name
from reports import phrases, words
from reports.requirement_table import (
    WORST_FIRST,
    bounds_in_words,
    measured_in_words,
    required_in_words,
)
from reports.site.field_checks import (
    CheckedBy,
    FieldPeriod,
    ServiceChecks,
    checks_by_service,
    field_periods,
)
from reports.site.page_names import page_name
from reports.site.stream_view import StreamView

FORMAT = "accredit-register/1"
"""The name of the register's JSON; its number changes when the meaning does."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""The time of a stream without events."""

Feature = Literal["tested", "tested-agreed", "fails", "not-decided", "not-tested"]
"""What was found of an area of the catalogue; ``tested-agreed``: on items it knew."""

ABOUT_THE_TEST = "harness"
"""The area of requirements on the test, which is no feature of a service."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A status from ``since`` on, until the next one (``None``: until today).

    ``why`` says what stopped an accreditation; empty if nothing did.
    """

    status: Status
    since: datetime
    until: datetime | None
    why: str = ""


class PublicFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A failure that is being corrected: which requirement, how severe, and when it is due.

    ``due`` is ``None`` as long as there is no plan; ``first_due`` is the date before extensions. It
    is late after ``late_after``, and ``is_overdue`` says so of the register's time. ``version`` is
    that in which it was found; empty if it is not known.
    """

    requirement: str
    title: str
    severity: str
    found: datetime
    due: datetime | None
    first_due: datetime | None
    late_after: datetime | None = None
    is_overdue: bool = False
    version: str = ""


class PublicOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The worst outcome of a requirement in the campaign that the decision rests on, in words.

    ``limit`` says what a conforming one is limited to, such as "agreed list only".
    """

    requirement: str
    title: str
    area: str
    conformity: Conformity
    said: str
    limit: str
    measured: str
    bounds: str
    required: str


class PublicService(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a service that is or was accredited by a scheme.

    ``since`` is when its status began; ``valid_until`` is the end of an accreditation,
    ``certificate`` the number of its last certificate, if one was issued.
    ``measured`` is the time of the campaign that the decision rests on; ``outcomes`` are empty if
    its assessment is not kept. ``features`` are what was found by area. ``field`` are its checks in
    the field, the newest year first. ``identities`` says so if who decided, or who stated what it
    rests on, is known by name only.
    """

    page: str
    name: str
    supplier: str
    version: str
    white_labels: tuple[str, ...]
    scheme: str
    scheme_name: str
    scheme_version: str
    status: Status
    since: datetime
    certificate: str
    valid_until: datetime | None
    history: tuple[Period, ...]
    measured: datetime | None
    outcomes: tuple[PublicOutcome, ...]
    features: dict[str, Feature]
    findings: tuple[PublicFinding, ...]
    field: tuple[ServiceChecks, ...] = ()
    identities: str = ""

    @property
    def why(self) -> str:
        """What stopped the accreditation; empty if nothing did."""
        return self.history[-1].why

    @property
    def is_accredited(self) -> bool:
        """Whether it is accredited, with an action plan or without."""
        return self.status in FAVOURABLE

    @property
    def limit(self) -> str:
        """What the requirements that are met are limited to, or nothing."""
        return ", ".join(dict.fromkeys(one.limit for one in self.outcomes if one.limit))

    @property
    def counts(self) -> Mapping[Conformity, int]:
        """How many requirements ended each way."""
        return {each: sum(one.conformity is each for one in self.outcomes) for each in Conformity}


class PublicRegister(msgspec.Struct, frozen=True, kw_only=True):
    """The whole register at a time; accredited services first, then by name, newest first.

    ``field`` are the checks in the field of each year, the newest first.
    """

    format: str
    as_of: datetime
    services: tuple[PublicService, ...]
    field: tuple[FieldPeriod, ...] = ()


def public_register(
    views: Iterable[StreamView], now: datetime, checks: Iterable[FieldEvent] = ()
) -> PublicRegister:
    """The register of all streams at a time; ``checks`` are events of the owner's stream."""
    recorded = tuple(checks)
    checked = checks_by_service(recorded)
    listed = (
        service_at(service, now) for view in views for service in public_services(view, checked)
    )
    return register_of(listed, now, field_periods(recorded))


def register_of(
    services: Iterable[PublicService], now: datetime, field: tuple[FieldPeriod, ...] = ()
) -> PublicRegister:
    """The register of these services, in its order."""
    listed = sorted(
        services,
        key=lambda each: (
            not each.is_accredited,
            *map(same_name, (each.name, each.supplier)),
            -each.since.timestamp(),
            each.scheme,
        ),
    )
    return PublicRegister(format=FORMAT, as_of=now, services=tuple(listed), field=field)


def service_at(service: PublicService, now: datetime) -> PublicService:
    """A service at a time: plans may have become late, and its accreditation may have expired."""
    late = (one.late_after is not None and now > one.late_after for one in service.findings)
    findings = tuple(
        msgspec.structs.replace(one, is_overdue=is_overdue)
        for one, is_overdue in zip(service.findings, late, strict=True)
    )
    service = msgspec.structs.replace(service, findings=findings)
    if service.valid_until is None or now <= service.valid_until:
        return service
    end = max(service.valid_until, service.since)
    last = msgspec.structs.replace(service.history[-1], until=end)
    expired = Period(status=Status.EXPIRED, since=end, until=None)
    return msgspec.structs.replace(
        service,
        status=Status.EXPIRED,
        since=end,
        valid_until=None,
        history=(*service.history[:-1], last, expired),
    )


def public_services(view: StreamView, checked: CheckedBy) -> Iterator[PublicService]:
    """What is public of a stream; ``checked`` are the checks in the field by service."""
    last = view.state.latest or NEVER
    for service in services_in(view.state):
        for one in standing_at(service, view.state, view.history, last).versions:
            if one.was_accredited:
                yield _service(view, one, checked)


def _service(view: StreamView, one: VersionStanding, checked: CheckedBy) -> PublicService:
    decision = one.held.decision
    basis = decision.proposal.basis
    assessment = view.kept.get(basis.assessment) if basis is not None else None
    outcomes = tuple(_outcomes(assessment)) if assessment is not None else ()
    findings = tuple(_findings(one.findings))
    first = next(n for n, each in enumerate(one.changes) if each.status in FAVOURABLE)
    return PublicService(
        page=page_name(view.name, decision.service, decision.version, decision.scheme),
        name=decision.service,
        supplier=view.supplier,
        version=decision.version,
        white_labels=decision.white_labels,
        scheme=decision.scheme,
        scheme_name=words.SCHEMES.get(decision.scheme, decision.scheme),
        scheme_version=decision.scheme_version,
        status=one.last.status,
        since=one.last.at,
        certificate=one.certificate,
        valid_until=one.until,
        history=tuple(_periods(one.changes[first:])),
        measured=basis.begun if basis is not None else None,
        outcomes=outcomes,
        features=_features(outcomes, findings),
        findings=findings,
        field=checked.get(_checked(view, one.held).identity, ()),
        identities=_identities(one.held, assessment),
    )


def _identities(held: HeldDecision, assessment: Assessment | None) -> str:
    """What is said if the people of a decision are known by name only."""
    stated = assessment.outcomes if assessment is not None else ()
    is_by_name = is_by_name_only(held.by, held.key) or any(
        one.people is not None and one.people.is_by_name_only for one in stated
    )
    return BY_NAME_ONLY if is_by_name else ""


def _checked(view: StreamView, held: HeldDecision) -> CheckedService:
    decision = held.decision
    return CheckedService(
        stream=view.name,
        supplier=view.supplier,
        service=decision.service,
        version=decision.version,
        scheme=decision.scheme,
    )


def _periods(changes: Sequence[StatusChange]) -> Iterator[Period]:
    ends = [*(change.at for change in changes[1:]), None]
    for change, until in zip(changes, ends, strict=True):
        yield Period(status=change.status, since=change.at, until=until, why=change.why)


def _findings(still: Sequence[FollowUp]) -> Iterator[PublicFinding]:
    """The open findings, those that are due first before the others."""
    for both in sorted(still, key=lambda one: (one.plan is None, one.plan and one.plan.due)):
        finding, plan = both.finding, both.plan
        yield PublicFinding(
            requirement=finding.requirement,
            title=finding.title,
            severity=words.SEVERITIES.get(finding.severity, finding.severity),
            found=finding.opened,
            due=plan.effective_due if plan is not None else None,
            first_due=plan.original_due if plan is not None else None,
            late_after=plan.late_after if plan is not None else None,
            version=both.version,
        )


def _outcomes(assessment: Assessment) -> Iterator[PublicOutcome]:
    """The worst outcome of each binding requirement, in the scheme's order."""
    worst: dict[str, Outcome] = {}
    for outcome in assessment.outcomes:
        if outcome.requirement.binding:
            held = worst.get(outcome.requirement.id)
            if held is None or _is_worse(outcome, held):
                worst[outcome.requirement.id] = outcome
    for code, outcome in worst.items():
        yield PublicOutcome(
            requirement=code,
            title=outcome.requirement.title,
            area=outcome.requirement.area,
            conformity=outcome.conformity,
            said=phrases.word(outcome),
            limit=outcome.qualifier if outcome.conformity is Conformity.CONFORMS else "",
            measured=phrases.tight(measured_in_words(outcome)),
            bounds=phrases.tight(bounds_in_words(outcome)),
            required=phrases.tight(required_in_words(outcome)),
        )


def _is_worse(outcome: Outcome, other: Outcome) -> bool:
    ranks = [WORST_FIRST.index(each.conformity) for each in (outcome, other)]
    return ranks[0] < ranks[1]


def _features(
    outcomes: Iterable[PublicOutcome], findings: Iterable[PublicFinding]
) -> dict[str, Feature]:
    """What was found by area. It is ticked only if each requirement of it was seen to conform."""
    failing = {finding.requirement for finding in findings}
    features: dict[str, Feature] = {}
    for outcome in outcomes:
        if outcome.area == ABOUT_THE_TEST:
            continue
        is_failing = outcome.requirement in failing
        found: Feature = "fails" if is_failing else FOUND[outcome.conformity]
        if found == "tested" and outcome.limit:
            found = "tested-agreed"
        held = features.get(outcome.area, "tested")
        features[outcome.area] = min(found, held, key=FEATURES_WORST_FIRST.index)
    return features


FOUND: dict[Conformity, Feature] = {
    Conformity.CONFORMS: "tested",
    Conformity.DOES_NOT_CONFORM: "fails",
    Conformity.INSUFFICIENT: "not-decided",
}
"""What an outcome says of a feature."""

FEATURES_WORST_FIRST: tuple[Feature, ...] = (
    "fails", "not-decided", "tested-agreed", "tested", "not-tested",
)  # fmt: skip
"""What can be found of an area, the worst first."""
