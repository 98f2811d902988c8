"""The rows of a campaign that a hub's pages read, from its record and its kept assessment."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from harness.cli.paths import CampaignPaths
from harness.cli.site_views import measured_at
from harness.model.conformity import Conformity
from harness.model.outcome import Assessment, Outcome
from harness.model.registry_record import CampaignRecord
from harness.store.hub.projection import CampaignKey, CampaignRow, OutcomeRow
from reports import phrases
from reports.dashboard.campaign_bodies import campaign_body, encode_body, outcome_body
from reports.dashboard.result_facts import CampaignFacts, Figure, OutcomeFacts, Subject
from reports.requirement_table import (
    bounds_in_words,
    is_shown,
    measured_in_words,
    required_in_words,
    status_of,
)
from reports.site.stream_view import Place
from reports.site.trend_causes import NOT_KNOWN, Instrument
from reports.site.trend_facts import State, charted


class HubCampaign(NamedTuple):
    """A campaign on record by one scheme, where it was made, and its assessment if that is kept.

    ``service`` is the name that all rows use, ``recorded`` the time of its event. ``paths`` are
    those of its files, which need not exist.
    """

    stream: str
    service: str
    record: CampaignRecord
    recorded: datetime
    place: Place
    paths: CampaignPaths
    assessment: Assessment | None

    @property
    def key(self) -> CampaignKey:
        """The key of its row."""
        return CampaignKey(self.stream, self.record.id, self.record.scheme)

    @property
    def has_files(self) -> bool:
        """Whether its folder of results is one of its own, within all results."""
        return Path(self.record.id).name == self.record.id

    @property
    def measured_at(self) -> datetime:
        """When it was measured; without an assessment, when it was recorded."""
        return self.recorded if self.assessment is None else measured_at(self.assessment)

    @property
    def state(self) -> str:
        """How it ended as a whole."""
        if self.assessment is not None:
            return self.assessment.conformity.value
        if self.record.does_not_conform:
            return Conformity.DOES_NOT_CONFORM.value
        is_met = self.record.conforms and not self.record.insufficient
        return (Conformity.CONFORMS if is_met else Conformity.INSUFFICIENT).value


def campaign_row(campaign: HubCampaign, *, has_items: bool) -> CampaignRow:
    """The row of a campaign."""
    record, assessment = campaign.record, campaign.assessment
    return CampaignRow(
        *campaign.key,
        service=campaign.service,
        site=campaign.place.site,
        schedule=campaign.place.schedule,
        measured_at=campaign.measured_at,
        state=campaign.state,
        conforms=record.conforms,
        does_not_conform=record.does_not_conform,
        insufficient=record.insufficient,
        observations=assessment.observations if assessment is not None else 0,
        journal=record.journal,
        has_items=has_items,
        body=_campaign_body(campaign),
    )


def outcome_rows(campaign: HubCampaign) -> Iterator[OutcomeRow]:
    """The rows of the outcomes that bind or were measured; none without an assessment."""
    assessment = campaign.assessment
    if assessment is None:
        return
    instrument = Instrument.of(assessment)
    name = digest_of(instrument)
    software = "" if instrument.software == NOT_KNOWN else instrument.software
    for number, outcome in enumerate(assessment.outcomes):
        if is_shown(outcome):
            anchor = f"{outcome.requirement.id}-{number}"
            facts = _outcome_facts(campaign, assessment, outcome, anchor)
            figure = msgspec.structs.replace(facts.figure, instrument=name, software=software)
            facts = msgspec.structs.replace(facts, figure=figure)
            yield OutcomeRow(
                number=number,
                requirement=outcome.requirement.id,
                profile=outcome.profile,
                line=outcome.line,
                state=figure.state,
                is_binding=outcome.requirement.binding,
                value=figure.value,
                lower=figure.lower,
                upper=figure.upper,
                body=encode_body(outcome_body(outcome, assessment), facts),
            )


def state_of(outcome: Outcome) -> State:
    """How an outcome ended; no data if nothing was tried."""
    return status_of(outcome) if outcome.metric.tried else "no-data"


def _campaign_body(campaign: HubCampaign) -> str:
    record, assessment = campaign.record, campaign.assessment
    facts = CampaignFacts(
        scheme_version=record.scheme_version,
        rules=record.rules,
        recorded=campaign.recorded,
        instrument=Instrument.of(assessment) if assessment is not None else None,
    )
    return (
        encode_body(facts) if assessment is None else encode_body(campaign_body(assessment), facts)
    )


def _outcome_facts(
    campaign: HubCampaign, assessment: Assessment, outcome: Outcome, anchor: str
) -> OutcomeFacts:
    requirement, place = outcome.requirement, campaign.place
    return OutcomeFacts(
        about=Subject(
            scheme=campaign.record.scheme,
            requirement=requirement.id,
            profile=outcome.profile,
            line=outcome.line,
            unit=outcome.metric.unit,
            direction=phrases.direction(requirement.threshold),
            site=place.site,
            schedule=place.schedule,
        ),
        figure=_figure(campaign, assessment, outcome, anchor),
        title=requirement.title,
        area=requirement.area,
        severity=requirement.severity,
        word=phrases.word(outcome),
    )


def _figure(campaign: HubCampaign, assessment: Assessment, outcome: Outcome, anchor: str) -> Figure:
    metric = outcome.metric
    counted = charted(assessment, outcome)
    return Figure(
        campaign=campaign.record.id,
        at=campaign.measured_at,
        state=state_of(outcome),
        measured=phrases.tight(measured_in_words(outcome)),
        value=metric.value,
        lower=metric.lower,
        upper=metric.upper,
        limit=phrases.limit_of(outcome.requirement.threshold),
        bounds=phrases.tight(bounds_in_words(outcome)),
        required=phrases.tight(required_in_words(outcome)),
        charted=counted.value,
        tested=counted.tested,
        anchor=anchor,
    )


def digest_of(instrument: Instrument) -> str:
    """Twelve digits that tell instruments apart, whatever their software."""
    instrument = msgspec.structs.replace(instrument, software=NOT_KNOWN)
    return hashlib.sha256(msgspec.json.encode(instrument)).hexdigest()[:12]
