"""Compute all measurements of a journal: one for each requirement, profile and line.

A measurement without evidence is kept, with n = 0. A requirement is *not applicable* only where the
scheme says so (its profiles, its policy), or where another line of the same campaign can see the
items and this one cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import import_module

from harness.estimate import rates
from harness.estimate.category_rates import category_rates, form_counts
from harness.estimate.item_selection import (
    Packs,
    ProfileSelection,
    Selection,
    Sources,
    counts_category,
    is_asked,
    select_results,
)
from harness.estimate.outcome_groups import GroupResult, ProfileResults
from harness.estimate.overloaded_batches import without_overload
from harness.estimate.plain_twins import same_treatment
from harness.estimate.profiles import LineProfile, line_profiles_of
from harness.estimate.rates import MeasuredMetric
from harness.estimate.rates_by_pack import compare_packs, with_foreknowledge
from harness.model.availability_metric_specs import AVAILABILITY_METRICS
from harness.model.campaign import Campaign
from harness.model.corpus import PackKind, covers
from harness.model.instrument_record import InstrumentRecord
from harness.model.metric_form import MetricSpec
from harness.model.metric_spec import LIST_CENSUSES, spec_of
from harness.model.outcome import (
    Estimates,
    Measurement,
    Precondition,
)
from harness.model.plain_twin import TwinPair
from harness.model.probe import EARLIER, Declarations
from harness.model.run_record import NO_RUN, RunRecord
from harness.model.scheme import Requirement, Scheme
from harness.model.service_records import NO_RECORDS, ServiceRecords
from harness.model.timed_event import Poll
from harness.model.user import NO_USERS, Users
from harness.ports.judging import CountedVerdicts

MetricFunction = Callable[[Selection], MeasuredMetric]
"""Computes one metric of the items that a requirement counts on one line for one profile."""


@cache
def function_of(spec: MetricSpec) -> MetricFunction:
    """Return the function that ``spec.function`` names in ``harness.estimate``."""
    module, _, name = spec.function.partition(":")
    metric_function: MetricFunction = getattr(import_module(f"harness.estimate.{module}"), name)
    return metric_function


def estimate(
    verdict_counts: CountedVerdicts,
    scheme: Scheme,
    phases: Mapping[str, str],
    preconditions: tuple[Precondition, ...] = (),
    *,
    frames: Mapping[str, int] | None = None,
    packs: Packs | None = None,
    items: PackKind = "real",
    twins: tuple[TwinPair, ...] = (),
    polls: tuple[Poll, ...] = (),
    users: Users = NO_USERS,
    records: ServiceRecords = NO_RECORDS,
    run: RunRecord = NO_RUN,
    instrument: tuple[InstrumentRecord, ...] = (),
    probes: Declarations = EARLIER,
    campaign: Campaign | None = None,
) -> Estimates:
    """Compute every metric of the scheme.

    ``phases`` maps profiles to policy columns, ``frames`` categories to numbers of items in the
    corpora, tried or not. ``preconditions`` are those of the verdicts, ``packs`` the header's notes
    on packs, ``items`` the kind that category rates are declared to rest on, ``twins`` the items
    compared with their plain twins, ``polls`` those of timed events, ``users``, ``records`` and
    ``run`` what is known of these, ``campaign`` and ``probes`` what the header declares.
    """
    sources, alpha = Sources(packs=packs or {}, items=items), scheme.decision.alpha
    preconditions += same_treatment(twins, scheme.policy.expects, phases, alpha)
    line_profiles = line_profiles_of(
        verdict_counts, phases, preconditions, sources, twins, instrument, probes,
        polls=polls, users=users, records=records, run=run, campaign=campaign,
    )  # fmt: skip
    compared = compare_packs(verdict_counts.counts, packs or {}, scheme.policy, phases, alpha)
    remarks: list[str] = []
    measurements = [
        with_foreknowledge(one, compared, scheme, phases)
        for requirement in scheme.requirements
        for one in _of_requirement(requirement, scheme, line_profiles, frames or {}, remarks)
    ]
    return Estimates(
        measurements=tuple(measurements),
        rates=tuple(category_rates(line_profiles, scheme)),
        mechanisms=verdict_counts.counts.mechanisms,
        latencies=verdict_counts.counts.latencies,
        not_applicable=tuple(remarks + _unseen(line_profiles)),
        packs=compared.rates,
        foreknowledge=compared.foreknowledge,
        preconditions=preconditions,
        forms=tuple(form_counts(line_profiles, scheme)),
    )


def _of_requirement(
    requirement: Requirement,
    scheme: Scheme,
    line_profiles: list[LineProfile],
    frames: Mapping[str, int],
    remarks: list[str],
) -> Iterator[Measurement]:
    """Yield the measurements of one requirement; add to ``remarks`` where it is not applicable."""
    asked = [one for one in line_profiles if _is_asked(requirement, scheme, one, remarks)]
    seeing = [one for one in asked if _sees(requirement, scheme, one)]
    if seeing:
        remarks += [_blind_remark(requirement, one) for one in asked if one not in seeing]
    for line_profile in seeing or asked:
        measurement = _measure(requirement, scheme, line_profile)
        yield _with_list_size(measurement, scheme, line_profile, frames)
    yield from _untried_phases(requirement, scheme, line_profiles)


def _is_asked(
    requirement: Requirement, scheme: Scheme, line_profile: LineProfile, remarks: list[str]
) -> bool:
    """Whether the requirement applies to the profile; if not, add the reason to ``remarks``."""
    where = f"{requirement.id}[{line_profile.profile}-{line_profile.line}]"
    if _is_checked_alone(line_profile) and requirement.measure.metric not in CHECKED_METRICS:
        return False
    if not requirement.is_for(line_profile.profile, line_profile.phase):
        remarks.append(f"{where}: asked only of {', '.join(requirement.profiles)}")
        return False
    measure = requirement.measure
    if _is_unclaimed(spec_of(requirement.measure.metric), line_profile.campaign):
        remarks.append(f"{where}: the supplier does not claim it (service.records)")
        return False
    places = line_profile.users.places
    is_known = (line_profile.line, line_profile.profile) not in places
    if spec_of(measure.metric).for_default_users and places and is_known:
        remarks.append(f"{where}: no users with the default policy are declared there")
        return False
    if is_asked(measure, scheme.policy, tuple(line_profile.results.categories), line_profile.phase):
        return True
    asked = ", ".join(measure.categories)
    remarks.append(f"{where}: policy {scheme.policy.id} does not {measure.expectation} {asked}")
    return False


CHECKED_METRICS = frozenset(spec.name for spec in AVAILABILITY_METRICS)
"""What is asked of a line that only checks of availability use."""


def _is_checked_alone(line_profile: LineProfile) -> bool:
    campaign = line_profile.campaign
    further = campaign.availability_lines if campaign else ()
    return line_profile.line in {one.name for one in further}


def _is_unclaimed(spec: MetricSpec, campaign: Campaign | None) -> bool:
    """Whether a metric is only for services that claim something, and this one declares not to."""
    records = campaign.service.records if campaign else None
    return bool(spec.claimed) and records is not None and getattr(records, spec.claimed) is False


def _untried_phases(
    requirement: Requirement, scheme: Scheme, line_profiles: list[LineProfile]
) -> Iterator[Measurement]:
    """Yield an empty, barred measurement for each required phase that no profile has."""
    tried = {
        name
        for line_profile in line_profiles
        for name in (line_profile.profile, line_profile.phase)
    }
    lines = {line_profile.line: line_profile for line_profile in line_profiles}
    for phase in requirement.profiles:
        if phase in tried or not is_asked(requirement.measure, scheme.policy, (), phase):
            continue
        for line_profile in lines.values():
            empty = replace(
                line_profile,
                profile=phase,
                phase=phase,
                results=ProfileResults(),
                same_line=[],
                twins=(),
                polls=(),
            )
            why = f"{phase} not tried: no profile of the campaign has this phase"
            yield replace(_measure(requirement, scheme, empty), barred=why)


def _sees(requirement: Requirement, scheme: Scheme, line_profile: LineProfile) -> bool:
    """Whether a probe that the measure asks for ran, and can see the layer of the items."""
    probes = line_profile.results.probes
    if not spec_of(requirement.measure.metric).is_implemented or not probes:
        return True
    if requirement.measure.probes and not probes & set(requirement.measure.probes):
        return False
    hidden = any(
        covers(one.category, wanted)
        for one in line_profile.results.unseen
        for wanted in requirement.measure.categories or (one.category,)
    )
    return not hidden or bool(_select(requirement, scheme, line_profile))


def _blind_remark(requirement: Requirement, line_profile: LineProfile) -> str:
    where = f"{requirement.id}[{line_profile.profile}-{line_profile.line}]"
    probes_run = ", ".join(sorted(line_profile.results.probes))
    return f"{where}: cannot be seen with {probes_run}; measured on another line"


def _select(
    requirement: Requirement, scheme: Scheme, line_profile: LineProfile
) -> tuple[GroupResult, ...]:
    return select_results(
        requirement,
        scheme.policy,
        line_profile.results,
        line_profile.phase,
        line_profile.sources,
    )


def _measure(requirement: Requirement, scheme: Scheme, line_profile: LineProfile) -> Measurement:
    spec = spec_of(requirement.measure.metric)
    selection = _selection(requirement, scheme, line_profile)
    measured = (
        without_overload(function_of(spec)(selection), selection)
        if spec.is_implemented
        else rates.not_implemented(spec.name, spec.unit, selection.alpha)
    )
    basis = selection.basis
    witnesses = line_profile.verdict_counts.witnesses(measured.adverse) + measured.witnesses
    return Measurement(
        requirement=requirement,
        profile=line_profile.profile,
        line=line_profile.line,
        metric=replace(measured.metric, witnesses=tuple(one.item for one in witnesses)),
        witnesses=witnesses,
        kind=basis.kind,
        qualifier=basis.qualifier,
        barred=measured.barred,
        conditions=measured.conditions,
        people=measured.people,
    )


def _selection(requirement: Requirement, scheme: Scheme, line_profile: LineProfile) -> Selection:
    return Selection(
        requirement=requirement,
        results=_select(requirement, scheme, line_profile),
        alpha=requirement.alpha or scheme.decision.alpha,
        verdict_counts=line_profile.verdict_counts,
        domains=line_profile.verdict_counts.counts.domains.get(line_profile.line, ()),
        expects=lambda code: scheme.policy.expects(code, line_profile.phase),
        codes=tuple(scheme.policy.rows),
        profile=line_profile.profile,
        profile_selections=lambda: _selections(requirement, scheme, line_profile.same_line),
        preconditions=line_profile.preconditions,
        twins=line_profile.twins,
        polls=line_profile.polls,
        users=line_profile.users,
        records=line_profile.records,
        line=line_profile.line,
        everywhere=lambda: _selections(requirement, scheme, line_profile.everywhere),
        instrument=line_profile.instrument,
        probes=line_profile.probes,
        probes_run=frozenset(line_profile.results.probes),
        sources=line_profile.sources,
        campaign=line_profile.campaign,
        run=line_profile.run,
    )


def _selections(
    requirement: Requirement, scheme: Scheme, line_profiles: Iterable[LineProfile]
) -> tuple[ProfileSelection, ...]:
    return tuple(
        ProfileSelection(
            line=one.line,
            profile=one.profile,
            phase=one.phase,
            results=_select(requirement, scheme, one),
            expects=partial(scheme.policy.expects, phase=one.phase),
        )
        for one in line_profiles
    )


def _with_list_size(
    measurement: Measurement, scheme: Scheme, line_profile: LineProfile, frames: Mapping[str, int]
) -> Measurement:
    """Add the number of entries of the whole list to a metric that counts the missed ones."""
    measure = measurement.requirement.measure
    if measure.metric not in LIST_CENSUSES:
        return measurement
    entries = [
        number
        for code, number in frames.items()
        if counts_category(measure, scheme.policy, code, line_profile.phase)
    ]
    return (
        replace(measurement, metric=replace(measurement.metric, frame=sum(entries)))
        if entries
        else measurement
    )


def _unseen(line_profiles: list[LineProfile]) -> list[str]:
    return [
        f"{one.trials} trials of {one.category} on {line_profile.line} for {line_profile.profile} "
        f"set aside: "
        f"probe {one.probe} cannot see what applies to {one.layer}"
        for line_profile in line_profiles
        for one in sorted(
            line_profile.results.unseen,
            key=lambda one: (one.probe, one.layer, one.category),
        )
    ]
