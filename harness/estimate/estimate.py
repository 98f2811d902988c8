"""Counts in, metrics out: one measurement per requirement, profile and line.

No measurement is ever left out because evidence is missing: it is taken with n = 0. One is
*not applicable* only where the scheme says so (its profiles, its policy), or where another
line of the same campaign sees what this one cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from harness.estimate import rates
from harness.estimate.interval_choice import bounded
from harness.estimate.item_selection import (
    REAGENT,
    Packs,
    Selection,
    Side,
    Sources,
    counts_category,
    is_asked,
    selected,
)
from harness.estimate.metrics import function_of
from harness.estimate.outcome_groups import Cell, Lot, sort_lots, total
from harness.estimate.plain_twins import recognition
from harness.estimate.profiles import Place, places_of
from harness.estimate.rates_by_pack import foreknown, packs_apart
from harness.model.corpus import PackKind, covers
from harness.model.instrument_record import InstrumentRecord
from harness.model.metric_spec import spec_of
from harness.model.outcome import (
    CategoryRate,
    Estimates,
    Measurement,
    Precondition,
)
from harness.model.plain_twin import TwinPair
from harness.model.probe import EARLIER, Declarations
from harness.model.scheme import Requirement, Scheme
from harness.model.verdict import State
from harness.ports.judging import CountedVerdicts


def estimate(
    folded: CountedVerdicts,
    scheme: Scheme,
    phases: Mapping[str, str],
    preconditions: tuple[Precondition, ...] = (),
    *,
    frames: Mapping[str, int] | None = None,
    packs: Packs | None = None,
    items: PackKind = "real",
    twins: tuple[TwinPair, ...] = (),
    instrument: tuple[InstrumentRecord, ...] = (),
    probes: Declarations = EARLIER,
) -> Estimates:
    """Take every metric that the scheme asks for.

    ``phases`` maps profiles to policy columns; ``frames`` says how many items of each category
    the corpora hold, tried or not;
    ``preconditions`` are what the verdicts rest on; ``packs`` those that the items came from;
    ``twins`` are items beside their plain twins; ``instrument`` is what it was measured with,
    ``probes`` what its probes declared;
    ``items`` the kind that the campaign declares its rates of categories to rest on.
    """
    alike = recognition(twins, scheme.policy.expects, phases, scheme.decision.alpha)
    preconditions += alike
    sources = Sources(packs=packs or {}, items=items)
    places = places_of(folded, phases, preconditions, sources, twins, instrument, probes)
    apart = packs_apart(folded.counts, packs or {}, scheme.policy, phases, scheme.decision.alpha)
    measurements: list[Measurement] = []
    remarks: list[str] = []
    for requirement in scheme.requirements:
        asked = [place for place in places if _is_asked(requirement, scheme, place, remarks)]
        seeing = [place for place in asked if _sees(requirement, scheme, place)]
        if seeing:
            remarks += [_blind(requirement, place) for place in asked if place not in seeing]
        measurements += [
            _framed(_measure(requirement, scheme, place), scheme, place, frames or {})
            for place in (seeing or asked)
        ]
        measurements += _absent(requirement, scheme, places)
    return Estimates(
        measurements=tuple(foreknown(one, apart, scheme, phases) for one in measurements),
        rates=tuple(_rates(places, scheme)),
        mechanisms=folded.counts.mechanisms,
        latencies=folded.counts.latencies,
        not_applicable=tuple(remarks + _unseen(places)),
        packs=apart.rates,
        foreknowledge=apart.foreknowledge,
        preconditions=preconditions,
    )


def _is_asked(requirement: Requirement, scheme: Scheme, place: Place, remarks: list[str]) -> bool:
    """Whether the scheme asks this requirement of the profile; else a remark says why not."""
    where = f"{requirement.id}[{place.profile}-{place.line}]"
    if requirement.profiles and not {place.profile, place.phase} & set(requirement.profiles):
        remarks.append(f"{where}: asked only of {', '.join(requirement.profiles)}")
        return False
    measure = requirement.measure
    if is_asked(measure, scheme.policy, tuple(place.cell.categories), place.phase):
        return True
    asked = ", ".join(measure.categories)
    remarks.append(f"{where}: policy {scheme.policy.id} does not {measure.expectation} {asked}")
    return False


def _absent(requirement: Requirement, scheme: Scheme, places: list[Place]) -> Iterator[Measurement]:
    """One measurement of nothing for each phase that is named and that no profile has."""
    tried = {name for place in places for name in (place.profile, place.phase)}
    lines = {place.line: place for place in places}
    for phase in requirement.profiles:
        if phase in tried or not is_asked(requirement.measure, scheme.policy, (), phase):
            continue
        for place in lines.values():
            empty = replace(place, profile=phase, phase=phase, cell=Cell(), beside=[])
            why = f"{phase} not tried: no profile of the campaign has this phase"
            yield replace(_measure(requirement, scheme, empty), barred=why)


def _sees(requirement: Requirement, scheme: Scheme, place: Place) -> bool:
    """Whether a probe that the measure wants ran there, on items that it can see."""
    probes = place.cell.probes
    if not spec_of(requirement.measure.metric).is_taken or not probes:
        return True
    if requirement.measure.probes and not probes & set(requirement.measure.probes):
        return False
    hidden = any(
        covers(one.category, wanted)
        for one in place.cell.unseen
        for wanted in requirement.measure.categories or (one.category,)
    )
    return not hidden or bool(_select(requirement, scheme, place))


def _blind(requirement: Requirement, place: Place) -> str:
    where = f"{requirement.id}[{place.profile}-{place.line}]"
    ran = ", ".join(sorted(place.cell.probes))
    return f"{where}: cannot be seen with {ran}; measured on another line"


def _select(requirement: Requirement, scheme: Scheme, place: Place) -> tuple[Lot, ...]:
    return selected(requirement, scheme.policy, place.cell, place.phase, place.sources)


def _measure(requirement: Requirement, scheme: Scheme, place: Place) -> Measurement:
    spec = spec_of(requirement.measure.metric)
    selection = _selection(requirement, scheme, place)
    taken = (
        function_of(spec)(selection)
        if spec.is_taken
        else rates.not_taken(spec.name, spec.unit, selection.alpha)
    )
    basis = selection.basis
    witnesses = place.folded.witnesses(taken.adverse)
    return Measurement(
        requirement=requirement,
        profile=place.profile,
        line=place.line,
        metric=replace(taken.metric, witnesses=tuple(one.item for one in witnesses)),
        witnesses=witnesses,
        kind=basis.kind,
        qualifier=basis.qualifier,
    )


def _selection(requirement: Requirement, scheme: Scheme, place: Place) -> Selection:
    return Selection(
        requirement=requirement,
        lots=_select(requirement, scheme, place),
        alpha=requirement.alpha or scheme.decision.alpha,
        folded=place.folded,
        domains=place.folded.counts.domains.get(place.line, ()),
        expects=lambda code: scheme.policy.expects(code, place.phase),
        codes=tuple(scheme.policy.rows),
        profile=place.profile,
        sides=lambda: _sides(requirement, scheme, place),
        preconditions=place.preconditions,
        twins=place.twins,
        instrument=place.instrument,
        probes=place.probes,
        ran=frozenset(place.cell.probes),
        sources=place.sources,
    )


def _sides(requirement: Requirement, scheme: Scheme, place: Place) -> tuple[Side, ...]:
    return tuple(
        Side(
            profile=one.profile,
            phase=one.phase,
            lots=_select(requirement, scheme, one),
            expects=partial(scheme.policy.expects, phase=one.phase),
        )
        for one in place.beside
    )


def _framed(
    taken: Measurement, scheme: Scheme, place: Place, frames: Mapping[str, int]
) -> Measurement:
    """With the size of the list that a count of entries is about."""
    measure = taken.requirement.measure
    if measure.metric != "missed":
        return taken
    entries = [
        number
        for code, number in frames.items()
        if counts_category(measure, scheme.policy, code, place.phase)
    ]
    return replace(taken, metric=replace(taken.metric, frame=sum(entries))) if entries else taken


def _rates(places: list[Place], scheme: Scheme) -> Iterator[CategoryRate]:
    """Items by category and frame, of each place."""
    for place in places:
        for category, lots in sorted(place.cell.categories.items()):
            if category != REAGENT:
                for frame in sorted({lot.frame for lot in lots}):
                    yield _rate(place, scheme, category, frame)


def _rate(place: Place, scheme: Scheme, category: str, frame: str) -> CategoryRate:
    """Whichever state is adverse under the policy decides a mixed item."""
    lots = [lot for lot in place.cell.categories[category] if lot.frame == frame]
    allow = scheme.policy.expects(category, place.phase) == "allow"
    adverse = State.BLOCKED if allow else State.ALLOWED
    favourable = State.ALLOWED if allow else State.BLOCKED
    found = sort_lots(lots, adverse, favourable)
    altered = total(lot for lot in lots if _is_altered(lot, adverse))
    blocked = found.wrong if allow else found.right
    doubt = found.doubtful
    good, bad = found.favourable, found.adverse
    counted, others = (bad, good) if allow else (good, bad)
    domains, alpha = place.folded.counts.domains.get(place.line, ()), scheme.decision.alpha
    of = bounded(domains, counted, others, found.indeterminate, "guarded", alpha)
    return CategoryRate(
        category=category,
        profile=place.profile,
        line=place.line,
        blocked=blocked,
        allowed=found.n - blocked,
        altered=altered,
        down=found.down,
        insufficient=doubt - altered,
        lower=of.bounds.lower,
        upper=of.bounds.upper,
        frame=frame,
        spread=of.spread,
    )


def _is_altered(lot: Lot, adverse: State) -> bool:
    states = lot.states()
    return State.ALTERED in states and not states & {adverse, State.INSUFFICIENT}


def _unseen(places: list[Place]) -> list[str]:
    return [
        f"{one.trials} trials of {one.category} on {place.line} for {place.profile} set aside: "
        f"probe {one.probe} cannot see what applies to {one.layer}"
        for place in places
        for one in sorted(place.cell.unseen, key=lambda one: (one.probe, one.layer, one.category))
    ]
