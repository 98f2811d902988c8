"""Time to effect: quantiles of waiting times, some of them censored (Kaplan-Meier)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import CensoredData, ecdf


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
    ended = [wait.seconds for wait in waits if wait.ended]
    open_ = [wait.seconds for wait in waits if not wait.ended]
    if not ended:
        return TimeToEffect(
            quantile=quantile, value=None, lower=None, upper=None, events=0, n=len(waits)
        )
    survival = ecdf(CensoredData(uncensored=ended, right=open_)).sf
    with warnings.catch_warnings():  # the band is undefined where nobody waits any longer
        warnings.simplefilter("ignore", RuntimeWarning)
        band: Any = survival.confidence_interval(confidence_level=1 - 2 * alpha, method="log-log")
    times = survival.quantiles
    return TimeToEffect(
        quantile=quantile,
        value=_crossing(times, survival.probabilities, 1 - quantile),
        lower=_crossing(times, band.low.probabilities, 1 - quantile),
        upper=_crossing(times, band.high.probabilities, 1 - quantile),
        events=len(ended),
        n=len(waits),
    )


def bounded_percentile(n: int, alpha: float = 0.05) -> float:
    """Return the quantile that the largest of n waits bounds from above: 0.74 for 10."""
    return float(alpha ** (1 / n))


def waits_for(quantile: float, alpha: float = 0.05) -> int:
    """Return how many waits make their largest an upper bound of a quantile: 29 for p90."""
    return math.ceil(math.log(alpha) / math.log(quantile))


def _crossing(times: np.ndarray, left: np.ndarray, level: float) -> float | None:
    """Return the first time at which at most the share ``level`` is still waiting."""
    reached = np.flatnonzero(left <= level + 1e-12)
    return float(times[reached[0]]) if len(reached) else None
