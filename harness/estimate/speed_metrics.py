"""Metrics of a service's speed on a quiet line: bandwidth, throughput, failures, delay (PRF).

The control line is measured beside the service. What it cannot do either, because the origin or
our own machine is too slow, is not held against the service and not counted for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.interval_choice import TrialShare
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import rate
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.estimate.transfer_pairs import (
    LOST,
    NOT_MEASURED,
    Sample,
    TransferPair,
    by_round,
    pairs_of,
    samples_of,
)
from harness.model.metric import Metric
from harness.model.outcome import Witness
from harness.model.service_speed import Bandwidth, TimedTransfer
from harness.model.smallest_sample import MEDIAN
from harness.model.transfer import FORMS, Direction, Form

MOST_LOST = 0.001
"""The share of short requests that may be lost (PRF-07, proposed by this project)."""
TOO_UNEVEN = "on the control line the delay varies by more than the limit as well"
"""Why delay variation decides nothing: the origin, its network or this machine is to blame."""


def bandwidth_reached(selection: Selection) -> MeasuredMetric:
    """Compute the share of samples that reach the declared bandwidth; both directions must hold.

    Of a profile whose uploads are declared to be blocked, only the direction down is measured.

    A sample that does not reach it is undecided if the control line did not reach it at the time.
    """
    service = selection.service
    declared = (service.bandwidth if service else None) or Bandwidth()
    samples = list(samples_of(selection.speed))

    def group(direction: Direction) -> Group:
        own = [one for one in samples if one.direction == direction]
        return Group(
            label=f"{direction}, {getattr(declared, direction):g} Mb/s",
            of_items=False,
            measure=lambda at: _reached(at, own, declared),
        )

    directions: tuple[Direction, ...] = ("down", "up") if _takes_uploads(selection) else ("down",)
    worst = worst_of_groups(selection, [group(one) for one in directions])
    return _measured(
        selection, replace(worst, method=f"{worst.method}; {_rates(samples, declared)}")
    )


def _reached(selection: Selection, samples: Sequence[Sample], declared: Bandwidth) -> Metric:
    return rate(selection, "bandwidth_reached", (_reaches(one, declared) for one in samples))


def _reaches(sample: Sample, declared: Bandwidth) -> bool | None:
    wanted = declared.of(sample.direction)
    if sample.service >= wanted and not sample.round.fault:
        return True
    return False if sample.service < wanted <= sample.control and sample.is_known else None


def _rates(samples: Sequence[Sample], declared: Bandwidth) -> str:
    """The middle rates of both lines, in words."""
    words = []
    directions: tuple[Direction, ...] = ("down", "up")
    for direction in directions:
        own = [one for one in samples if one.direction == direction]
        service, control = (
            sorted(getattr(one, side) * 8e-6 for one in own) for side in ("service", "control")
        )
        if own:
            middle = len(own) // 2
            words.append(
                f"{direction} {service[middle]:.3g} Mb/s (control line {control[middle]:.3g}, "
                f"declared {getattr(declared, direction):g})"
            )
    return "median " + ", ".join(words) if words else "no samples"


def throughput_loss(selection: Selection) -> MeasuredMetric:
    """Compute the loss of throughput against the control line, of the worst form of transfer.

    Each form and the response times must hold by themselves; uploads are not asked of a profile
    whose uploads are declared to be blocked. The loss of a pair is 1 minus the ratio of its rates;
    bounds are those of the median of the rounds, of each of which the median pair counts.
    """
    wanted = [form for form in FORMS if form != "upload" or _takes_uploads(selection)]
    found = {form: list(pairs_of(selection.speed, "alone", form)) for form in wanted}

    def group(form: Form) -> Group:
        return Group(label=FORMS[form], of_items=False, measure=lambda at: _loss(at, found[form]))

    lost = [one for pairs in found.values() for one in pairs if one.is_lost]
    return _measured(selection, worst_of_groups(selection, [group(one) for one in wanted]), lost)


def _loss(selection: Selection, pairs: Sequence[TransferPair]) -> Metric:
    """The loss of one form: of each round the median pair counts.

    Pairs of which it is not known what the service did are lost whole for the upper bound, and left
    out for the lower one.
    """
    counted = [one for one in pairs if _counts(one)]
    doubtful = [one for one in pairs if one.control.came == "whole" and not _counts(one)]
    rounds = {id(one.round) for one in counted}
    unsure = {id(one.round) for one in doubtful} - rounds
    down = {id(one.round) for one in pairs} - rounds - unsure
    ratios = by_round((one.round, one.log_ratio) for one in counted)
    most = by_round(
        (one.round, one.log_ratio if _counts(one) else LOST)
        for one in pairs
        if one.control.came == "whole"
    )
    at_most = selection.at_most
    mark = None if at_most is None else -math.log1p(-min(at_most, 1 - 1e-9))
    known, worst = (
        TimedSample(times=each, quantile=MEDIAN, alpha=selection.alpha, mark=mark)
        for each in (ratios, most if ratios else ())
    )
    return Metric(
        name="throughput_loss",
        unit="share",
        value=_share(known.value),
        k=len(ratios),
        n=len(ratios),
        indeterminate=len(unsure),
        lower=_share(known.bounds.lower),
        upper=_share(worst.bounds.upper),
        method=f"paired loss of throughput, median of rounds, {worst.method}",
        alpha=selection.alpha,
        p_value=known.p_above(mark),
        left_out={"down": len(down)} if down else {},
    )


def _counts(pair: TransferPair) -> bool:
    """Whether a pair shows how much slower the service is, or that it lost the transfer."""
    return pair.is_lost or (pair.is_whole and not pair.is_busy)


def _share(log_ratio: float | None) -> float | None:
    """The loss of throughput that a logarithm of a ratio of times is: below 0 if it was faster."""
    return None if log_ratio is None else -math.expm1(-log_ratio)


def failed_transactions(selection: Selection) -> MeasuredMetric:
    """Compute the share of transfers that failed over the service, in all situations.

    A failure counts if the same transfer came whole over the control line, or, under load, if
    nothing failed there in the round.
    """
    found: list[bool | None] = []
    down = 0
    failed: list[TimedTransfer] = []
    for one in selection.speed.rounds:
        control = {each.item: each.came for each in one.control}
        is_sound = "failed" not in control.values()
        for each in one.service:
            beside = control.get(each.item)
            if each.came == "whole":
                found.append(None if one.fault else False)
            elif each.came == "failed" and (beside == "whole" or (beside is None and is_sound)):
                failed.append(each)
                found.append(True)
            elif each.came == "failed":
                down += 1
            else:
                found.append(None)
    metric = rate(selection, "failed_transactions", found, is_least=False)
    bound = "" if metric.upper is None else f"; at most {metric.upper:.3%} failed"
    metric = replace(metric, method=metric.method + bound, left_out={"down": down} if down else {})
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(_witness(one) for one in failed),
        barred="" if selection.speed.rounds else NOT_MEASURED,
    )


def delay_variation(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the variation of delay of short requests, and the share that is lost.

    The variation is what a request took longer than the quickest one of its scheme (RFC 5481). Both
    have a limit of their own; the worse one in proportion to it stands.
    """
    quantile = selection.measure.quantile or 0.99
    pairs = list(pairs_of(selection.speed, "alone", "small"))
    doubtful = sum(one.is_doubtful for one in pairs)
    whole = [one for one in pairs if one.is_whole]
    control = _variation(selection, [one.control for one in whole], quantile)
    delay = Group(
        label="variation of the delay",
        of_items=False,
        measure=lambda at: _variation(at, [one.service for one in whole], quantile, doubtful),
    )
    loss = Group(
        label="lost requests",
        of_items=False,
        measure=lambda at: _lost(at, pairs),
        limit=MOST_LOST,
    )
    worst = worst_of_groups(selection, [delay, loss])
    metric = replace(
        worst,
        unit="s",
        method=f"{worst.method}; short requests over TCP, by which lost packets show as delay",
    )
    limit = selection.at_most or 0.05
    is_uneven = control.value is not None and control.value > limit
    lost = [one for one in pairs if one.is_lost]
    return _measured(selection, metric, lost, TOO_UNEVEN if is_uneven else "")


