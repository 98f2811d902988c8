"""What happened beside the campaigns of a service: causes, and what followed from the figures.

A cause may have changed a figure: a version of the supplier, an incident, a claimed fix; or a
change of the instrument itself (our software, the scheme, the corpus), across which nothing may be
compared. What followed are findings, ended plans and changes of status.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from harness.follow.status_history import StatusChange
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
from reports.site.stream_view import MeasuredCampaign, StreamView

OUR_SOFTWARE = "Our software"
SCHEME = "Scheme"
CORPUS = "Corpus"
NOT_COMPARED = "Before and after are not compared"


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
    found = [*_recorded(view, service), *_between(campaigns)]
    return tuple(sorted(found, key=lambda cause: (cause.at, cause.what, cause.detail)))


def changes_of_instrument(before: Assessment, after: Assessment) -> Iterator[tuple[str, str]]:
    """How the instrument of two campaigns differs: what, and in detail."""
    software = [
        f"{name} {old} to {new}"
        for name, old, new in (
            ("rules", before.rules_version, after.rules_version),
            ("accredit", _version(before), _version(after)),
        )
        if old != new
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


def consequences_of(
    view: StreamView, service: str, scheme: str, statuses: Mapping[str, Iterable[StatusChange]]
) -> tuple[Consequence, ...]:
    """What followed for a service under a scheme, oldest first.

    ``statuses`` are the changes of status by version.
    """
    found = [
        *(
            Consequence(one.at, "Status", f"version {version}: {one.status} ({one.decision})")
            for version, changes in statuses.items()
            for one in changes
        ),
        *_followed(view, service, scheme),
    ]
    return tuple(sorted(found))


def _recorded(view: StreamView, service: str) -> Iterator[Cause]:
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


def _between(campaigns: Iterable[MeasuredCampaign]) -> Iterator[Cause]:
    judged = [each for each in campaigns if each.assessment is not None]
    for earlier, later in pairwise(judged):
        if earlier.assessment is not None and later.assessment is not None:
            for what, detail in changes_of_instrument(earlier.assessment, later.assessment):
                yield Cause(later.at, what, detail, breaks=True, after=earlier.at)


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


def _version(assessment: Assessment) -> str:
    last = assessment.instrument[-1] if assessment.instrument else None
    return last.libraries.get("isp-accredit", "not known") if last is not None else "not known"


def _names(corpora: set[str]) -> str:
    """Names and versions of packs, without their digests unless only these differ."""
    return ", ".join(sorted(" ".join(each.split()[:2]) for each in corpora))
