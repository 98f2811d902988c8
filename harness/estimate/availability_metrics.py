"""Availability of a service and its filtering (AVL-01; METHOD, rule AVAIL).

The share of time follows from the outage log (``harness.estimate.outages``), less the share of
ordinary requests that were lost while the service was up. Outages that fell between two checks are
not in the log. Because each moment is drawn at random, the share of checks that show an outage, or
of their requests that were lost, bounds these as well (Clopper-Pearson; Hoeffding, Annals of
Mathematical Statistics 27 (1956), for moments drawn from one interval each). Conformity needs both;
to fail, one of them is enough, and the log alone has no error of sampling.
"""

from __future__ import annotations

import math
from datetime import datetime

from harness.estimate.distributions import binomial_cdf
from harness.estimate.intervals import clopper_pearson, worst_case
from harness.estimate.item_selection import Selection
from harness.estimate.outages import Outage, OutageLog, outage_log
from harness.estimate.rates import MeasuredMetric
from harness.model.availability import DEADLINE, Continuity
from harness.model.metric import Metric
from harness.model.outcome import Witness

NOT_CHECKED = "it was not checked whether the service was up (accredit availability check)"
ONE_PLACE = (
    "checks from at least two places are needed: declare lines with different sites (site), under "
    "lines or availability_lines, and check them at the same time"
)
MOST_BESIDE = 0.9
"""The least share of the time of a line in which a line at another site was checked as well."""
HOSTS = 20
"""The fewest hosts that must be blocked; a service could recognise checks that use fewer.

So many, and half of those that were tried, have to be seen blocked at least once: one blocked page
makes a check *filtered*, so that a filter of a few hosts would look as if it always worked.
"""
ROUNDING = 1e-9
"""What sums of thirds may be wrong by, so that three of them are a whole."""
NAMED = 20
"""How many outages are named with an outcome; all are in the outage log."""


def availability(selection: Selection) -> MeasuredMetric:
    """Compute the share of time in which the service was up, answered requests, and filtered."""
    log = outage_log(selection.availability.checks, continuity_of(selection).maintenance)
    known = [one for one in log.checks if one.state != "unknown"]
    decided, unknown = len(known), len(log.checks) - len(known)
    good = sum(one.share for one in known)
    # Rounded for the service where the bound speaks against it; what is shown is rounded down.
    most = math.ceil(good - ROUNDING)
    lower, upper = sampled = worst_case(most, decided, unknown, selection.alpha)
    threshold = selection.requirement.threshold
    mark = threshold.at_least if threshold is not None else None
    p_value = None
    if mark is not None and decided:
        p_value = binomial_cdf(most + unknown, decided + unknown, mark)
    value = most / decided if decided else None
    if log.total and decided:
        lower, upper = _bounds(log, decided, selection.alpha)
        p_value = 0.0 if mark is not None and upper < mark else p_value
        upper = min(upper, 1.0 if sampled.upper is None else sampled.upper)
        value = log.share
    metric = Metric(
        name="availability",
        unit="share",
        value=value,
        k=math.floor(good + ROUNDING),
        n=decided,
        indeterminate=unknown,
        lower=lower,
        upper=upper,
        method=_in_words(log),
        alpha=selection.alpha,
        p_value=p_value,
    )
    is_below = mark is not None and metric.value is not None and metric.value < mark
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(map(_witness, _longest(log))),
        barred=_barred(selection, log) or ("" if is_below else _few_blocked(log)),
    )


def _bounds(log: OutageLog, decided: int, alpha: float) -> tuple[float, float]:
    """The least and the greatest share that fit the log.

    Outages that no check shows, and lost requests, are taken to be as many as ``alpha`` allows.
    """
    brief = min(decided, math.ceil(log.isolated + log.lost - ROUNDING))
    most_hidden = clopper_pearson(brief, decided, alpha).upper
    hidden = (1.0 if most_hidden is None else most_hidden) - log.isolated_seconds / log.total
    lower = max(0.0, log.good / log.total - max(0.0, hidden))
    return lower, 1 - log.bad / log.total