def _variation(
    selection: Selection, transfers: Sequence[TimedTransfer], quantile: float, doubtful: int = 0
) -> Metric:
    """A quantile of the variation; ``doubtful`` requests may have taken any time."""
    least: dict[bool, float] = {}
    for is_secure in (False, True):  # a handshake takes longer, and varies nothing
        times = [one.seconds for one in transfers if (one.timings.tls is not None) == is_secure]
        least[is_secure] = min(times, default=0.0)
    sample = TimedSample(
        times=[one.seconds - least[one.timings.tls is not None] for one in transfers],
        quantile=quantile,
        alpha=selection.alpha,
        unknown=doubtful,
        mark=selection.at_most,
    )
    return sample.in_seconds("delay_variation", "the variation of delay")


def _lost(selection: Selection, pairs: Sequence[TransferPair]) -> Metric:
    trials = TrialShare(
        None if one.is_doubtful else one.is_lost
        for one in pairs
        if one.is_doubtful or one.is_lost or one.is_whole
    )
    bounds = trials.bounds(selection.alpha)
    return Metric(
        name="delay_variation",
        unit="share",
        value=trials.k / trials.n if trials.n else None,
        k=trials.k,
        n=trials.n,
        indeterminate=trials.undecided,
        lower=bounds.lower,
        upper=bounds.upper,
        method=f"share of short requests that were lost, {trials.method}",
        alpha=selection.alpha,
        p_value=trials.p_above(MOST_LOST),
    )


def _takes_uploads(selection: Selection) -> bool:
    campaign = selection.campaign
    return campaign is None or campaign.takes_uploads(selection.profile)


def _measured(
    selection: Selection,
    metric: Metric,
    against: Sequence[TransferPair] = (),
    barred: str = "",
) -> MeasuredMetric:
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(_witness(one.service) for one in against),
        barred=barred if selection.speed.rounds else NOT_MEASURED,
    )


def _witness(transfer: TimedTransfer) -> Witness:
    """A transfer that failed over the service."""
    words = FORMS[transfer.transfer.form]
    return Witness(
        item=transfer.item,
        value=words,
        category="CTRL",
        state="unanswered",
        mechanism="none",
        rule="speed",
        saw=(transfer.failure or "the content did not come whole",),
    )
