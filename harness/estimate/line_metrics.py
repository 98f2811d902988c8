"""Metrics that look at the whole of a line: policy cells, contradictions, and our own quality."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from harness.estimate.interval_choice import design_effect as effect_of
from harness.estimate.item_selection import CONTROL_CATEGORY, Selection
from harness.estimate.outcome_groups import ClassifiedResults, GroupResult, classify_results
from harness.estimate.rates import MeasuredMetric, count
from harness.model.metric import Metric
from harness.model.outcome_group import Adverse
from harness.model.verdict import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """Counts of one sample: harmful and clean items, each blocked or open."""

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
    """The share of blocked items that are harmful (positive predictive value) at a prevalence.

    PPV = pi r / (pi r + (1 - pi) o). Raises ValueError if nothing is blocked at all.
    """
    right = prevalence * block_rate
    wrong = (1 - prevalence) * overblock_rate
    if right + wrong == 0:
        msg = "nothing is blocked: there is no share of it"
        raise ValueError(msg)
    return right / (right + wrong)


def blocked_ratio(prevalence: float, block_rate: float, overblock_rate: float) -> float:
    """Clean items blocked for each harmful one blocked; 22 to 23 in Stark's index sample.

    Stark, UC Berkeley (2006), published 22-23 : 1 at pi = 1.1 %, r = 91.1 %, o = 22.6 %.
    """
    share = harmful_among_blocked(prevalence, block_rate, overblock_rate)
    if share == 0:
        msg = "no harmful item is blocked"
        raise ValueError(msg)
    return (1 - share) / share


def _share(part: int, rest: int) -> float | None:
    return part / (part + rest) if part + rest else None


FILTER_IS_ON = "filter-is-on"
NOT_FILTERED = "not-filtered-by-this-probe"
"""The precondition that failed where a page agreed to be blocked got through."""

CELL = 5
"""The least items that show a cell of the policy to be right (METHOD POL-03)."""

PREVALENCE = 0.011
"""The share of harmful pages among those indexed: Stark (2006), METHOD (c)."""


def discordant(selection: Selection) -> MeasuredMetric:
    """Items that one trial found blocked and another open: a verdict must not depend on the way."""
    differ: list[GroupResult] = []
    agreed: list[GroupResult] = []
    doubtful: list[GroupResult] = []
    down = 0
    probes = selection.measure.probes
    for result in selection.results:
        states = result.states(probes)
        if {State.ALLOWED, State.BLOCKED} <= states:
            differ.append(result)
        elif states & {State.INSUFFICIENT, State.ALTERED}:
            doubtful.append(result)
        elif State.DOWN in states:
            down += result.items
        elif len({one.probe for one in result.probe_states}) > 1:
            agreed.append(result)
    found = ClassifiedResults(
        adverse=tuple(differ),
        favourable=tuple(agreed),
        indeterminate=tuple(doubtful),
        down=down,
    )
    measured = count("discordant", found, selection.alpha)
    return replace(
        measured, adverse=tuple(result.as_adverse(State.ALLOWED, probes) for result in differ)
    )


def wrong_cells(selection: Selection) -> MeasuredMetric:
    """Categories with an item that was blocked or allowed against the policy of the profile.

    The unit is the cell, not the item: one of the policy's categories for one profile. A cell
    is decided by one item that went wrong, or by five that went right (METHOD POL-03); every
    other cell of the policy is indeterminate, so a cell that nobody tried is never right.
    """
    adverse: list[Adverse] = []
    wrong = right = open_ = 0
    probes = selection.measure.probes
    for code in _cells(selection):
        allow = selection.expects(code) == "allow"
        bad, good = (State.BLOCKED, State.ALLOWED) if allow else (State.ALLOWED, State.BLOCKED)
        results = [result for result in selection.results if result.category == code]
        found = classify_results(results, bad, good, probes)
        adverse += [result.as_adverse(bad, probes) for result in found.adverse]
        wrong += bool(found.adverse)
        right += not found.adverse and found.right >= CELL
        open_ += not found.adverse and found.right < CELL
    n = wrong + right
    value = float(wrong) if n else None
    measured = _plain(selection, "wrong_cells", "cells", value, "census of the policy", n, wrong)
    upper = None if value is None else value + open_
    metric = replace(measured.metric, indeterminate=open_, upper=upper)
    return MeasuredMetric(metric=metric, adverse=tuple(adverse))


def clean_blocked_per_harmful(selection: Selection) -> MeasuredMetric:
    """Clean pages blocked for each harmful one blocked, at a stated prevalence."""
    one = classify_results(_expected(selection, "block"), State.ALLOWED, State.BLOCKED)
    other = classify_results(_expected(selection, "allow"), State.BLOCKED, State.ALLOWED)
    value = None
    if one.right and other.n:
        value = blocked_ratio(PREVALENCE, one.right / one.n, other.wrong / other.n)
    method = f"four rates of Resnick et al., prevalence {PREVALENCE:.1%}"
    return _plain(selection, "clean_blocked_per_harmful", "ratio", value, method, one.n + other.n)


def control_success(selection: Selection) -> MeasuredMetric:
    """The share of items that were alive on the control line."""
    found = classify_results(selection.results, State.ALLOWED, State.BLOCKED)
    n = found.n + found.down
    value = found.n / n if n else None
    return _plain(selection, "control_success", "share", value, "observed share", n, found.n)


def sentinel_agreement(selection: Selection) -> MeasuredMetric:
    """The share of batches around which the filter was on: agreed pages passed and were blocked.

    A batch speaks against the service if the page agreed to be blocked got through, on a line
    where other batches held; if none did, the line may be the wrong one. So does a batch of a
    probe that the line never filters. A batch that is void for another reason is indeterminate.
    """
    told = selection.preconditions
    never = sum(one.batches for one in told if one.name == NOT_FILTERED)
    held = sum(one.batches for one in told if one.held) - never
    failed = [one for one in told if not one.held]
    off = sum(one.batches for one in failed if one.name == FILTER_IS_ON) if held else 0
    open_ = sum(one.batches for one in failed) - off
    off += never
    n = held + off
    value = held / n if n else None
    measured = _plain(selection, "sentinel_agreement", "share", value, "census of batches", n, held)
    lower = held / (n + open_) if n else None
    return MeasuredMetric(metric=replace(measured.metric, indeterminate=open_, lower=lower))


def indeterminate_share(selection: Selection) -> MeasuredMetric:
    """The share of items that could not be decided."""
    found = classify_results(selection.results, State.ALLOWED, State.BLOCKED)
    k = found.doubtful
    n = found.n + k
    value = k / n if n else None
    return _plain(selection, "indeterminate_share", "share", value, "observed share", n, k)


def design_effect(selection: Selection) -> MeasuredMetric:
    """How many independent items one item costs, because domains decide together."""
    found = classify_results(selection.results, State.ALLOWED, State.BLOCKED)
    effect = effect_of(selection.domains, found.favourable, found.adverse)
    method = "Kish design effect by registrable domain"
    value = effect if found.n else None
    return _plain(selection, "design_effect", "ratio", value, method, found.n)


def _cells(selection: Selection) -> list[str]:
    """The categories that the policy decides: leaves, and branches that have items of their own."""
    tried = {result.category for result in selection.results}
    rows = {code for code in selection.codes if code != CONTROL_CATEGORY}
    branches = {code for code in rows if any(one.startswith(code + ".") for one in rows)}
    cells = (rows - branches) | tried
    return sorted(code for code in cells if selection.expects(code) in {"block", "allow"})


def _expected(selection: Selection, expectation: str) -> list[GroupResult]:
    return [
        result for result in selection.results if selection.expects(result.category) == expectation
    ]


def _plain(
    selection: Selection,
    name: str,
    unit: str,
    value: float | None,
    method: str,
    n: int,
    k: int = 0,
) -> MeasuredMetric:
    """A number that is shown as it is: its bounds are itself."""
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
    """The share of the journal's instrument records in which nothing is missing.

    Without a record nothing was counted. What is missing is named among the reasons; a clock that
    is not synchronised counts as missing.
    """
    records = selection.instrument
    whole = sum(not record.missing for record in records)
    value = whole / len(records) if records else None
    metric = Metric(
        name="instrument_record",
        unit="share",
        value=value,
        k=whole,
        n=len(records),
        indeterminate=0,
        lower=value,
        upper=value,
        method="census of the journal's instrument records",
        alpha=selection.alpha,
        left_out=dict(Counter(fact for record in records for fact in record.missing)),
    )
    return MeasuredMetric(metric=metric)
