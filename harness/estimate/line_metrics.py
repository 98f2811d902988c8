"""Metrics of a whole line: policy cells, contradictions between probes, and evidence quality.

It also holds the four error rates of a filter (``Confusion``, after Resnick et al., CACM 47(9),
2004) and what follows from them at a stated prevalence of harmful pages.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from harness.estimate.interval_choice import design_effect as effect_of
from harness.estimate.item_selection import CONTROL_CATEGORY, Selection
from harness.estimate.outcome_groups import (
    ClassifiedResults,
    GroupResult,
    classify_results,
)
from harness.estimate.rates import (
    MeasuredMetric,
    as_expected,
    classify_handled,
    count,
    of_required_kind,
)
from harness.model.metric import Metric
from harness.model.outcome_group import Adverse
from harness.model.run_record import CONTROL_WITHIN, LateControls
from harness.model.verdict import Mechanism, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Confusion matrix of one sample: harmful and clean items, blocked or open."""

    harmful_blocked: int
    harmful_open: int
    clean_blocked: int
    clean_open: int

    @property
    def bad_sites_underblock(self) -> float | None:
        """The share of harmful items that stayed open."""
        return _share(self.harmful_open, self.harmful_blocked)

    @property
    def ok_sites_overblock(self) -> float | None:
        """The share of clean items that were blocked."""
        return _share(self.clean_blocked, self.clean_open)

    @property
    def blocked_sites_overblock(self) -> float | None:
        """The share of blocked items that are clean, at the sample's own prevalence."""
        return _share(self.clean_blocked, self.harmful_blocked)

    @property
    def unblocked_sites_underblock(self) -> float | None:
        """The share of open items that are harmful, at the sample's own prevalence."""
        return _share(self.harmful_open, self.clean_open)


def harmful_among_blocked(prevalence: float, block_rate: float, overblock_rate: float) -> float:
    """Return the share of blocked items that are harmful (positive predictive value).

    PPV = pi r / (pi r + (1 - pi) o). Raises ValueError if nothing is blocked at all.
    """
    right = prevalence * block_rate
    wrong = (1 - prevalence) * overblock_rate
    if right + wrong == 0:
        msg = "nothing is blocked: there is no share of it"
        raise ValueError(msg)
    return right / (right + wrong)


def blocked_ratio(prevalence: float, block_rate: float, overblock_rate: float) -> float:
    """Return the number of clean items blocked for each harmful item blocked.

    Stark, UC Berkeley (2006): 22 to 23 at pi = 1.1 %, r = 91.1 %, o = 22.6 %. Raises ValueError if
    no harmful item is blocked.
    """
    share = harmful_among_blocked(prevalence, block_rate, overblock_rate)
    if share == 0:
        msg = "no harmful item is blocked"
        raise ValueError(msg)
    return (1 - share) / share


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


NOT_SHOWN = frozenset({Mechanism.INSIDE_BLOCK_PAGE, Mechanism.HIDDEN})
"""Content that came without being shown is one result, although it has two states."""
FILTER_IS_ON = "filter-is-on"
"""The precondition that the filter is on: the page agreed to be blocked was blocked."""
NOT_FILTERED = "not-filtered-by-this-probe"
"""The precondition that fails where a line never filters what a probe asks for."""

CELL_ITEMS = 5
"""The fewest right items that show a policy cell to be right (METHOD POL-03)."""

PREVALENCE = 0.011
"""The share of harmful pages among those indexed: Stark (2006), METHOD (c)."""


@of_required_kind
def discordant(selection: Selection) -> MeasuredMetric:
    """Count items that one probe or round found blocked and another allowed."""
    differ: list[GroupResult] = []
    agreed: list[GroupResult] = []
    doubtful: list[GroupResult] = []
    down = 0
    probes = selection.measure.probes
    for result in selection.results:
        states = {
            state
            for one in result.for_probes(probes)
            for state in ({one.state} if one.mechanism in NOT_SHOWN else one.states)
        }
        if {State.ALLOWED, State.BLOCKED} <= states:
            differ.append(result)
        elif states & {State.INSUFFICIENT, State.ALTERED}:
            doubtful.append(result)
        elif State.DOWN in states:
            down += result.items
        elif len({one.probe for one in result.probe_states}) > 1:
            agreed.append(result)
    classified = ClassifiedResults(
        adverse=tuple(differ),
        favourable=tuple(agreed),
        indeterminate=tuple(doubtful),
        down=down,
    )
    measured = count("discordant", classified, selection.alpha)
    return replace(
        measured, adverse=tuple(result.as_adverse(State.ALLOWED, probes) for result in differ)
    )


