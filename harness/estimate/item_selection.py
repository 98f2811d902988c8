"""Which items a requirement counts: by category, stratum, phase, source and policy.

``Sources`` says which kind of items a pack holds and which of them an outcome rests on;
``Selection`` is what a metric function gets; ``select_results`` and ``counts_item`` decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.estimate.outcome_groups import GroupResult, ProfileResults
from harness.model.availability import AvailabilityChecks
from harness.model.campaign import Campaign
from harness.model.corpus import (
    KNOWN_TO_SUPPLIERS,
    TWIN,
    Item,
    PackKind,
    covers,
    frame_of,
    is_among,
)
from harness.model.instrument_record import InstrumentRecord
from harness.model.journal_header import PackNote
from harness.model.metric import Source
from harness.model.metric_spec import spec_of
from harness.model.outcome import Precondition
from harness.model.outcome_group import DomainComposition, OutcomeGroup
from harness.model.plain_twin import TwinPair
from harness.model.probe import Declarations
from harness.model.run_record import NO_RUN, RunRecord
from harness.model.scheme import Expectation, Measure, Policy, Requirement
from harness.model.service_alert import ServiceAlerts
from harness.model.service_declaration import Service
from harness.model.service_log import ServiceLogs
from harness.model.service_mail import ServiceMail
from harness.model.service_records import NO_RECORDS, ServiceRecords
from harness.model.service_speed import ServiceSpeed
from harness.model.technique import is_technique
from harness.model.timed_event import Poll
from harness.model.user import NO_USERS, Users
from harness.ports.judging import CountedVerdicts

AGREED = Source("agreed", is_hidden=False)
AGREED_ONLY = "agreed list only"
KNOWN_ONLY = "known items only"

Packs = Mapping[str, PackNote]
"""Header notes on packs, by the mark that their items carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The sources a conforming outcome rests on, and the qualifier that limits it.

    ``kind`` is empty where an outcome does not depend on a kind of items.
    """

    sources: tuple[Source, ...] = ()
    kind: PackKind | Literal[""] = ""
    qualifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The sources of a campaign's items by the mark of their pack.

    An unknown pack, or one without a kind, counts as ``agreed``, the kind that shows least.
    ``items`` is the kind that the campaign declares its category rates to rest on.
    """

    packs: Packs = field(default_factory=dict)
    items: PackKind = "real"

    def of_pack(self, mark: str) -> Source:
        """Return the source of a pack by its mark; an empty mark means the campaign's only pack."""
        pack = self.packs.get(mark)
        if pack is None and not mark and len(self.packs) == 1:
            pack = next(iter(self.packs.values()))
        return AGREED if pack is None else source_of(pack)

    def test_key(self, item: Item, codes: Collection[str]) -> tuple[str, Source, str]:
        """Return the key of an item's own test: frame, source, and its code in ``codes``."""
        code = next((code for code in codes if covers(item.category, code)), "")
        return frame_of(item.pack), self.of_pack(item.pack), code

    def basis(self, rests_on: PackKind | None, present: Collection[Source]) -> Basis:
        """Return what a requirement rests on, given the sources that are ``present``."""
        if rests_on is None:
            return Basis()
        if rests_on == "agreed":
            others = tuple(sorted(source for source in present if source != AGREED))
            sources = (AGREED,) if AGREED in present or not others else others
            return Basis(sources=sources, kind=sources[0].kind)
        hidden = Source(rests_on, is_hidden=True)
        known = tuple(sorted(source for source in present if not source.is_hidden))
        wants_hidden = self.items != "agreed" or not known
        if not present or (hidden in present and wants_hidden):
            return Basis(sources=(hidden,), kind=rests_on)
        if not known:  # hidden items of another kind are no evidence here
            return Basis(sources=(hidden,), kind=rests_on)
        if AGREED in known:
            return Basis(sources=known, kind="agreed", qualifier=AGREED_ONLY)
        return Basis(sources=known, kind=rests_on, qualifier=KNOWN_ONLY)


def source_of(pack: PackNote) -> Source:
    """Return the source that a header note states. Agreed items are never hidden."""
    is_hidden = pack.audience not in KNOWN_TO_SUPPLIERS
    if pack.kind == "content":
        return Source("content", is_hidden=is_hidden)
    return Source("real", is_hidden=is_hidden) if pack.kind == "real" else AGREED


def is_relevant(source: Source, rests_on: PackKind | None) -> bool:
    """Whether items of a source count for a requirement that rests on a kind.

    Content items count for requirements on content only, and these count nothing else. Agreed and
    real items count for all others, even where they can only count against the service.
    """
    if rests_on is None:
        return True
    return (source.kind == "content") == (rests_on == "content")


CONTROL_CATEGORY = "CTRL"
"""Category of items that test the instrument; counted only where a measure names it."""

