"""Metrics of files: which cases of downloads got through, and which clean files were changed.

What a service does with archives that are hard to scan, and which feature checks it supports, is
declared in the campaign. Where nothing is declared, nothing is decided.
"""

from __future__ import annotations

from dataclasses import replace

from harness.estimate import rates
from harness.estimate.cases import count_cases, open_cases
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.file_case import ARCHIVES, CLEAN_GROUPS, FEATURES, FILE, NAMED_CASES, file_case
from harness.model.verdict import State

UNDECLARED = "what the service does with them is not declared"


def eicar_variants_passed(selection: Selection) -> MeasuredMetric:
    """Count the named ways of packing and transferring the test file that got through."""
    return open_cases(selection, "eicar_variants_passed", NAMED_CASES)


def feature_checks_passed(selection: Selection) -> MeasuredMetric:
    """Count the feature checks that got through, of those that the service supports."""
    declared = selection.campaign.service.features if selection.campaign else None
    supported = FEATURES if declared is None else declared
    words = {f"{FILE}feature-{name}": FEATURES[name] for name in FEATURES if name in supported}
    return open_cases(selection, "feature_checks_passed", words)


def archive_bypasses(selection: Selection) -> MeasuredMetric:
    """Count the kinds of archives that are hard to scan and were not handled as declared.

    Of a kind that is declared to be blocked, the harmful archives count; of one that is allowed,
    the harmless ones, which must arrive.
    """
    handling = selection.campaign.service.archives if selection.campaign else {}
    words = {
        f"{FILE}archive-{kind}": title if kind in handling else f"{title} ({UNDECLARED})"
        for kind, title in ARCHIVES.items()
    }
    wanted = {f"{FILE}archive-{kind}": how == "allow" for kind, how in handling.items()}
    results = tuple(
        one
        for one in selection.results
        if wanted.get(variant_of(one.group.stratum)) is _is_twin(one)
    )
    narrowed = replace(selection, results=results)
    return count_cases(narrowed, "archive_bypasses", words, _against_declaration)


def _against_declaration(selection: Selection) -> MeasuredMetric:
    """Count harmful items that got through, and harmless ones that were blocked."""
    if selection.results and all(map(_is_twin, selection.results)):
        return rates.overblocked(selection)
    return rates.missed(selection)


def altered_downloads(selection: Selection) -> MeasuredMetric:
    """Count the clean files that were changed or blocked: a census of the files that were tried.

    None of 600 files shows with 95 % confidence that at most 0.5 % are concerned.
    """
    clean = tuple(one for one in selection.results if _is_twin(one) and _is_clean(one))
    ends: dict[str, list[GroupResult]] = {"wrong": [], "right": [], "unclear": [], "down": []}
    for one in clean:
        states = one.states(selection.measure.probes)
        if states:
            ends[_end_of(states)].append(one)
    classified = ClassifiedResults(
        adverse=tuple(ends["wrong"]),
        favourable=tuple(ends["right"]),
        indeterminate=tuple(ends["unclear"]),
        dead=tuple(ends["down"]),
        down=sum(one.items for one in ends["down"]),
    )
    adverse = tuple(
        one.as_adverse(state, selection.measure.probes)
        for one in ends["wrong"]
        for state in (State.ALTERED, State.BLOCKED)
        if state in one.states(selection.measure.probes)
    )
    measured = rates.count("altered_downloads", classified, selection.alpha)
    return replace(measured, adverse=adverse)


def _end_of(states: set[State]) -> str:
    if states & {State.ALTERED, State.BLOCKED}:
        return "wrong"
    if State.INSUFFICIENT in states:
        return "unclear"
    return "right" if State.ALLOWED in states else "down"


def _is_twin(result: GroupResult) -> bool:
    return result.group.stratum.startswith(TWIN)


def _is_clean(result: GroupResult) -> bool:
    case = file_case(variant_of(result.group.stratum))
    return case is not None and case.group in CLEAN_GROUPS
