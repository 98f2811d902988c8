"""How quickly and reliably a name server answers (DNS-01).

Three things have limits of their own: the time to an answer that was just asked for, that to an
answer about a name which nobody asked for before, and the share of questions without an answer. The
worst in proportion to its own limit stands, as in dd-028.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.estimate.distributions import binomial_sf
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.intervals import worst_case
from harness.estimate.item_selection import Selection
from harness.estimate.outcome_groups import GroupResult
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN
from harness.model.metric import Metric
from harness.model.order_statistic import quantile_of
from harness.model.outcome_group import Adverse
from harness.model.probe import declared
from harness.model.query_case import CHECKS_OF_QUERIES, QUERY
from harness.model.verdict import Mechanism, State

AGAIN_LIMIT, FRESH_LIMIT = 0.05, 0.25
"""Seconds for the 95 % quantile of answers (proposed by this project)."""
MOST_UNANSWERED = 0.001
"""The share of questions that may stay without an answer (proposed by this project)."""
UNANSWERED = "questions about harmless names without an answer"
SLOW_ORIGIN = "names whose own server took as long as the limit"
MOST_TIMED = 100_000
"""The most names that are timed."""


def resolver_latency(selection: Selection) -> MeasuredMetric:
    """Compute the quantile of the time to an answer, in proportion to the limit of cached ones.

    A question without an answer counts as infinitely slow. Questions about fresh names of which the
    origin's own server was slow decide nothing.
    """
    again, fresh = (CHECKS_OF_QUERIES[QUERY + check] for check in ("again", "fresh"))
    _, adverse = _unanswered(selection)
    groups = (
        Group(label=again, measure=lambda at: _timed(at, "again", at.at_most or AGAIN_LIMIT)),
        Group(label=fresh, limit=FRESH_LIMIT, measure=lambda at: _timed(at, "fresh", FRESH_LIMIT)),
        Group(label=UNANSWERED, limit=MOST_UNANSWERED, measure=lambda at: _unanswered(at)[0]),
    )
    metric = replace(worst_of_groups(selection, groups), unit="s")
    return MeasuredMetric(metric=metric, adverse=adverse)


def _timed(selection: Selection, check: str, limit: float) -> Metric:
    """Compute the quantile of the times to the answers of a check.

    Of fresh names those are left out whose own server took as long as the limit.
    """
    quantile = selection.measure.quantile or 0.95
    found = [one for one in selection.results if variant_of(one.group.stratum) == QUERY + check]
    by_number = {each.group.number: each for each in found}
    times: list[float] = []
    unknown = slow = 0
    for probe in sorted({one.probe for each in found for one in each.probe_states}):
        pairs = selection.verdict_counts.first_pairs(
            by_number, selection.profile, probe, MOST_TIMED
        )
        for pair in pairs:
            states = by_number[pair.group].states((probe,))
            if states == {State.ALLOWED} and pair.times:
                service, control = map(max, zip(*pair.times, strict=True))
                is_slow = check == "fresh" and control >= limit
                slow += is_slow
                times += [] if is_slow else [service]
            else:
                unknown += states != {State.DOWN}
    n = len(times) + unknown
    sample = TimedSample(
        times=times, quantile=quantile, alpha=selection.alpha, unknown=unknown, mark=limit
    )
    value = quantile_of(sorted(times), quantile, unknown)
    return replace(
        sample.in_seconds("resolver_latency"),
        value=max(times, default=None) if value is None else value,
        n=n if times else 0,
        indeterminate=0 if times else unknown,
        left_out={SLOW_ORIGIN: slow} if slow else {},
    )


def _unanswered(selection: Selection) -> tuple[Metric, tuple[Adverse, ...]]:
    """Compute the share of questions about harmless names that stayed without an answer.

    The questions of all probes that ask a name server count; a block is an answer.
    """
    silent = answered = doubtful = 0
    adverse: list[Adverse] = []
    for result in filter(lambda one: _is_harmless(selection, one), selection.results):
        for probe in _asking(selection, result):
            seen = result.for_probes((probe,))
            states = {one.state for one in seen}
            if any(one.mechanism is Mechanism.DNS_SILENT for one in seen):
                silent += result.items
                adverse.append(result.as_adverse(State.BLOCKED, (probe,)))
            elif State.INSUFFICIENT in states:
                doubtful += result.items
            elif states != {State.DOWN}:
                answered += result.items
    n = silent + answered
    bounds = worst_case(silent, n, doubtful, selection.alpha)
    p_value = binomial_sf(silent - 1, n + doubtful, MOST_UNANSWERED) if silent else 1.0
    metric = Metric(
        name="resolver_latency",
        unit="share",
        value=silent / n if n else None,
        k=silent,
        n=n,
        indeterminate=doubtful,
        lower=bounds.lower,
        upper=bounds.upper,
        method="exact bounds of the share",
        alpha=selection.alpha,
        p_value=p_value if n else None,
    )
    return metric, tuple(adverse)


def _is_harmless(selection: Selection, result: GroupResult) -> bool:
    is_twin = result.group.stratum.startswith(TWIN)
    return is_twin or selection.expects(result.category) == "allow"


def _asking(selection: Selection, result: GroupResult) -> Iterable[str]:
    """Return the probes that asked a name server for items, and no page; of DNS alone."""
    probes = {one.probe for one in result.probe_states}
    return sorted(one for one in probes if declared(selection.probes, one).facts == "dns")
