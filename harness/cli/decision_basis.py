"""What a decision on accreditation rests on: a campaign, judged now, and the registry's plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.cli.conclude import begun_at, conclude_journal
from harness.cli.decision_bars import JudgedCampaign, bars_to
from harness.cli.paths import CampaignPaths
from harness.cli.registry_session import Place, RegistrySession, place_of_any
from harness.errors import HarnessError, UsageError, known
from harness.follow.alarms import alarms_of
from harness.follow.decisions import is_accredited, year_after
from harness.follow.derived_rows import DECISION
from harness.follow.identities import NO_IDENTITIES, Identities
from harness.follow.proposal import propose
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.alarm import Alarm
from harness.model.decision import (
    FAVOURABLE,
    Basis,
    Decision,
    HeldDecision,
    Proposal,
    Status,
    decision_key,
)
from harness.model.decision_event import DecisionEvent
from harness.model.observation import Evidence
from harness.model.outcome import Assessment, Conformity
from harness.model.registry_record import ServiceVersion, WhiteLabel
from harness.model.scope import SCOPE_WORDS
from harness.model.stream import same_name
from harness.ports.storage import Clock

KEPT = "decision-evidence"
"""The folder of results in which the assessments of decisions are kept."""


class Campaign(NamedTuple):
    """A campaign whose results are judged for a decision, and the stream of its supplier."""

    assessment: Assessment
    basis: Basis
    place: Place


class Matter(NamedTuple):
    """What is decided about: a version of a service by a scheme, and the campaign, if any."""

    service: str
    version: str
    scheme: str
    scheme_version: str
    campaign: Campaign | None = None

    @property
    def key(self) -> str:
        """The key of decisions about it."""
        return decision_key(self.service, self.version, self.scheme)


def read_campaign(
    results: Path, scheme: str | None, clock: Clock, identities: Identities = NO_IDENTITIES
) -> Campaign:
    """Judge a campaign's results by the rules of now. Raises UsageError, as for a limited scope."""
    return campaign_of(*conclude_journal(results, scheme, clock), identities)


def campaign_of(
    assessment: Assessment, paths: CampaignPaths, identities: Identities = NO_IDENTITIES
) -> Campaign:
    """The campaign of an assessment. Raises UsageError for a limited scope.

    ``identities`` are the registered ones, by whose keys reviewers are known.
    """
    from harness.store.assessments import digest_of  # noqa: PLC0415 - keep the start light

    if assessment.scope != "service":
        beyond = f" ({', '.join(assessment.beyond_scope)})" if assessment.beyond_scope else ""
        msg = (
            f"{paths.journal}: this campaign tests {SCOPE_WORDS[assessment.scope]}, and no "
            f"accreditation is decided on that; remove 'scope' from the campaign and measure "
            f"the rest{beyond}"
        )
        raise UsageError(msg)
    begun = begun_at(paths)
    basis = Basis(
        campaign=assessment.campaign,
        journal=assessment.journal_head.hash if assessment.journal_head else "",
        assessment=digest_of(assessment),
        rules=assessment.rules_version,
        begun=begun,
        concluded=assessment.concluded,
        limited_to=_limits_of(assessment),
        bars=bars_to(JudgedCampaign(assessment, paths, begun, identities)),
    )
    return Campaign(assessment, basis, place_of_any(assessment.supplier, assessment.service))


def _limits_of(assessment: Assessment) -> str:
    """What its conforming binding outcomes are limited to, whatever became of the others."""
    conforming = (
        one.qualifier
        for one in assessment.outcomes
        if one.requirement.binding and one.conformity is Conformity.CONFORMS
    )
    return ", ".join(dict.fromkeys(filter(None, conforming)))


def proposal_for(matter: Matter, state: StreamState, clock: Clock) -> Proposal:
    """What the rules propose to decide about a matter. ``state`` is that of the whole stream."""
    now, campaign = clock.now(), matter.campaign
    return propose(
        campaign.assessment if campaign else None,
        campaign.basis if campaign else None,
        tuple(state.followed(matter.service, matter.scheme)),
        now,
        is_accredited=is_accredited(state.decisions, matter.key, now),
        alarms=_alarms_about(matter, state),
    )


