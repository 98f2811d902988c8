"""Durations: the latency that the service adds, and the time until a change takes effect.

Latency is a paired difference, service minus control, in seconds. A pair is two measurements made
near in time on both lines, so that the state of the network and of the origin cancels. The bounds
of a quantile allow for slow spells and for hosts (``quantile_bounds``). Its change between two
campaigns is paired again, page by page; a machine that is slower in the later one takes longer on
the control line too, and the later times are divided by that factor. Times to effect may be
censored (Kaplan-Meier).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple

from harness.estimate.distributions import normal_quantile
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.item_selection import Selection
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.estimate.stopping_tests import Trials
from harness.model.content_form import is_file
from harness.model.metric import DelayChange, Metric
from harness.model.probe import Declarations, declared
from harness.model.smallest_sample import MEDIAN
from harness.model.verdict import State, Verdict

MANY = 2000
"""The most items whose ratios are used."""


def first_byte_overhead(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the added time to first byte, in seconds, for the worst probe.

    Only items whose page arrived have a pair, and only probes that fetch pages. An item with an
    insufficient trial may have timed out, so it counts as the worst case for either bound.
    """
    quantile = selection.measure.quantile or MEDIAN
    return _of_worst_probe(selection, lambda at, probe: _of_probe(at, probe, quantile))


def first_byte_overhead_share(selection: Selection) -> MeasuredMetric:
    """Compute the relative increase of the time to first byte (0.1: 10 % longer), worst probe.

    It is the median over items of service / control. Items with an insufficient trial count as
    infinitely slow for the upper bound and infinitely fast for the lower one. Of more than
    ``MANY`` items the first are used, in the order of trial.
    """
    return _of_worst_probe(selection, _share_of_probe)


def _of_worst_probe(
    selection: Selection, metric_function: Callable[[Selection, str], Metric]
) -> MeasuredMetric:
    """Compute a metric for each probe that the measure asks for and that fetches pages.

    Where none does, the metric is that of no probe, which counts nothing.
    """
    wanted = selection.measure.probes
    probes = [one for one in _fetching(selection) if not wanted or one in wanted]
    if not probes:
        return MeasuredMetric(metric=metric_function(replace(selection, results=()), ""))

    def group(probe: str) -> Group:
        return Group(
            label=f"probe {probe}", of_items=False, measure=lambda at: metric_function(at, probe)
        )

    metric = worst_of_groups(selection, [group(one) for one in probes])
    return MeasuredMetric(metric=metric if len(probes) > 1 else replace(metric, parts=()))


def _fetching(selection: Selection) -> list[str]:
    """Return the probes that ran and fetch pages, by name; those of files do not count."""
    pages = (result for result in selection.results if not is_file(result.group.stratum))
    probes_run = {one.probe for result in pages for one in result.probe_states}
    return sorted(one for one in probes_run if declared(selection.probes, one).facts == "web")


def _share_of_probe(selection: Selection, probe: str) -> Metric:
    logs: list[float] = []
    hosts: list[int] = []
    doubtful = unpaired = 0
    results = {result.group.number: result for result in selection.results}
    counts = selection.verdict_counts
    for pairs in counts.first_pairs(results, selection.profile, probe, MANY):
        ratios = [
            math.log(service / control)
            for service, control in pairs.times
            if min(service, control) > 0
        ]
        states = results[pairs.group].states((probe,))
        if State.INSUFFICIENT in states:
            doubtful += 1
        elif ratios:
            logs.append(math.fsum(ratios) / len(ratios))
            hosts.append(pairs.host)
        else:
            unpaired += bool(states)
    mark = _upper_limit(selection)
    sample = TimedSample(
        times=logs,
        quantile=MEDIAN,
        alpha=selection.alpha,
        unknown=doubtful,
        hosts=hosts,
        mark=None if mark is None else math.log1p(mark),
    )
    return _share(selection, sample, unpaired, probe)


def _share(selection: Selection, logs: TimedSample, unpaired: int, probe: str) -> Metric:
    return Metric(
        name="first_byte_overhead_share",
        unit="share",
        value=_relative(logs.value),
        k=len(logs.times),
        n=len(logs.times),
        indeterminate=logs.unknown,
        lower=_relative(logs.bounds.lower),
        upper=_relative(logs.bounds.upper),
        method=f"median of paired ratios, {logs.method}" + (f", probe {probe}" if probe else ""),
        alpha=selection.alpha,
        p_value=logs.p_above(logs.mark),
        left_out={"not paired": unpaired} if unpaired else {},
    )


def _relative(log: float | None) -> float | None:
    """Return exp(log) - 1: how much longer, as a share."""
    return None if log is None else math.expm1(log)


