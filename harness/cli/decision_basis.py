"""What a decision on accreditation rests on: a campaign, judged now, and the registry's plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.cli.conclude import begun_in, conclude_journal
from harness.cli.decision_bars import Check, JudgedCampaign, bars_to, other_registry
from harness.cli.decision_followed import other_content
from harness.cli.paths import CampaignPaths
from harness.cli.recalled_evidence import why_recalled
from harness.cli.registration_bars import bars_of_registration
from harness.cli.registry_session import Place, RegistrySession, place_of_any
from harness.cli.similar_names import similar_stops
from harness.cli.trusted_content import unsigned_parts
from harness.cli.vouched_time import time_bars
from harness.errors import HarnessError, UsageError, known
from harness.follow.accreditation import why_not_new_enough
from harness.follow.alarms import alarms_of
from harness.follow.decisions import year_after
from harness.follow.derived_rows import DECISION
from harness.follow.people_identities import unidentified
from harness.follow.proposal import propose
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.follow.status_history import is_accredited
from harness.model.alarm import Alarm
from harness.model.decision import (
    FAVOURABLE,
    Basis,
    Decision,
    HeldDecision,
    HeldRecommendation,
    Proposal,
    Recommendation,
    Status,
    decision_key,
)
from harness.model.decision_event import DecisionEvent, EvaluationReviewed
from harness.model.observation import Evidence
from harness.model.outcome import Assessment, Conformity
from harness.model.registry_record import ServiceVersion, WhiteLabel
from harness.model.scope import SCOPE_WORDS
from harness.model.stream import same_name
from harness.ports.storage import Clock

CHECKS: tuple[Check, ...] = (
    why_recalled,
    other_registry,
    unsigned_parts,
    other_content,
    time_bars,
    bars_of_registration,
    lambda each: unidentified(
        each.assessment.outcomes, each.session.identities(), each.assessment.concluded
    ),
)
"""What may bar a favourable decision on a campaign, in the order in which it is shown."""

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
    results: Path, scheme: str | None, clock: Clock, session: RegistrySession
) -> Campaign:
    """Judge a campaign's results by the rules of now. Raises UsageError, as for a limited scope.

    ``session`` is the registry in which it is decided.
    """
    assessment, paths = conclude_journal(results, scheme, clock)
    campaign = campaign_of(assessment, paths, session)
    noted = similar_stops(assessment, session)
    return campaign._replace(basis=msgspec.structs.replace(campaign.basis, noted=noted))


def campaign_of(assessment: Assessment, paths: CampaignPaths, session: RegistrySession) -> Campaign:
    """The campaign of an assessment, to be decided on. Raises UsageError for a limited scope."""
    from harness.store.assessments import digest_of  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    if assessment.scope != "service":
        beyond = f" ({', '.join(assessment.beyond_scope)})" if assessment.beyond_scope else ""
        msg = (
            f"{paths.journal}: this campaign tests {SCOPE_WORDS[assessment.scope]}, and no "
            f"accreditation is decided on that; remove 'scope' from the campaign and measure "
            f"the rest{beyond}"
        )
        raise UsageError(msg)
    with closing(open_journal(paths.journal)) as journal:
        begun, run = begun_in(journal), journal.header.run
    basis = Basis(
        campaign=assessment.campaign,
        journal=assessment.journal_head.hash if assessment.journal_head else "",
        assessment=digest_of(assessment),
        rules=assessment.rules_version,
        begun=begun,
        concluded=assessment.concluded,
        limited_to=_limits_of(assessment),
        bars=bars_to(JudgedCampaign(assessment, paths, begun, session), CHECKS),
        judges=_judges_of(assessment),
        stated=_stated_in(assessment),
        measured_with=assessment.measured_with,
        run=run,
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


def _judges_of(assessment: Assessment) -> tuple[str, ...]:
    """The people whose answers a campaign counts, in the order of their answers."""
    answers = (each for one in assessment.outcomes if one.people for each in one.people.answers)
    return tuple(dict.fromkeys(each.reviewer for each in answers))


def _stated_in(assessment: Assessment) -> tuple[tuple[str, datetime], ...]:
    """When the oldest answer was given, of each binding outcome that conforms by answers."""
    return tuple(
        (one.requirement.id, min(each.at for each in one.people.answers))
        for one in assessment.outcomes
        if one.people is not None and one.people.answers and one.requirement.binding
        if one.conformity is Conformity.CONFORMS
    )


def proposal_for(matter: Matter, state: StreamState, clock: Clock) -> Proposal:
    """What the rules propose to decide about a matter. ``state`` is that of the whole stream."""
    now, campaign = clock.now(), matter.campaign
    about = (matter.service, matter.version, matter.scheme)
    too_old = why_not_new_enough(campaign.basis, about, state.sources, now) if campaign else ()
    return propose(
        campaign.assessment if campaign else None,
        campaign.basis if campaign else None,
        tuple(state.followed(matter.service, matter.scheme)),
        now,
        is_accredited=is_accredited(state, matter.key, now),
        alarms=_alarms_about(matter, state),
        too_old=tuple(too_old),
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


def recommendation_on(
    matter: Matter, state: StreamState, status: Status, clock: Clock, *, reason: str
) -> Recommendation:
    """What the review of a matter recommends, beside what the rules propose."""
    return Recommendation(
        service=matter.service,
        version=matter.version,
        scheme=matter.scheme,
        scheme_version=matter.scheme_version,
        status=status,
        reason=reason,
        proposal=proposal_for(matter, state, clock),
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
    after, event = _recorded(session, place, make)
    return after.decisions[event.about]


def record_recommendation(
    session: RegistrySession, place: Place, make: Callable[[StreamState], EvaluationReviewed]
) -> HeldRecommendation:
    """Record the review of an evaluation, made from the state of the whole stream."""
    after, _ = _recorded(session, place, make)
    return after.recommended[-1]


def _recorded(
    session: RegistrySession, place: Place, make: Callable[[StreamState], DecisionEvent]
) -> tuple[StreamState, DecisionEvent]:
    with session.registry.writing(place.stream) as access:
        state = replay(access.events())
        event = make(state)
        after = state.after(event)
        session.append_to(access, after, [event])
    return after, event


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