EVERY_PHASE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileSelection:
    """The items that a requirement counts for one profile of a line."""

    profile: str
    phase: str
    results: tuple[GroupResult, ...]
    expects: Callable[[str], Expectation | None]
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The items that one requirement counts on one line for one profile.

    ``results`` are the counted outcome groups. ``expects`` gives the policy's expectation of a
    category, ``codes`` are the policy's rows. ``profile_selections`` returns the selections of all
    profiles of the line, this one included. ``preconditions``, ``twins`` (items compared with their
    plain twins), ``polls`` and ``probes_run`` are those of the line and profile. ``campaign`` is
    the declaration in the header of the journal, if it has one. ``users`` are those of the
    campaign, with the trials of this line; ``records`` is what is known of the service's log and
    alerts for the line and profile;
    ``everywhere`` returns the selections of all lines and profiles. ``instrument`` are the
    instrument records, ``probes`` the declarations of the campaign's probes, ``sources`` maps packs
    to sources. ``run`` is what is on record of the run itself.
    ``domains`` are numbers of domains by composition; ``verdict_counts`` gives times.
    """

    requirement: Requirement
    results: tuple[GroupResult, ...]
    alpha: float
    verdict_counts: CountedVerdicts
    domains: Sequence[tuple[DomainComposition, int]] = ()
    expects: Callable[[str], Expectation | None] = lambda _: None
    codes: tuple[str, ...] = ()
    profile: str = ""
    profile_selections: Callable[[], tuple[ProfileSelection, ...]] = tuple
    preconditions: tuple[Precondition, ...] = ()
    twins: tuple[TwinPair, ...] = ()
    polls: tuple[Poll, ...] = ()
    line: str = ""
    users: Users = NO_USERS
    records: ServiceRecords = NO_RECORDS
    everywhere: Callable[[], tuple[ProfileSelection, ...]] = tuple
    probes_run: frozenset[str] = frozenset()
    instrument: tuple[InstrumentRecord, ...] = ()
    sources: Sources = field(default_factory=Sources)
    probes: Declarations = field(default_factory=dict)
    campaign: Campaign | None = None
    run: RunRecord = NO_RUN

    @property
    def basis(self) -> Basis:
        """The sources that a conforming outcome rests on, among those of the items."""
        present = {self.sources.of_pack(result.group.pack) for result in self.results}
        return self.sources.basis(self.requirement.rests_on, present)

    @property
    def logs(self) -> ServiceLogs:
        """The requests that the service's log has to show, and the readings of that log."""
        return self.records.logs

    @property
    def alerts(self) -> ServiceAlerts:
        """The sessions that monitoring has to recognise, and the alerts that arrived."""
        return self.records.alerts

    @property
    def mail(self) -> ServiceMail:
        """The mails that were sent through the service, and the readings of mailboxes."""
        return self.records.mail

    @property
    def availability(self) -> AvailabilityChecks:
        """The checks of the line and profile that show whether the service was up and filtered."""
        return self.records.availability

    @property
    def speed(self) -> ServiceSpeed:
        """The rounds in which the speed of the line was measured."""
        return self.records.speed

    @property
    def service(self) -> Service | None:
        """What the campaign declares of the service."""
        return self.campaign.service if self.campaign else None

    @property
    def at_most(self) -> float | None:
        """The requirement's threshold, if it is an upper one."""
        threshold = self.requirement.threshold
        return threshold.at_most if threshold is not None else None

    @property
    def measure(self) -> Measure:
        """The measure of the requirement."""
        return self.requirement.measure


def select_results(
    requirement: Requirement,
    policy: Policy,
    profile_results: ProfileResults,
    phase: str,
    sources: Sources,
) -> tuple[GroupResult, ...]:
    """Return the results that a requirement counts for a school phase."""
    measure, rests_on = requirement.measure, requirement.rests_on
    with_twins = spec_of(measure.metric).with_twins
    return tuple(
        result
        for result in profile_results.results
        if (
            counts_category(measure, policy, result.category, phase)
            or (with_twins and result.group.stratum.startswith(TWIN))
        )
        and counts_item(measure, result.group, phase)
        and is_relevant(sources.of_pack(result.group.pack), rests_on)
    )


def counts_category(measure: Measure, policy: Policy, category: str, phase: str) -> bool:
    """Whether items of ``category`` count: named, or not named at all, and as expected."""
    named = is_among(category, measure.categories)
    if not named and (measure.categories or category == CONTROL_CATEGORY):
        return False
    return measure.expectation is None or policy.expects(category, phase) == measure.expectation


def counts_item(measure: Measure, item: Item | OutcomeGroup, phase: str) -> bool:
    """Whether an item (or an outcome group) has the phase and a stratum that is measured."""
    if is_technique(item.stratum) != spec_of(measure.metric).of_techniques:
        return False
    if measure.strata and item.stratum not in measure.strata:
        return False
    return EVERY_PHASE in item.phases or phase in item.phases


def is_wanted(
    measure: Measure,
    codes: Iterable[str],
    expects: Callable[[str], Expectation | None],
    wanted: str,
) -> bool:
    """Whether the policy expects of a named category, or of one below it, what is measured."""
    if measure.expectation is None:
        return True
    return any(
        expects(code) == measure.expectation for code in {*codes, wanted} if covers(code, wanted)
    )


def is_asked(measure: Measure, policy: Policy, tried: tuple[str, ...], phase: str) -> bool:
    """Whether the policy of a phase expects of any wanted category what the measure counts."""
    if measure.expectation is None or not measure.categories:
        return True
    codes = {*policy.rows, *tried, *measure.categories}
    return any(counts_category(measure, policy, code, phase) for code in codes)
