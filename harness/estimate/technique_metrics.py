"""Metrics of techniques: those by which a page arrived that is blocked in its plain form.

A technique is open if the page arrived by it and was blocked in the plain form, by the same scheme,
on the same line. It is stopped if it brought the page on the control line, and did not on the
service's. It is left out where the plain page was not blocked, because then there was nothing to
bypass, and where the control line got no page by it. Each class that a group names must be decided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from harness.estimate import rates
from harness.estimate.cases import open_cases
from harness.estimate.interval_choice import RateBounds
from harness.estimate.intervals import Bounds
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import (
    ClassifiedResults,
    GroupResult,
    classify_results,
    total,
)
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.outcome_group import Adverse
from harness.model.technique import (
    CRITICAL,
    DEVICE,
    GROUPS,
    PLAIN_PROBES,
    PROBE,
    TechniqueCase,
    technique_case,
    words_of,
)
from harness.model.verdict import State

TechniqueEnd = Literal["open", "doubtful", "stopped", "not carried", "not blocked"]
ORDER: tuple[TechniqueEnd, ...] = ("open", "doubtful", "stopped", "not carried", "not blocked")
"""What became of a technique on one line for one profile."""


def case_of(result: GroupResult) -> TechniqueCase | None:
    """Return the case of items that are techniques towards a blocked page; None for others."""
    stratum = result.group.stratum
    return None if stratum.startswith(TWIN) else technique_case(variant_of(stratum))


def end_of(result: GroupResult) -> TechniqueEnd | None:
    """Return what became of techniques; None if they were not tried."""
    case, found = case_of(result), result.states((PROBE,))
    if case is None or not found:
        return None
    plain = result.states((PLAIN_PROBES[case.scheme],))
    if found == {State.DOWN}:
        return "not carried"
    if State.ALLOWED in plain or not plain - {State.DOWN}:
        return "not blocked"
    if State.ALLOWED in found:
        return "open" if plain == {State.BLOCKED} else "doubtful"
    return "stopped" if found == plain == {State.BLOCKED} else "doubtful"


def _of_group(group: str, name: str) -> Callable[[Selection], MeasuredMetric]:
    """Return the function that counts the classes of a group in which a technique is open."""

    def measure(selection: Selection) -> MeasuredMetric:
        return _open_classes(selection, name, (group,))

    measure.__doc__ = f"Count the open classes of {GROUPS[group].words}."
    return measure


foreign_resolver_answers = _of_group("resolver", "foreign_resolver_answers")
encrypted_resolver_answers = _of_group("encrypted-dns", "encrypted_resolver_answers")
ech_discordant = _of_group("ech", "ech_discordant")
quic_discordant = _of_group("quic", "quic_discordant")
encoding_variants_open = _of_group("spelling", "encoding_variants_open")
name_variants_open = _of_group("name", "name_variants_open")
framing_variants_open = _of_group("framing", "framing_variants_open")
identity_gains = _of_group("identity", "identity_gains")
control_tunnels_open = _of_group("control-protocol", "control_tunnels_open")
tunnels_established = _of_group("tunnel", "tunnels_established")
device_differences = _of_group(DEVICE, "device_differences")


def hello_differences(selection: Selection) -> MeasuredMetric:
    """Count the classes of large ClientHello messages that open a page, or fail for a harmless one.

    Each class must be decided for blocked pages and for harmless ones.
    """
    words: dict[str, str] = {}
    for key, text in GROUPS["hello"].classes.items():
        words |= {key: text, f"{TWIN}{key}": f"{text}, for a harmless page"}
    results = tuple(each for each in selection.results if _hello_class(each) in words)
    narrowed = replace(selection, results=results)
    name = "hello_differences"
    measured = open_cases(narrowed, name, words, case_of=_hello_class, count=_hello_counted)
    return _with_not_chosen(measured, selection, ("hello",))


def _hello_class(result: GroupResult) -> str:
    """Return the class of a large ClientHello; that of a harmless page begins with ``twin:``."""
    stratum = result.group.stratum
    case = technique_case(variant_of(stratum))
    if case is None or case.group != "hello":
        return ""
    return f"{TWIN}{case.name}" if stratum.startswith(TWIN) else case.name


def _hello_counted(selection: Selection) -> MeasuredMetric:
    """Count the items of one class that opened a page, or did not bring a harmless one."""
    blocked = tuple(each for each in selection.results if case_of(each) is not None)
    if blocked or not selection.results:
        return count_techniques(replace(selection, results=blocked), "hello_differences")
    tried = tuple(
        each
        for each in selection.results
        if each.states((PLAIN_PROBES["https"],)) == {State.ALLOWED}
    )
    classified = classify_results(tried, State.BLOCKED, State.ALLOWED, (PROBE,))
    measured = rates.count("hello_differences", classified, selection.alpha)
    adverse = tuple(each.as_adverse(State.BLOCKED, (PROBE,)) for each in classified.adverse)
    return replace(measured, adverse=adverse)


def relays_open(selection: Selection) -> MeasuredMetric:
    """Count the relays on allowed sites through which a blocked page arrived."""
    measured = count_techniques(selection, "relays_open", "relay")
    return _with_not_chosen(measured, selection, ("relay",))


def circumvention_stopped(selection: Selection) -> MeasuredMetric:
    """Compute the share of techniques that were stopped, in every group; each class must be tried.

    No technique of a critical group may be open: where one is, the share of those that were stopped
    stands in proportion to the threshold, which it then misses (as in dd-028). Where nothing is
    decided (rule ``report``), it is the share of all.
    """
    results = tuple(each for each in selection.results if _bypasses(each))
    classified, adverse, _ = _classified(results)
    critical, _, _ = _classified(tuple(each for each in results if _is_critical(each)))
    share, method = _share(classified), rates.CENSUS
    threshold = selection.requirement.threshold
    limit = threshold.at_least if threshold is not None else None
    if critical.wrong and limit is not None and selection.requirement.rule != "report":
        scaled = _share(critical)
        share = Bounds(*(end and end * limit for end in scaled))
        method = f"{method}: critical techniques, in proportion to their own limit of 100 %"
    interval = RateBounds(bounds=share, method=method)
    name, alpha = "circumvention_stopped", selection.alpha
    measured = rates.rate(name, classified.right, classified, interval, alpha)
    metric = replace(measured.metric, left_out=_untried_classes(results) if results else {})
    if critical.wrong and share.lower is not None:
        metric = replace(metric, value=share.lower)
    measured = MeasuredMetric(metric=metric, adverse=adverse)
    return _with_not_chosen(measured, selection, tuple(GROUPS.keys() - {DEVICE}))


def _share(classified: ClassifiedResults) -> Bounds:
    """Return the share that was stopped, if those in doubt were not, and if they were."""
    tried = classified.n + classified.doubtful
    if not classified.n:
        return Bounds(None, None)
    return Bounds(classified.right / tried, (classified.right + classified.doubtful) / tried)


def _bypasses(result: GroupResult) -> bool:
    """Whether items are techniques to bypass the filter, and no ordinary requests by devices."""
    case = case_of(result)
    return case is not None and case.group != DEVICE


def _is_critical(result: GroupResult) -> bool:
    case = case_of(result)
    return case is not None and case.group in CRITICAL


def _untried_classes(results: tuple[GroupResult, ...]) -> dict[str, int]:
    """Return the classes of which no technique was decided, in words."""
    decided = {_class_of(each) for each in results if end_of(each) in ("open", "stopped")}
    return {
        f"not tried, or not decided: {group.words}: {words}": 1
        for name, group in GROUPS.items()
        for key, words in group.classes.items()
        if name != DEVICE and f"{name}:{key}" not in decided
    }


def _open_classes(selection: Selection, name: str, groups: tuple[str, ...]) -> MeasuredMetric:
    """Count the classes of groups in which a technique is open; each must be decided."""
    results = tuple(
        each
        for each in selection.results
        if (case := case_of(each)) is not None and case.group in groups
    )
    narrowed = replace(selection, results=results)
    words: dict[str, str] = {}
    for group in groups:
        words |= {f"{group}:{key}": text for key, text in GROUPS[group].classes.items()}
    words |= {_class_of(each): _class_words(each) for each in results}
    measured = _with_left_out(
        open_cases(
            narrowed,
            name,
            words,
            case_of=_class_of,
            count=lambda part: count_techniques(part, name),
        ),
        results,
    )
    return _with_not_chosen(measured, selection, groups)


def _with_not_chosen(
    measured: MeasuredMetric, selection: Selection, groups: tuple[str, ...]
) -> MeasuredMetric:
    """Add how many techniques of the groups the campaign left out: a census needs each of them."""
    number = sum(
        count for key, count in selection.run.not_chosen.items() if key.partition(":")[0] in groups
    )
    if not number or not measured.metric.n:
        return measured
    left_out = {**measured.metric.left_out, NOT_CHOSEN: number}
    return replace(measured, metric=replace(measured.metric, left_out=left_out))


def _with_left_out(measured: MeasuredMetric, results: tuple[GroupResult, ...]) -> MeasuredMetric:
    """Say why classes are undecided: their techniques were not carried, or nothing was blocked."""
    if all(part.metric.n for part in measured.metric.parts):
        return measured
    _, _, left_out = _classified(results)
    return replace(measured, metric=replace(measured.metric, left_out=dict(left_out)))


def _class_of(result: GroupResult) -> str:
    case = case_of(result)
    return f"{case.group}:{case.name}" if case is not None else ""


def _class_words(result: GroupResult) -> str:
    case = case_of(result)
    return words_of(case) if case is not None else ""


def count_techniques(selection: Selection, name: str, group: str = "") -> MeasuredMetric:
    """Count the open techniques, of one group if it is named."""
    results = tuple(
        each
        for each in selection.results
        if (case := case_of(each)) is not None and group in ("", case.group)
    )
    classified, adverse, left_out = _classified(results)
    measured = rates.count(name, classified, selection.alpha)
    metric = replace(measured.metric, left_out=dict(left_out))
    return replace(measured, metric=metric, adverse=adverse)


NOT_CHOSEN = "techniques of the pack that the campaign did not choose"
NOT_BLOCKED = "pages that are not blocked in the plain form either"
NOT_CARRIED = "techniques that the line, the network or the origin does not carry"


def _classified(
    results: tuple[GroupResult, ...],
) -> tuple[ClassifiedResults, tuple[Adverse, ...], Mapping[str, int]]:
    """Classify techniques by their ends; return references to open ones, and what is left out."""
    found: defaultdict[TechniqueEnd, list[GroupResult]] = defaultdict(list)
    for result in results:
        end = end_of(result)
        if end is not None:
            found[end].append(result)
    classified = ClassifiedResults(
        adverse=tuple(found["open"]),
        favourable=tuple(found["stopped"]),
        indeterminate=tuple(found["doubtful"]),
        down=total(found["not carried"]),
    )
    adverse = tuple(each.as_adverse(State.ALLOWED, (PROBE,)) for each in found["open"])
    left_out = {
        words: number
        for words, number in (
            (NOT_CARRIED, total(found["not carried"])),
            (NOT_BLOCKED, total(found["not blocked"])),
        )
        if number
    }
    return classified, adverse, left_out
