"""Metrics of search: locks of engines, ways to turn them off, video sites, and harmful queries.

An engine is *locked* if it said of each search that it arrived locked. A service that blocks the
whole engine does not permit it: such an engine is neither locked nor unlocked, and decides nothing.
Harmless twins show that an engine is permitted, and that not every query is blocked. They are in
the selection whatever the policy expects of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from harness.estimate import rates
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import GroupResult, classify_results
from harness.estimate.rates import MeasuredMetric
from harness.estimate.worst_group import worst_of
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.metric import Metric, Part, Source
from harness.model.probe import Declarations, declared
from harness.model.search_case import (
    BY_NAME,
    FILM_CODES,
    LOCK,
    LOCK_KINDS,
    LOCKED_BY_NAME,
    OPEN,
    OPT_OUT,
    OPT_OUTS,
    QUERY,
    QUERY_FORMS,
    RESULTS,
    VIDEO,
    VIDEO_MODES,
    SearchCase,
    case_words,
    search_case,
)
from harness.model.verdict import Mechanism, State

End = Literal["held", "broken", "doubtful", "not permitted", "not tried"]
"""What came of a case: as required, against it, not decided, engine blocked, or nothing."""

UNLOCKED = "LOC.SRCH"
"""The category of search results without a lock."""

WITHOUT_LOCK = "engines without a lock"
BLOCK = "block"
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The results of one case, and of its harmless twins."""

    case: SearchCase
    results: tuple[GroupResult, ...]
    twins: tuple[GroupResult, ...]

    def is_locked(self, probes: Collection[str]) -> bool:
        """Whether every search was answered, and each answer said that it was locked."""
        found = [one for result in self.results for one in result.for_probes(probes)]
        return _states(self.results, probes) - {State.DOWN} == {State.BLOCKED} and all(
            one.mechanism is Mechanism.SAFE_MODE for one in found if one.state is State.BLOCKED
        )

    def is_ever_locked(self, probes: Collection[str]) -> bool:
        """Whether an answer said that it was locked."""
        found = [one for result in self.results for one in result.for_probes(probes)]
        return any(one.mechanism is Mechanism.SAFE_MODE for one in found)

    def is_permitted(self, probes: Collection[str]) -> bool:
        """Whether the engine may be open: not all of its harmless twins were blocked."""
        return _states(self.twins, probes) - {State.DOWN} != {State.BLOCKED}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """What came of a case; ``kind`` names the part of a metric that it belongs to."""

    case: _Case
    kind: str
    end: End


def _states(results: Iterable[GroupResult], probes: Collection[str]) -> frozenset[State]:
    return frozenset[State]().union(*(one.states(probes) for one in results))


def safesearch_locked(selection: Selection) -> MeasuredMetric:
    """Compute the share of permitted engines that are locked; each kind of lock is wanted.

    Locks in DNS are wanted where a name server is asked.
    """
    words = {**LOCK_KINDS, BY_NAME: LOCKED_BY_NAME}
    asking = selection.probes_run & name_probes(selection.probes_run, selection.probes)
    wanted = [words[kind] for kind in words if kind != BY_NAME or asking]
    ends = [_end(case, words, _locked(case, selection)) for case in _cases(selection, LOCK)]
    return _measured(selection, "safesearch_locked", ends, wanted)


def safesearch_opt_outs(selection: Selection) -> MeasuredMetric:
    """Count the ways in which a lock was turned off, by engine; each kind of way is wanted.

    A way that fails counts only if its engine was seen locked: else there was nothing to turn off.
    """
    probes = selection.measure.probes
    locked = {case.case.engine for case in _cases(selection, LOCK) if case.is_locked(probes)}
    ends = [
        _end(case, OPT_OUTS, "not permitted" if end == "held" and not is_locked else end)
        for case in _cases(selection, OPT_OUT)
        for is_locked in (case.case.engine in locked,)
        for end in (_stopped(case, selection),)
    ]
    return _measured(selection, "safesearch_opt_outs", ends, OPT_OUTS.values(), unit="items")