@of_required_kind
def wrong_cells(selection: Selection) -> MeasuredMetric:
    """Count policy cells with an item that was blocked or allowed against the policy.

    A cell is one category of the policy for one profile. It is wrong if one item went wrong, right
    if none did and ``CELL_ITEMS`` went right (METHOD POL-03); any other cell is indeterminate.
    """
    adverse: list[Adverse] = []
    wrong = right = open_ = 0
    probes = selection.measure.probes
    for code in _cells(selection):
        allow = selection.expects(code) == "allow"
        bad, good = (State.BLOCKED, State.ALLOWED) if allow else (State.ALLOWED, State.BLOCKED)
        results = [result for result in selection.results if result.category == code]
        classified = classify_results(results, bad, good, probes)
        adverse += [result.as_adverse(bad, probes) for result in classified.adverse]
        wrong += bool(classified.adverse)
        right += not classified.adverse and classified.right >= CELL_ITEMS
        open_ += not classified.adverse and classified.right < CELL_ITEMS
    n = wrong + right
    value = float(wrong) if n else None
    measured = _observed(selection, "wrong_cells", "cells", value, "census of the policy", n, wrong)
    upper = None if value is None else value + open_
    metric = replace(measured.metric, indeterminate=open_, upper=upper)
    return MeasuredMetric(metric=metric, adverse=tuple(adverse))


@of_required_kind
def genai_compliance(selection: Selection) -> MeasuredMetric:
    """Compute the share of items that were handled as the policy of their profile says.

    Control for each group is shown only by a difference: the items count in favour of the service
    only if another profile of the line, of which the policy asks the opposite, was handled so.
    """

    def expects(result: GroupResult) -> str | None:
        return selection.expects(result.category)

    handled = classify_handled(selection, expects)
    shown: list[GroupResult] = []
    alone = list(handled.indeterminate)
    for result in handled.favourable:
        is_shown = _is_opposite_elsewhere(selection, result, OPPOSITE[expects(result)])
        (shown if is_shown else alone).append(result)
    classified = replace(handled, favourable=tuple(shown), indeterminate=tuple(alone))
    measured = count("genai_compliance", classified, selection.alpha)
    n, right = classified.n, classified.right
    metric = replace(
        measured.metric,
        unit="share",
        value=right / n if n else None,
        k=right,
        lower=right / (n + classified.doubtful) if n else None,
        upper=(right + classified.doubtful) / (n + classified.doubtful) if n else None,
    )
    return MeasuredMetric(metric=metric, adverse=as_expected(selection, handled.adverse, expects))


OPPOSITE: dict[str | None, str] = {"block": "allow", "allow": "block"}


def _is_opposite_elsewhere(selection: Selection, result: GroupResult, wanted: str) -> bool:
    """Whether another profile of the line was seen to be handled as the policy asks, oppositely."""
    good = State.BLOCKED if wanted == "block" else State.ALLOWED
    return any(
        set(other_result.states(selection.measure.probes)) == {good}
        for other in selection.profile_selections()
        if other.profile != selection.profile and other.expects(result.category) == wanted
        for other_result in other.results
        if other_result.category == result.category
    )


def clean_blocked_per_harmful(selection: Selection) -> MeasuredMetric:
    """Compute the clean pages blocked for each harmful one, at ``PREVALENCE``."""
    harmful = classify_results(_expected(selection, "block"), State.ALLOWED, State.BLOCKED)
    clean = classify_results(_expected(selection, "allow"), State.BLOCKED, State.ALLOWED)
    value = None
    if harmful.right and clean.n:
        value = blocked_ratio(PREVALENCE, harmful.right / harmful.n, clean.wrong / clean.n)
    method = f"four rates of Resnick et al., prevalence {PREVALENCE:.1%}"
    return _observed(
        selection, "clean_blocked_per_harmful", "ratio", value, method, harmful.n + clean.n
    )


