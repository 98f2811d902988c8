"""Lines with their profiles, and metrics that compare the profiles of one line.

Two profiles have different policies only if they differ where the declared policy asks for it, in
the declared direction; a single accidental miss shows nothing. A profile that was not tried is
undecided, not missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations

from msgspec import structs

from harness.estimate.item_selection import ProfileSelection, Selection, Sources
from harness.estimate.outcome_groups import (
    ClassifiedResults,
    GroupResult,
    ProfileResults,
    results_by_profile,
)
from harness.estimate.rates import MeasuredMetric, count, of_required_kind
from harness.model.campaign import AGE_BANDS, PHASES, PUPILS_AND_STAFF, Campaign
from harness.model.instrument_record import InstrumentRecord
from harness.model.metric import Metric
from harness.model.outcome import Precondition
from harness.model.outcome_group import Adverse
from harness.model.plain_twin import TwinPair
from harness.model.probe import EARLIER, Declarations
from harness.model.run_record import NO_RUN, RunRecord
from harness.model.service_records import NO_RECORDS, ServiceRecords
from harness.model.timed_event import Poll
from harness.model.user import NO_USERS, Users
from harness.model.verdict import State
from harness.ports.judging import CountedVerdicts


@dataclass(frozen=True, slots=True)
class LineProfile:
    """A line and a profile with its results; ``same_line`` are all profiles of the line.

    ``everywhere`` are those of all lines.
    """

    line: str
    profile: str
    phase: str
    results: ProfileResults
    verdict_counts: CountedVerdicts
    preconditions: tuple[Precondition, ...]
    sources: Sources
    twins: tuple[TwinPair, ...]
    same_line: list[LineProfile]
    instrument: tuple[InstrumentRecord, ...] = ()
    probes: Declarations = field(default_factory=dict)
    polls: tuple[Poll, ...] = ()
    campaign: Campaign | None = None
    users: Users = NO_USERS
    records: ServiceRecords = NO_RECORDS
    everywhere: list[LineProfile] = field(default_factory=list)
    run: RunRecord = NO_RUN


def line_profiles_of(
    verdict_counts: CountedVerdicts,
    phases: Mapping[str, str],
    preconditions: tuple[Precondition, ...],
    sources: Sources,
    twins: tuple[TwinPair, ...],
    instrument: tuple[InstrumentRecord, ...] = (),
    probes: Declarations = EARLIER,
    *,
    polls: tuple[Poll, ...] = (),
    campaign: Campaign | None = None,
    users: Users = NO_USERS,
    records: ServiceRecords = NO_RECORDS,
    run: RunRecord = NO_RUN,
) -> list[LineProfile]:
    """Return every line with every profile, tried or not; ``phases`` maps profiles to phases."""
    by_profile = results_by_profile(verdict_counts.counts)
    lines = {line for line, _ in by_profile}
    lines |= {one.line for one in polls}
    lines |= records.lines
    line_profiles: list[LineProfile] = []
    for line in sorted(lines) or ["none"]:
        same_line: list[LineProfile] = []
        for profile in sorted({profile for _, profile in by_profile} | set(phases)):
            own = partial(_of_place, line, profile)
            line_profile = LineProfile(
                line=line,
                profile=profile,
                phase=phases.get(profile, profile),
                results=by_profile.get((line, profile), ProfileResults()),
                verdict_counts=verdict_counts,
                preconditions=tuple(one for one in preconditions if one.concerns(line, profile)),
                sources=sources,
                twins=tuple(filter(own, twins)),
                polls=tuple(filter(own, polls)),
                same_line=same_line,
                instrument=instrument,
                probes=probes,
                campaign=campaign,
                users=_on_line(users, line),
                records=records.of(line, profile),
                everywhere=line_profiles,
                run=run,
            )
            same_line.append(line_profile)
        line_profiles += same_line
    return line_profiles


def _of_place(line: str, profile: str, seen: TwinPair | Poll) -> bool:
    return (seen.line, seen.profile) == (line, profile)


def _on_line(users: Users, line: str) -> Users:
    """Return the users with the trials of one line."""
    trials = tuple(one for one in users.trials if one.line == line)
    return structs.replace(users, trials=trials)


MIN_ITEMS = 5
"""The fewest items that show two policies to be different, or to be the same."""


@of_required_kind
def superset_violations(selection: Selection) -> MeasuredMetric:
    """Count items that a stricter profile allows and a weaker one blocks, on the same line.

    The profile of the younger phase is the stricter one. A violation counts for both profiles.
    """
    own = [
        profile_selection
        for profile_selection in selection.profile_selections()
        if profile_selection.profile == selection.profile
    ]
    wrong: dict[int, tuple[GroupResult, Adverse]] = {}
    right: dict[int, GroupResult] = {}
    doubtful: dict[int, GroupResult] = {}
    for strict, weak in _ordered(own, selection.profile_selections()):
        others = {result.group.number: _is_blocked(result) for result in weak.results}
        for result in strict.results:
            name = result.group.number
            blocked, blocked_there = _is_blocked(result), others.get(name)
            if name not in others:
                continue
            if blocked is None or blocked_there is None:
                doubtful[name] = result
            elif blocked_there and not blocked:
                wrong[name] = (result, result.as_adverse(State.ALLOWED))
            else:
                right[name] = result
    classified = ClassifiedResults(
        adverse=tuple(result for result, _ in wrong.values()),
        favourable=tuple(result for name, result in right.items() if name not in wrong),
        indeterminate=tuple(
            result for name, result in doubtful.items() if name not in {*wrong, *right}
        ),
    )
    measured = count("superset_violations", classified, selection.alpha)
    return replace(measured, adverse=tuple(adverse for _, adverse in wrong.values()))


@of_required_kind
def profiles_missing(selection: Selection) -> MeasuredMetric:
    """Count which of pupils and staff have no policy of their own."""
    return _missing("profiles_missing", selection, PUPILS_AND_STAFF)


@of_required_kind
def age_bands_missing(selection: Selection) -> MeasuredMetric:
    """Count the age bands, of four, that have no policy of their own."""
    return _missing("age_bands_missing", selection, AGE_BANDS)


def _missing(name: str, selection: Selection, bands: tuple[tuple[str, ...], ...]) -> MeasuredMetric:
    profile_selections = selection.profile_selections()
    members = [
        [
            profile_selection
            for profile_selection in profile_selections
            if profile_selection.phase in band
            and (profile_selection.line, profile_selection.profile) not in selection.users.places
        ]
        for band in bands
    ]
    seen: list[list[bool | None]] = [[] for _ in bands]
    for one, other in combinations(range(len(bands)), 2):
        differ = _differ(members[one], members[other])
        seen[one].append(differ)
        seen[other].append(differ)
    wrong = sum(False in each for each in seen)
    right = sum(all(each) for each in seen)
    n, open_ = wrong + right, len(bands) - wrong - right
    metric = Metric(
        name=name,
        unit="items",
        value=float(wrong) if n else None,
        k=wrong,
        n=n,
        indeterminate=open_,
        lower=float(wrong) if n else None,
        upper=float(wrong + open_) if n else None,
        method="policies compared pair by pair, where the declared ones differ",
        alpha=selection.alpha,
    )
    return MeasuredMetric(metric=metric)


def _differ(one: list[ProfileSelection], other: list[ProfileSelection]) -> bool | None:
    """Whether the policies of two bands differ as declared; ``None`` if undecided."""
    as_declared = alike = 0
    for first, second in ((a, b) for a in one for b in other):
        others = {result.group.number: _is_blocked(result) for result in second.results}
        for result in first.results:
            wanted = first.expects(result.category), second.expects(result.category)
            if set(wanted) != {"block", "allow"}:
                continue
            got = _is_blocked(result), others.get(result.group.number)
            as_declared += result.items * (got == (wanted[0] == "block", wanted[1] == "block"))
            alike += result.items * (None not in got and got[0] == got[1])
    if as_declared >= MIN_ITEMS:
        return True
    return False if alike >= MIN_ITEMS and not as_declared else None


def _ordered(
    own: list[ProfileSelection], profile_selections: tuple[ProfileSelection, ...]
) -> Iterator[tuple[ProfileSelection, ProfileSelection]]:
    """Yield each pair of an own and another profile, the stricter first."""
    for one in own:
        for other in profile_selections:
            ranks = PHASES.index(one.phase), PHASES.index(other.phase)
            if ranks[0] != ranks[1]:
                yield (one, other) if ranks[0] < ranks[1] else (other, one)


def _is_blocked(result: GroupResult) -> bool | None:
    """True if every trial was blocked, False if one was allowed, ``None`` if undecided."""
    states = result.states()
    if State.ALLOWED in states:
        return False
    return True if states == {State.BLOCKED} else None