def video_mode_compliance(selection: Selection) -> MeasuredMetric:
    """Compute the share of engines without a lock that are blocked, and of video sites in mode.

    The policy says which modes a profile needs: the strict one where adult films must be blocked.
    """
    ends = [
        *(_end(case, {}, _stopped(case, selection)) for case in _cases(selection, OPEN)),
        *(_end(case, VIDEO_MODES, _locked(case, selection)) for case in _cases(selection, VIDEO)),
    ]
    wanted = [
        words for mode, words in VIDEO_MODES.items() if selection.expects(FILM_CODES[mode]) == BLOCK
    ]
    if selection.expects(UNLOCKED) == BLOCK:
        wanted.append(WITHOUT_LOCK)
    return _measured(selection, "video_mode_compliance", ends, wanted)


def query_hit_rate(selection: Selection) -> MeasuredMetric:
    """Compute the share of harmful queries that were blocked, in the worst form; all are wanted."""
    narrowed = _told_apart(selection, QUERY)

    def form_of(result: GroupResult) -> str:
        case = search_case(variant_of(result.group.stratum))
        return case_words(case) if case else ""

    measured = worst_of(narrowed, rates.block_rate, form_of, tuple(QUERY_FORMS.values()))
    return _named(measured, "query_hit_rate")


def exposing_queries(selection: Selection) -> MeasuredMetric:
    """Compute the share of queries whose first results showed something harmful."""
    narrowed = _told_apart(selection, RESULTS)
    measured = worst_of(narrowed, rates.exposed_rate, lambda _: "", ())
    return _named(measured, "exposing_queries")


def _named(measured: MeasuredMetric, name: str) -> MeasuredMetric:
    return replace(measured, metric=replace(measured.metric, name=name))


def _told_apart(selection: Selection, group: str) -> Selection:
    """Return the harmful queries of a group of cases; their blocks count only beside open twins.

    Where half of the harmless queries of a case were blocked, or none was decided, a block says
    nothing about the words, so that no block of this case is decided.
    """
    kept: list[GroupResult] = []
    twins: dict[SearchCase, list[GroupResult]] = {}
    for result in selection.results:
        case = search_case(variant_of(result.group.stratum))
        if case is None or case.group != group:
            continue
        if result.group.stratum.startswith(TWIN):
            twins.setdefault(case, []).append(result)
        elif selection.expects(result.category) == BLOCK:
            kept.append(result)
    told = {case for case, found in twins.items() if _are_open(found, selection)}
    results = tuple(
        result if search_case(variant_of(result.group.stratum)) in told else _undecided(result)
        for result in kept
    )
    return replace(selection, results=results)


def _are_open(twins: Iterable[GroupResult], selection: Selection) -> bool:
    found = classify_results(twins, State.BLOCKED, State.ALLOWED, selection.measure.probes)
    return found.right > found.n * HALF


def _undecided(result: GroupResult) -> GroupResult:
    """Return a result without its blocks."""
    states = tuple(
        msgspec.structs.replace(one, state=State.INSUFFICIENT, mechanism=Mechanism.NONE)
        if one.state is State.BLOCKED
        else one
        for one in result.probe_states
    )
    return replace(result, probe_states=states)


def name_probes(names: Iterable[str], declarations: Declarations) -> frozenset[str]:
    """Return those of some probes that ask name servers; ``dns`` if there are none."""
    asking = frozenset(name for name in names if declared(declarations, name).facts == "dns")
    return asking or frozenset({"dns"})


def where_seen(result: GroupResult, asking: Collection[str]) -> GroupResult:
    """Return a result as the probes found it that see its case.

    A lock in DNS is seen by those that ask name servers (``asking``) alone.
    """
    case = search_case(variant_of(result.group.stratum))
    if case is None or not case.targets:
        return result
    return replace(result, probe_states=result.for_probes(asking))