def _of_probe(selection: Selection, probe: str, quantile: float) -> Metric:
    results = {result.group.number: result for result in selection.results}
    overheads = selection.verdict_counts.overheads(results, selection.profile, probe)
    indeterminate = unpaired = 0
    for result in selection.results:
        probe_states = result.for_probes((probe,))
        if any(one.state is State.INSUFFICIENT for one in probe_states):
            indeterminate += result.items
        elif probe_states and not any(one.timed for one in probe_states):
            unpaired += result.items
    sample = TimedSample(
        times=overheads.seconds,
        quantile=quantile,
        alpha=selection.alpha,
        unknown=indeterminate,
        hosts=overheads.hosts,
        mark=_upper_limit(selection),
    )
    metric = sample.in_seconds("first_byte_overhead", "paired differences")
    return replace(
        metric,
        method=metric.method + (f", probe {probe}" if probe else ""),
        left_out={"not paired": unpaired} if unpaired else {},
    )


def _upper_limit(selection: Selection) -> float | None:
    """Return the threshold's upper limit, or ``None`` if it has a lower limit or none."""
    threshold = selection.requirement.threshold
    if threshold is None or threshold.at_least is not None:
        return None
    return threshold.at_most


class PairedDelay(NamedTuple):
    """Times to the first byte of one page on both lines in two campaigns, in seconds."""

    control_before: float
    service_before: float
    control_after: float
    service_after: float


class _Page(NamedTuple):
    """A page that a probe tried: its id, its address and the probe."""

    item: str
    value: str
    probe: str


def delay_change(pairs: Sequence[PairedDelay], alpha: float, unmeasured: int = 0) -> DelayChange:
    """Compute the median change of the added delay, with its one-sided bounds at level ``alpha``.

    Half of ``alpha`` is for how much slower the control line is (the median ratio of its times, and
    at least 1: a delay need not shrink with it), half for the change. No shape is assumed
    (``quantile_bounds``); ``pairs`` are in the order of trial, and ``unmeasured`` pages count as
    the worst case for either bound. Raises ValueError for a time that is negative or not finite.
    """
    if any(not math.isfinite(time) or time < 0 for pair in pairs for time in pair):
        msg = "a time to the first byte is a number of seconds, at least 0"
        raise ValueError(msg)
    ratios = [one.control_after / one.control_before for one in pairs if one.control_before]
    if not ratios:
        return DelayChange(pairs=len(pairs), unmeasured=unmeasured)
    slower = max(1.0, median(ratios))
    change = DelayChange(
        median=median(_change(pair, slower) for pair in pairs),
        pairs=len(pairs),
        unmeasured=unmeasured,
        slower=slower,
    )
    unknown = unmeasured + len(pairs) - len(ratios)
    factor = _median(ratios, alpha / 2, unknown).bounds
    if factor.lower is None or factor.upper is None:
        return change
    ends = max(1.0, factor.lower), max(1.0, factor.upper)
    least, most = (
        [extreme(_change(pair, each) for each in ends) for pair in pairs] for extreme in (min, max)
    )
    change_bounds = _median(most, alpha / 2, unmeasured, least).bounds
    return replace(change, lower=change_bounds.lower, upper=change_bounds.upper)


def _median(
    times: Sequence[float], alpha: float, unknown: int, least: Sequence[float] = ()
) -> TimedSample:
    return TimedSample(times=times, least=least, quantile=MEDIAN, alpha=alpha, unknown=unknown)


def _change(pair: PairedDelay, slower: float) -> float:
    """The change of a page's delay, if the machine is ``slower`` in the later campaign."""
    delay_after = (pair.service_after - pair.control_after) / slower
    return delay_after - (pair.service_before - pair.control_before)


def compare_delays(
    before: Iterable[Verdict], after: Iterable[Verdict], probes: Declarations, alpha: float
) -> DelayChange:
    """Compute the change for the worst probe that fetches pages; both are of one line and profile.

    Only pages count that passed on both lines in every trial of both campaigns. ``alpha`` is
    divided by the number of probes (Bonferroni). ``probes`` are their declarations.
    """
    was, now = _trials_of_pages(before, probes), _trials_of_pages(after, probes)
    pairs: defaultdict[str, list[PairedDelay]] = defaultdict(list)
    unmeasured: defaultdict[str, int] = defaultdict(int)
    for page in (each for each in was if each in now):
        first, second = was[page], now[page]
        unmeasured[page.probe] += first.is_doubtful or second.is_doubtful
        if first.times and second.times:
            pairs[page.probe].append(PairedDelay(*first.times, *second.times))
    level = alpha / max(1, len(unmeasured))
    changes = [delay_change(pairs[name], level, unmeasured[name]) for name in unmeasured]
    return max(changes, key=_by_change, default=DelayChange())


class _Trials(NamedTuple):
    """What all trials of a page showed: the times (control, service), or that it is in doubt."""

    times: tuple[float, float] | None
    is_doubtful: bool