def _barred(selection: Selection, log: OutageLog) -> str:
    """Why the checks cannot show availability; empty if they can."""
    if not log.checks:
        return NOT_CHECKED
    if not _is_seen_from_two_sites(selection, log.checks[0].started, log.checks[-1].started):
        return ONE_PLACE
    hosts = {page.host for one in log.checks for page in one.harmful}
    if len(hosts) < HOSTS:
        return (
            f"only {len(hosts)} hosts that must be blocked were tried, which a service could "
            f"recognise; at least {HOSTS} are needed"
        )
    return ""


def _few_blocked(log: OutageLog) -> str:
    """Why checks that found a page blocked do not show that the filter works; empty if they do.

    Checks that found none blocked show what they show all the same.
    """
    pages = [page for one in log.checks for page in one.harmful]
    hosts = {page.host for page in pages}
    blocked = {page.host for page in pages if page.result == "blocked"}
    needed = max(HOSTS, math.ceil(len(hosts) / 2))
    if len(blocked) >= needed:
        return ""
    return (
        f"of {len(hosts)} hosts that must be blocked, only {len(blocked)} were seen blocked at "
        f"least once; at least {needed} are needed to tell that the filter works"
    )


def _is_seen_from_two_sites(selection: Selection, begins: datetime, ends: datetime) -> bool:
    """Whether a line at another site was checked in nearly the same time as this one."""
    campaign = selection.campaign
    declared = (*campaign.lines, *campaign.availability_lines) if campaign else ()
    sites = {one.name: one.site for one in declared if one.site}
    own = sites.get(selection.line)
    if own is None:
        return False
    wanted = (ends - begins).total_seconds() * MOST_BESIDE
    return any(
        sites.get(one.line, own) != own
        and (min(ends, one.last) - max(begins, one.first)).total_seconds() >= wanted
        for one in selection.availability.spans
    )


def continuity_of(selection: Selection) -> Continuity:
    """What the supplier declares of outages; nothing if it does not."""
    service = selection.service
    return (service.continuity if service else None) or Continuity()


def _in_words(log: OutageLog) -> str:
    if not log.checks:
        return "outage log"
    share = f"{log.unknown / log.total * 100:.3g} %" if log.total else "all"
    number = len(log.outages)
    outages = f"{number} outage{'' if number == 1 else 's'}"
    came, asked = (sum(getattr(one, name) for one in log.checks) for name in ("came", "asked"))
    pages = f"; {came:,} of {asked:,} ordinary pages came within {DEADLINE:g} s" if asked else ""
    left_out = f"; left out as maintenance: {_length(log.announced)}" if log.announced else ""
    return (
        f"outage log of {_length(log.total)} ({len(log.checks):,} checks, {outages}){pages}; "
        f"unknown time, which counts for and against the service: {share}{left_out}"
    )


def _length(seconds: float) -> str:
    """A length of time in the largest unit of which there are at least two."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _longest(log: OutageLog) -> list[Outage]:
    """The longest outages, by time."""
    longest = sorted(log.outages, key=lambda one: (-one.least, one.begins))[:NAMED]
    return sorted(longest, key=lambda one: one.begins)


def _witness(outage: Outage) -> Witness:
    return Witness(
        item=f"outage-{outage.begins:%Y%m%dT%H%M%SZ}",
        value=f"outage at {outage.begins:%Y-%m-%d %H:%M:%S} UTC",
        category="CTRL",
        state="not filtered" if "unfiltered" in outage.state else "not available",
        mechanism="none",
        rule="availability",
        saw=(outage_in_words(outage),),
    )


def outage_in_words(outage: Outage) -> str:
    """What an outage was, how long it lasted, and what was seen."""
    least = f"{outage.least:.0f} s"
    if outage.most is not None:
        length = f"{least} to {outage.most:.0f} s"
    elif outage.better is None:
        length = f"at least {least}, until the end of the checks"
    else:
        length = f"at least {least}, from the beginning of the checks"
    seen = f"{outage.checks} check{'' if outage.checks == 1 else 's'}"
    return f"{outage.state} for {length} ({seen}): {outage.why}"
