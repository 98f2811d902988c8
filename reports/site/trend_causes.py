"""What happened beside the campaigns of a service: causes, and what followed from the figures.

A cause may have changed a figure: a version of the supplier, an incident, a claimed fix; or a
change of the instrument itself (our software, the scheme, the corpus), across which nothing may be
compared. What followed are findings, ended plans, alarms of surveillance and changes of status.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from harness.errors import first_of
from harness.follow.standing import ServiceStanding
from harness.model.alarm import AlarmRetest
from harness.model.conformity import Conformity
from harness.model.content_identity import PACK, Parts, differences
from harness.model.content_identity import SCHEME as SCHEME_PART
from harness.model.event import (
    FindingOpened,
    FixClaimed,
    PlanClosed,
    PlanSuperseded,
    RecordAdded,
)
from harness.model.outcome import Assessment
from harness.model.registry_record import Incident, ServiceVersion
from harness.model.stream import same_name
from harness.model.surveillance_event import AlarmRaised, AlarmRetested
from reports.site.stream_view import MeasuredCampaign, StreamView, by_place

OUR_SOFTWARE = "Our software"
SCHEME = "Scheme"
CORPUS = "Corpus"
CONTENT = "Measured with"
SITES_SHOWN = 3
ALARM_AFTER = {
    Conformity.DOES_NOT_CONFORM: "confirmed",
    Conformity.CONFORMS: "not confirmed",
    Conformity.INSUFFICIENT: "still open",
}
"""What a re-test made of an alarm."""
NOT_COMPARED = "Before and after are not compared"
NOT_KNOWN = "not known"
"""The version of our software in an instrument, where its campaign does not say it."""


class Cause(NamedTuple):
    """Something that may have changed figures from ``at`` on; ``breaks``: nothing is compared.

    ``after`` is the campaign before a change of the instrument, which ``at`` is the first one with.
    """

    at: datetime
    what: str
    detail: str
    breaks: bool = False
    after: datetime | None = None


class Consequence(NamedTuple):
    """Something that followed."""

    at: datetime
    what: str
    detail: str


def causes_of(
    view: StreamView, service: str, campaigns: Iterable[MeasuredCampaign]
) -> tuple[Cause, ...]:
    """The causes that concern a service, oldest first."""
    found = [*recorded_causes(view, service), *_of_instrument(view, campaigns)]
    return tuple(sorted(found, key=lambda cause: (cause.at, cause.what, cause.detail)))


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign was measured and judged with; figures are compared while it is the same.

    A version of our software that is not known is no change: the last known one still counts.
    """

    rules: str
    software: str
    scheme: str
    scheme_version: str
    corpora: tuple[str, ...]
    measured_with: Parts = ()

    @classmethod
    def of(cls, assessment: Assessment) -> Instrument:
        """The instrument of an assessment."""
        return cls(
            rules=assessment.rules_version,
            software=_version(assessment),
            scheme=assessment.scheme,
            scheme_version=assessment.scheme_version,
            corpora=tuple(sorted(set(assessment.corpora))),
            measured_with=assessment.measured_with,
        )

    def after(self, before: Instrument | None) -> Instrument:
        """This instrument, with the software of the one before it if its own is not known."""
        if before is None or self.software != NOT_KNOWN:
            return self
        return msgspec.structs.replace(self, software=before.software)


def changes_of_instrument(before: Instrument, after: Instrument) -> Iterator[tuple[str, str]]:
    """How two instruments differ: what, and in detail."""
    software = [
        f"{name} {old} to {new}"
        for name, old, new in (
            ("rules", before.rules, after.rules),
            ("accredit", before.software, after.software),
        )
        if old != new and NOT_KNOWN not in (old, new)
    ]
    if software:
        yield OUR_SOFTWARE, ", ".join(software)
    editions = [f"{each.scheme} {each.scheme_version}" for each in (before, after)]
    if editions[0] != editions[1]:
        yield SCHEME, " to ".join(editions)
    old, new = set(before.corpora), set(after.corpora)
    if old != new:
        told = [("without", _names(old - new)), ("with", _names(new - old))]
        yield CORPUS, "; ".join(f"{word} {names}" for word, names in told if names)
    for each in differences(before.measured_with, after.measured_with):
        if each.is_edited or not each.part.startswith((SCHEME_PART, PACK)):
            yield CONTENT, each.sentence