def control_success(selection: Selection) -> MeasuredMetric:
    """Compute the share of counted items that were tried on the control line near in time.

    An item that was dead on the control line is not counted anywhere; ``left_out`` says how many
    were. Trials of an item whose control was too far away count as one item each.
    """
    classified = classify_results(selection.results, State.ALLOWED, State.BLOCKED)
    here = selection.line, selection.profile
    late = [one for one in selection.run.late_controls if (one.line, one.profile) == here]
    n = classified.n
    k = max(0, n - sum(one.trials for one in late))
    value = k / n if n else None
    measured = _observed(selection, "control_success", "share", value, "observed share", n, k)
    dead = {"down": classified.down} if classified.down else {}
    barred = "; ".join(map(_lateness, late))
    return MeasuredMetric(metric=replace(measured.metric, left_out=dead), barred=barred)


def _lateness(late: LateControls) -> str:
    """Say how far trials were from their control."""
    trials = "1 trial was" if late.trials == 1 else f"{late.trials} trials were"
    return (
        f"{trials} made up to {late.furthest / 60:.0f} minutes from their control; "
        f"at most {CONTROL_WITHIN / 60:.0f} are allowed"
    )


def sentinel_agreement(selection: Selection) -> MeasuredMetric:
    """Compute the share of batches whose sentinels showed that the filter was on.

    A batch counts against the service if the must-block sentinel got through and the sentinels of
    other batches held (if none did, the line may be the wrong one), or if the line never filters
    what the batch's probe asks for. A batch that is void for another reason is indeterminate.
    """
    preconditions = selection.preconditions
    never = sum(one.batches for one in preconditions if one.name == NOT_FILTERED)
    held = sum(one.batches for one in preconditions if one.held) - never
    failed = [one for one in preconditions if not one.held]
    off = sum(one.batches for one in failed if one.name == FILTER_IS_ON) if held else 0
    open_ = sum(one.batches for one in failed) - off
    off += never
    n = held + off
    value = held / n if n else None
    measured = _observed(
        selection, "sentinel_agreement", "share", value, "census of batches", n, held
    )
    lower = held / (n + open_) if n else None
    return MeasuredMetric(metric=replace(measured.metric, indeterminate=open_, lower=lower))


def indeterminate_share(selection: Selection) -> MeasuredMetric:
    """Compute the share of items that could not be decided."""
    classified = classify_results(selection.results, State.ALLOWED, State.BLOCKED)
    k = classified.doubtful
    n = classified.n + k
    value = k / n if n else None
    return _observed(selection, "indeterminate_share", "share", value, "observed share", n, k)


def design_effect(selection: Selection) -> MeasuredMetric:
    """Compute the design effect of items clustered by registrable domain."""
    classified = classify_results(selection.results, State.ALLOWED, State.BLOCKED)
    effect = effect_of(selection.domains, classified.favourable, classified.adverse)
    method = "Kish design effect by registrable domain"
    value = effect if classified.n else None
    return _observed(selection, "design_effect", "ratio", value, method, classified.n)


def _cells(selection: Selection) -> list[str]:
    """Return categories that the policy decides: leaves, and branches with own items."""
    tried = {result.category for result in selection.results}
    rows = {code for code in selection.codes if code != CONTROL_CATEGORY}
    branches = {code for code in rows if any(one.startswith(code + ".") for one in rows)}
    cells = (rows - branches) | tried
    return sorted(code for code in cells if selection.expects(code) in {"block", "allow"})


def _expected(selection: Selection, expectation: str) -> list[GroupResult]:
    return [
        result for result in selection.results if selection.expects(result.category) == expectation
    ]


def _observed(
    selection: Selection,
    name: str,
    unit: str,
    value: float | None,
    method: str,
    n: int,
    k: int = 0,
) -> MeasuredMetric:
    """Return an observed metric, whose bounds are its value."""
    metric = Metric(
        name=name,
        unit=unit,
        value=value,
        k=k,
        n=n,
        indeterminate=0,
        lower=value,
        upper=value,
        method=method,
        alpha=selection.alpha,
    )
    return MeasuredMetric(metric=metric)


def instrument_record(selection: Selection) -> MeasuredMetric:
    """Compute the share of instrument records in which no fact is missing.

    Missing facts are counted by name in ``left_out``; a clock that is not synchronised is one.
    """
    records = selection.instrument
    complete = sum(not record.missing for record in records)
    value = complete / len(records) if records else None
    method = "census of the journal's instrument records"
    measured = _observed(
        selection, "instrument_record", "share", value, method, len(records), complete
    )
    missing = Counter(fact for record in records for fact in record.missing)
    return MeasuredMetric(metric=replace(measured.metric, left_out=dict(missing)))