def _trials_of_pages(verdicts: Iterable[Verdict], probes: Declarations) -> Mapping[_Page, _Trials]:
    trials: dict[_Page, Trials] = {}
    times: defaultdict[_Page, list[tuple[float, float]]] = defaultdict(list)
    for verdict in verdicts:
        item, probe = verdict.item, verdict.key.probe
        is_page = declared(probes, probe).facts == "web" and not is_file(item.stratum)
        if not is_page or not verdict.counts or verdict.is_blind:
            continue
        page = _Page(item.id, item.value, probe)
        trials.setdefault(page, Trials(item=item)).add(verdict)
        control, service = verdict.first_byte_control, verdict.first_byte_service
        passed = verdict.state is State.ALLOWED
        if passed and control is not None and service is not None:
            times[page].append((control, service))
    return {page: _read(tried.states(), times[page]) for page, tried in trials.items()}


def _read(states: set[State], times: list[tuple[float, float]]) -> _Trials:
    """The medians of the times of a page, if every trial passed."""
    is_doubtful = State.INSUFFICIENT in states
    if states != {State.ALLOWED} or not times:
        return _Trials(None, is_doubtful)
    control, service = (median(one[side] for one in times) for side in (0, 1))
    return _Trials((control, service), is_doubtful)


def _by_change(change: DelayChange) -> tuple[float, float]:
    """Sort key: the larger lower bound (none is smallest), then the larger median."""
    low, middle = (-math.inf if each is None else each for each in (change.lower, change.median))
    return low, middle


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedEvent:
    """A waiting time in seconds; ``ended`` is false if it is censored (the event never came)."""

    seconds: float
    ended: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToEffect:
    """A quantile of the waiting time in seconds, with one-sided bounds; ``None`` if unbounded."""

    quantile: float
    value: float | None
    lower: float | None
    upper: float | None
    events: int
    n: int


def time_to_effect(waits: Sequence[TimedEvent], quantile: float, alpha: float) -> TimeToEffect:
    """Return the Kaplan-Meier estimate of a quantile of the waiting time.

    Kaplan & Meier, JASA 53 (1958) 457-481; bounds by inverting the log-log confidence band
    (Brookmeyer & Crowley, Biometrics 38 (1982) 29-41). Too many censored
    waits leave the value or its upper bound unbounded (``None``).
    """
    left = tuple(kaplan_meier(waits, alpha))
    return TimeToEffect(
        quantile=quantile,
        value=_first(((one.seconds, one.share) for one in left), 1 - quantile),
        lower=_first(((one.seconds, one.low) for one in left), 1 - quantile),
        upper=_first(((one.seconds, one.high) for one in left), 1 - quantile),
        events=sum(wait.ended for wait in waits),
        n=len(waits),
    )


class StillWaiting(NamedTuple):
    """The share that waits longer than some seconds, and its band; NaN where it is undefined."""

    seconds: float
    share: float
    low: float
    high: float


def kaplan_meier(waits: Sequence[TimedEvent], alpha: float) -> Iterator[StillWaiting]:
    """Yield which share still waits after each time at which a wait ended, in order.

    Each limit of the band is one-sided at level ``alpha``: log(-log share) is taken as normal, with
    Greenwood's variance (Kalbfleisch & Prentice, 2nd ed. (2002), 1.4). It is undefined where none
    still waits. Raises ValueError unless 0 < alpha < 1.
    """
    ended = Counter(wait.seconds for wait in waits if wait.ended)
    censored = sorted(wait.seconds for wait in waits if not wait.ended)
    z, waiting, share, greenwood = -normal_quantile(alpha), len(waits), 1.0, 0.0
    gone = 0  # of those that are censored
    for seconds, number in sorted(ended.items()):
        before = bisect_left(censored, seconds)
        waiting, gone = waiting - (before - gone), before
        share *= (waiting - number) / waiting
        low = high = math.nan
        if number < waiting:
            greenwood += number / (waiting * (waiting - number))
            apart = z * math.sqrt(greenwood) / -math.log(share)
            low, high = share ** math.exp(apart), share ** math.exp(-apart)
        yield StillWaiting(seconds, share, low, high)
        waiting -= number


def bounded_percentile(n: int, alpha: float = 0.05) -> float:
    """Return the quantile that the largest of n waits bounds from above: 0.74 for 10."""
    return float(alpha ** (1 / n))


def waits_for(quantile: float, alpha: float = 0.05) -> int:
    """Return how many waits make their largest an upper bound of a quantile: 29 for p90."""
    return math.ceil(math.log(alpha) / math.log(quantile))


def _first(left: Iterable[tuple[float, float]], level: float) -> float | None:
    """Return the first time at which at most the share ``level`` is still waiting."""
    return next((seconds for seconds, share in left if share <= level + 1e-12), None)