def consequences_of(
    view: StreamView, standing: ServiceStanding, scheme: str
) -> tuple[Consequence, ...]:
    """What followed for a service under a scheme, oldest first."""
    service = standing.service
    versions = (
        (each.held.decision.version, each.changes)
        for each in standing.versions
        if each.held.decision.scheme == scheme
    )
    found = [
        *(
            Consequence(one.at, "Status", f"version {version}: {one.status} ({one.decision})")
            for version, changes in versions
            for one in changes
        ),
        *_followed(view, service, scheme),
        *_alarms(view, service, scheme),
    ]
    return tuple(sorted(found))


def recorded_causes(view: StreamView, service: str) -> Iterator[Cause]:
    """The causes that somebody recorded: versions, incidents and claimed fixes."""
    name = same_name(service)
    for event in view.events:
        match event:
            case RecordAdded(record=ServiceVersion() as one) if same_name(one.of) == name:
                yield Cause(one.released or event.at, "Supplier version", one.id)
            case RecordAdded(record=Incident() as one) if same_name(one.of) == name:
                yield Cause(one.happened, "Incident", one.id)
            case FixClaimed():
                finding = view.state.findings[view.state.plans[event.plan].finding]
                if same_name(finding.service) == name:
                    about = f"{event.plan}, {finding.requirement}"
                    yield Cause(event.at, "Fix claimed", about)


def _of_instrument(view: StreamView, campaigns: Iterable[MeasuredCampaign]) -> Iterator[Cause]:
    """The changes of the instrument; one that several schedules and sites have is told once."""
    told: set[tuple[str, str, int]] = set()
    for each in by_place(view, campaigns).values():
        times: Counter[tuple[str, str]] = Counter()
        for cause in _between(each):
            about = cause.what, cause.detail
            times[about] += 1
            if (*about, times[about]) not in told:
                told.add((*about, times[about]))
                yield cause


def _between(campaigns: Iterable[MeasuredCampaign]) -> Iterator[Cause]:
    earlier: MeasuredCampaign | None = None
    before: Instrument | None = None
    for later in campaigns:
        if later.assessment is None:
            continue
        after = Instrument.of(later.assessment).after(before)
        if earlier is not None and before is not None:
            for what, detail in changes_of_instrument(before, after):
                yield Cause(later.at, what, detail, breaks=True, after=earlier.at)
        earlier, before = later, after


def _followed(view: StreamView, service: str, scheme: str) -> Iterator[Consequence]:
    name, state = same_name(service), view.state
    for event in view.events:
        match event:
            case FindingOpened(finding=finding):
                what, told = "Finding opened", f"{finding.id}: {finding.title}"
            case PlanClosed() | PlanSuperseded():
                finding = state.findings[state.plans[event.plan].finding]
                ended = "closed" if isinstance(event, PlanClosed) else "ended: the scheme changed"
                what, told = "Plan", f"{event.plan} {ended} ({finding.requirement})"
            case _:
                continue
        if same_name(finding.service) == name and finding.scheme == scheme:
            yield Consequence(event.at, what, told)


def _alarms(view: StreamView, service: str, scheme: str) -> Iterator[Consequence]:
    """The alarms of a scheme, and those that were re-tested by it."""
    name = same_name(service)
    held = {
        alarm.id: alarm
        for alarm in view.state.alarms.values()
        if same_name(alarm.raised.service) == name
        and scheme in {alarm.raised.scheme, *(retest.scheme for retest in alarm.retests)}
    }
    for event in view.events:
        match event:
            case AlarmRaised(alarm=alarm, raised=raised) if alarm in held:
                where = first_of(raised.sites, SITES_SHOWN)
                about = f"{raised.requirement} for {raised.profile} at {where}"
                yield Consequence(event.at, "Alarm", f"{alarm} raised: {about}")
            case AlarmRetested(alarm=alarm, retest=AlarmRetest() as retest) if alarm in held:
                after = ALARM_AFTER[retest.conformity]
                yield Consequence(event.at, "Alarm", f"{alarm} {after}: re-test {retest.campaign}")


def _version(assessment: Assessment) -> str:
    last = assessment.instrument[-1] if assessment.instrument else None
    return last.libraries.get("isp-accredit", NOT_KNOWN) if last is not None else NOT_KNOWN


def _names(corpora: set[str]) -> str:
    """Names and versions of packs, without their digests unless only these differ."""
    return ", ".join(sorted(" ".join(each.split()[:2]) for each in corpora))
