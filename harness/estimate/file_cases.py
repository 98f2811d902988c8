"""Metrics of files: which cases of downloads got through, and which clean files were changed.

What a service does with archives that are hard to scan, and which feature checks it supports, is
declared in the campaign. Where nothing is declared, nothing is decided.
"""

from __future__ import annotations

from dataclasses import replace

from harness.estimate import rates
from harness.estimate.cases import case_of, open_cases, undecided
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.file_case import (
    ARCHIVES,
    CLEAN_GROUPS,
    FEATURES,
    FILE,
    NAMED_CASES,
    SIZED_CASES,
    file_case,
)
from harness.model.upload_case import INFECTED_UPLOADS, NAMED_UPLOADS, SIZED_UPLOADS
from harness.model.verdict import State

UNDECLARED_GROUPS = "a group that may upload and one that may not must be declared"
UNDECLARED = "what the service does with them is not declared"


def eicar_variants_passed(selection: Selection) -> MeasuredMetric:
    """Count the ways of packing and transferring the test file that got through."""
    return open_cases(selection, "eicar_variants_passed", NAMED_CASES, further=SIZED_CASES)


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
    allowed = {f"{FILE}archive-{kind}" for kind, how in handling.items() if how == "allow"}
    results = tuple(
        one
        for one in selection.results
        if (case := case_of(one)) in words and _is_twin(one) is (case in allowed)
    )
    undeclared = {f"{FILE}archive-{kind}" for kind in ARCHIVES if kind not in handling}

    def wrong_items(part: Selection) -> MeasuredMetric:
        cases = {case_of(one) for one in part.results}
        if cases and cases <= undeclared:
            return undecided(part)
        return (rates.overblocked if cases and cases <= allowed else rates.missed)(part)

    narrowed = replace(selection, results=results)
    counted = open_cases(narrowed, "archive_bypasses", words, case_of=case_of, count=wrong_items)
    return counted if handling else replace(counted, barred=f"archives: {UNDECLARED}")


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


def infected_uploads_passed(selection: Selection) -> MeasuredMetric:
    """Count the ways in which an infected file could be uploaded."""
    return open_cases(selection, "infected_uploads_passed", INFECTED_UPLOADS, further=SIZED_UPLOADS)


def upload_compliance(selection: Selection) -> MeasuredMetric:
    """Compute the share of ways of uploading that are handled as declared for the profile.

    Nothing is decided unless the campaign declares a group whose uploads are blocked, and one
    whose uploads are allowed: only both show that uploads can be controlled by group.
    """
    profiles = selection.campaign.profiles if selection.campaign else {}
    declared = {one.uploads for one in profiles.values() if one.uploads is not None}
    own = profiles[selection.profile].uploads if selection.profile in profiles else None
    is_comparable = own is not None and declared == {"block", "allow"}
    words = {
        name: words if is_comparable else f"{words} ({UNDECLARED_GROUPS})"
        for name, words in NAMED_UPLOADS.items()
    }
    results = tuple(one for one in selection.results if case_of(one) in NAMED_UPLOADS)
    narrowed = replace(selection, results=results)
    wrong_items = rates.missed if own == "block" else rates.overblocked
    wrong_items = wrong_items if is_comparable else undecided
    counted = open_cases(narrowed, "upload_compliance", words, case_of=case_of, count=wrong_items)
    metric, right = counted.metric, counted.metric.n - counted.metric.k
    total = metric.n + metric.indeterminate
    if not metric.n:
        why = "" if is_comparable else UNDECLARED_GROUPS
        return replace(counted, metric=replace(metric, unit="share"), barred=why)
    shares = replace(
        metric,
        unit="share",
        k=right,
        value=right / metric.n,
        lower=right / total,
        upper=(right + metric.indeterminate) / total,
    )
    return replace(counted, metric=shares)


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