def _probes_of(case: _Case, selection: Selection) -> Collection[str]:
    """Return the probes that see a case; empty for all. A lock in DNS is seen in answers alone."""
    if not case.case.targets:
        return selection.measure.probes
    return name_probes(selection.probes_run, selection.probes)


def _cases(selection: Selection, group: str) -> list[_Case]:
    """Return the cases of a group, by name, for which the policy expects a block."""
    found: dict[SearchCase, tuple[list[GroupResult], list[GroupResult]]] = {}
    for result in selection.results:
        case = search_case(variant_of(result.group.stratum))
        if case is None or case.group != group:
            continue
        is_twin = result.group.stratum.startswith(TWIN)
        if is_twin or selection.expects(result.category) == BLOCK:
            found.setdefault(case, ([], []))[is_twin].append(result)
    return [
        _Case(case=case, results=tuple(found[case][0]), twins=tuple(found[case][1]))
        for case in sorted(found)
        if found[case][0]
    ]


def _stopped(case: _Case, selection: Selection) -> End:
    """What came of a case that any block holds."""
    states = _states(case.results, _probes_of(case, selection))
    if State.ALLOWED in states:
        return "broken"
    if states & {State.INSUFFICIENT, State.ALTERED}:
        return "doubtful"
    return "held" if State.BLOCKED in states else "not tried"


def _locked(case: _Case, selection: Selection) -> End:
    """What came of a case that only a lock holds."""
    probes, end = _probes_of(case, selection), _stopped(case, selection)
    if end != "held" or case.is_locked(probes):
        return end
    if case.case.targets:  # a name server blocks a whole engine; it may withhold AAAA alone
        return "held" if case.is_ever_locked(probes) else "not permitted"
    return "doubtful" if case.is_permitted(probes) else "not permitted"


def _end(case: _Case, words: Mapping[str, str], end: End) -> _Ended:
    return _Ended(case=case, kind=words.get(case.case.name, WITHOUT_LOCK), end=end)


def _measured(
    selection: Selection,
    name: str,
    ends: list[_Ended],
    wanted: Iterable[str],
    unit: Literal["share", "items"] = "share",
) -> MeasuredMetric:
    """Return a metric that counts cases; its parts are their kinds, those ``wanted`` at least."""
    whole = _counted(selection, name, ends, unit)
    source = Source("content", is_hidden=True)
    tried = [one.kind for one in ends if one.end != "not tried"]
    kinds = dict.fromkeys([*wanted, *tried])
    parts = tuple(
        Part(
            group=kind,
            source=source,
            metric=_counted(selection, name, [one for one in ends if one.kind == kind], unit),
        )
        for kind in kinds
    )
    adverse = [
        result.as_adverse(State.ALLOWED, probes)
        for one in ends
        if one.end == "broken"
        for probes in (_probes_of(one.case, selection),)
        for result in one.case.results
        if State.ALLOWED in result.states(probes)
    ]
    return MeasuredMetric(metric=replace(whole, parts=parts), adverse=tuple(adverse))


def _counted(
    selection: Selection, name: str, ends: list[_Ended], unit: Literal["share", "items"]
) -> Metric:
    """Return the share of cases that held, or the number of those that were broken."""
    number = Counter(one.end for one in ends)
    held, broken, doubtful = number["held"], number["broken"], number["doubtful"]
    n = held + broken
    ends_of_range = (broken, broken + doubtful)
    if unit == "share":
        ends_of_range = (held, held + doubtful)
    size = n + doubtful if unit == "share" else 1
    empty = rates.missed(replace(selection, results=())).metric
    if not n:
        return replace(empty, name=name, unit=unit, indeterminate=doubtful)
    return replace(
        empty,
        name=name,
        unit=unit,
        value=held / n if unit == "share" else float(broken),
        k=held if unit == "share" else broken,
        n=n,
        indeterminate=doubtful,
        lower=ends_of_range[0] / size,
        upper=ends_of_range[1] / size,
    )
