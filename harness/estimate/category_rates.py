"""Rates of single categories, and counts of single cases: for the report, not for decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.estimate.interval_choice import order_of_trial, rate_bounds
from harness.estimate.item_selection import CONTROL_CATEGORY
from harness.estimate.outcome_groups import GroupResult, classify_results, total
from harness.estimate.profiles import LineProfile
from harness.estimate.search_metrics import name_probes, where_seen
from harness.model.content_form import FORMS, WITHOUT_POLICY, FormCount, form_of, is_only_reported
from harness.model.outcome import CategoryRate
from harness.model.scheme import Scheme
from harness.model.search_case import kind_of
from harness.model.verdict import State


def category_rates(line_profiles: list[LineProfile], scheme: Scheme) -> Iterator[CategoryRate]:
    """Yield the rate of each category and frame, for each line and profile.

    Pages that are only reported by form are left out.
    """
    for line_profile in line_profiles:
        by_frame: dict[tuple[str, str], list[GroupResult]] = {}
        for result in line_profile.results.results:
            if result.category != CONTROL_CATEGORY and not is_only_reported(result.group.stratum):
                by_frame.setdefault((result.category, result.frame), []).append(result)
        for category, frame in sorted(by_frame):
            yield _rate(line_profile, scheme, by_frame[category, frame])


def _rate(
    line_profile: LineProfile, scheme: Scheme, results: Sequence[GroupResult]
) -> CategoryRate:
    """Return the rate of one category and frame; an item with both states counts as adverse."""
    category, frame = results[0].category, results[0].frame
    expects = scheme.policy.expects(category, line_profile.phase)
    allow = expects == "allow"
    adverse = State.BLOCKED if allow else State.ALLOWED
    favourable = State.ALLOWED if allow else State.BLOCKED
    classified = classify_results(results, adverse, favourable)
    altered = total(result for result in results if _is_altered(result, adverse))
    blocked = classified.wrong if allow else classified.right
    doubt = classified.doubtful
    good, bad = classified.favourable, classified.adverse
    counted, others = (bad, good) if allow else (good, bad)
    verdict_counts = line_profile.verdict_counts
    interval = rate_bounds(
        verdict_counts.counts.domains.get(line_profile.line, ()),
        counted,
        others,
        classified.indeterminate,
        "guarded",
        scheme.decision.alpha,
        order=order_of_trial(verdict_counts, line_profile.profile, line_profile.campaign),
    )
    return CategoryRate(
        category=category,
        profile=line_profile.profile,
        line=line_profile.line,
        blocked=blocked,
        allowed=classified.n - blocked,
        altered=altered,
        down=classified.down,
        insufficient=doubt - altered,
        lower=interval.bounds.lower,
        upper=interval.bounds.upper,
        frame=frame,
        spread=interval.spread,
        expects=expects or "none",
    )


def form_counts(line_profiles: list[LineProfile], scheme: Scheme) -> Iterator[FormCount]:
    """Yield what came of harmful pages and files in each form, and of uploads, in order."""
    for line_profile in line_profiles:
        by_form: dict[str, list[GroupResult]] = {}
        asking = name_probes(line_profile.results.probes, line_profile.probes)
        for each in line_profile.results.results:
            result = where_seen(each, asking)
            form = form_of(result.group.stratum)
            expects = scheme.policy.expects(result.category, line_profile.phase)
            if form is not None and (expects == "block" or form.family in WITHOUT_POLICY):
                by_form.setdefault(kind_of(form.name), []).append(result)
        order = {name: number for number, name in enumerate(FORMS)}
        for name in sorted(by_form, key=lambda each: (order.get(each, len(order)), each)):
            found = classify_results(by_form[name], State.ALLOWED, State.BLOCKED)
            yield FormCount(
                form=name,
                profile=line_profile.profile,
                line=line_profile.line,
                blocked=found.right,
                arrived=found.wrong,
                undecided=found.doubtful,
                down=found.down,
            )


def _is_altered(result: GroupResult, adverse: State) -> bool:
    states = result.states()
    return State.ALTERED in states and not states & {adverse, State.INSUFFICIENT}