def _alarms_about(matter: Matter, state: StreamState) -> tuple[Alarm, ...]:
    """The alarms of a service that are open, or that a re-test by the matter's scheme decided."""
    return tuple(
        alarm
        for alarm in alarms_of(state.alarms, matter.service)
        if not alarm.is_ended or alarm.retests[-1].scheme == matter.scheme
    )


def matter_of(campaign: Campaign, version: str, state: StreamState) -> Matter:
    """What a campaign is decided about. Raises UsageError if the version is not clear."""
    assessment = campaign.assessment
    versions = versions_of(assessment.service, state)
    if not version and len(versions) != 1:
        said = known(versions) if versions else "none is on record: accredit registry add version"
        msg = f"say which version of {assessment.service!r} was measured (--version); {said}"
        raise UsageError(msg)
    return Matter(
        assessment.service,
        version or versions[0],
        assessment.scheme,
        assessment.scheme_version,
        campaign,
    )


def decision_on(
    matter: Matter, state: StreamState, status: Status, clock: Clock, *, reason: str
) -> Decision:
    """A decision on a matter, beside what the rules propose: all white labels, and 12 months."""
    return Decision(
        number=len(state.decisions) + 1,
        service=matter.service,
        version=matter.version,
        scheme=matter.scheme,
        scheme_version=matter.scheme_version,
        status=status,
        reason=reason,
        proposal=proposal_for(matter, state, clock),
        until=year_after(clock.now()) if status in FAVOURABLE else None,
        white_labels=white_labels_of(matter.service, state),
    )


def state_of(session: RegistrySession, stream: str) -> StreamState:
    """The state of a whole stream, which a decision rests on."""
    with session.registry.reading(stream) as access:
        return replay(access.events())


def with_decisions(session: RegistrySession, only: str = "") -> Iterator[tuple[Place, StreamState]]:
    """The streams that hold decisions (or ``only`` one), each with its state."""
    for head in session.registry.heads():
        is_asked = only in ("", head.stream)
        if is_asked and session.registry.rows(DECISION, stream=head.stream):
            yield Place(head.stream, head.name), state_of(session, head.stream)


def record_decision(
    session: RegistrySession, place: Place, make: Callable[[StreamState], DecisionEvent]
) -> HeldDecision:
    """Record an event about a decision, made from the state of the whole stream."""
    with session.registry.writing(place.stream) as access:
        state = replay(access.events())
        event = make(state)
        after = state.after(event)
        session.append_to(access, after, [event])
    return after.decisions[event.about]


def keep_assessment_of(campaign: Campaign, out: Path) -> None:
    """Keep the assessment that a decision rests on under its SHA-256. Raises InstrumentError.

    The next ``accredit conclude`` replaces the file beside the journal, but not this copy.
    """
    from harness.store.assessments import encode_assessment  # noqa: PLC0415 - keep the start light
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - the same

    body = encode_assessment(campaign.assessment) + b"\n"
    EvidenceFolder(out / KEPT).keep_durably(Evidence(body=body, media_type="application/json"))


def is_kept(basis: Basis, out: Path) -> bool:
    """Whether the assessment of a decision is kept, unchanged."""
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only if asked

    try:
        EvidenceFolder(out / KEPT).read(f"sha256:{basis.assessment}")
    except HarnessError:
        return False
    return True


def versions_of(service: str, state: StreamState) -> tuple[str, ...]:
    """The open versions of a service, in the order in which they were recorded."""
    return _recorded_of(ServiceVersion, service, state)


def white_labels_of(service: str, state: StreamState) -> tuple[str, ...]:
    """The open white labels of a service, in the order in which they were recorded."""
    return _recorded_of(WhiteLabel, service, state)


def _recorded_of(
    kind: type[ServiceVersion | WhiteLabel], service: str, state: StreamState
) -> tuple[str, ...]:
    name = same_name(service)
    return tuple(
        one.id
        for one in state.open_records().values()
        if isinstance(one, kind) and same_name(one.of) == name
    )
