"""Read what a site is made from: all streams of the registry, and the assessments that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from harness.cli.decision_basis import KEPT
from harness.cli.paths import CampaignPaths
from harness.cli.registry_session import RegistrySession
from harness.errors import HarnessError, UsageError
from harness.follow.state import StreamState
from harness.follow.status_history import replay_statuses
from harness.model.event import Event
from harness.model.outcome import Assessment
from harness.model.registry_record import CampaignRecord
from harness.model.stream import OWNER, same_name
from harness.store.assessments import decode_assessment, read_assessment
from harness.store.evidence import EvidenceFolder
from reports.site.stream_view import MeasuredCampaign, StreamView


def views_of(session: RegistrySession, results: Path, now: datetime) -> Iterator[StreamView]:
    """The suppliers' streams, each with the assessments of its campaigns.

    Raises InstrumentError where a stream was changed.
    """
    for head in session.registry.heads():
        if head.stream == OWNER:
            continue
        with session.registry.reading(head.stream) as access:
            events = access.events()
        state, history = replay_statuses(events, now)
        yield StreamView(
            name=head.stream,
            supplier=head.name,
            events=events,
            state=state,
            history=history,
            campaigns=_campaigns(state, events, results),
            kept=kept_of(state, results),
        )


def _campaigns(
    state: StreamState, events: tuple[Event, ...], results: Path
) -> tuple[MeasuredCampaign, ...]:
    """The campaigns on record, in order of time."""
    found = []
    for position, record in state.open_records().items():
        if isinstance(record, CampaignRecord):
            assessment = assessment_of(record, results)
            recorded = events[position - 1].at
            at = measured_at(assessment) if assessment is not None else recorded
            found.append(MeasuredCampaign(record.id, record.of, record.scheme, at, assessment))
    return tuple(sorted(found, key=lambda each: (each.at, each.name, each.scheme)))


def assessment_of(record: CampaignRecord, results: Path) -> Assessment | None:
    """The assessment of a campaign by its scheme, if the results hold that of the same journal."""
    if Path(record.id).name != record.id:
        return None
    paths = CampaignPaths(out=results, campaign=record.id)
    try:
        assessment = read_assessment(paths.assessment(record.scheme))
    except UsageError:
        return None
    head = assessment.journal_head
    is_same = (
        head is not None
        and head.hash == record.journal
        and same_name(assessment.service) == same_name(record.of)
        and assessment.scheme == record.scheme
    )
    return assessment if is_same else None


def measured_at(assessment: Assessment) -> datetime:
    """When a campaign was measured; of a journal without an instrument, when it was concluded."""
    return assessment.instrument[0].at if assessment.instrument else assessment.concluded


def kept_of(state: StreamState, results: Path) -> Mapping[str, Assessment]:
    """The assessments that decisions rest on, by SHA-256, of those that are kept unchanged."""
    bases = (held.decision.proposal.basis for held in state.decisions.values())
    return dict(_readable({basis.assessment for basis in bases if basis}, results / KEPT))


def _readable(digests: Iterable[str], folder: Path) -> Iterator[tuple[str, Assessment]]:
    for digest in digests:
        try:
            text = EvidenceFolder(folder).read(f"sha256:{digest}")
            yield digest, decode_assessment(text, folder)
        except HarnessError:
            continue
