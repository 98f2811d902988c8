"""Looking more than once: bounds that may be read after every item and still keep their level.

An ordinary bound that is looked at every week is wrong in 23 % of years (METHOD (c), "Repeated
looks"). The e-process watches a service for ever; ``harness.estimate.stopping_tests`` stops early.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.estimate.intervals import Bounds

BETS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""The stakes of the e-process, mixed in equal parts (METHOD (c))."""


@dataclass(slots=True, kw_only=True)
class EProcess:
    """Evidence against "rate >= T" (or, certifying, against "rate <= T"), readable at any time.

    E_t is the mean over stakes of the product of 1 + stake (T - x) / (1 - T), x = 1 for a block;
    the mirror form certifies with (x - T) / T. Under the hypothesis it exceeds 1 / alpha with
    probability at most alpha, ever (Ville, 1939; Ramdas et al., Statistical Science 38 (2023)).
    """

    threshold: float
    certifying: bool = False
    alpha: float = 0.05
    seen: int = 0
    highest: float = 1.0
    _logs: list[float] = field(default_factory=lambda: [0.0] * len(BETS))

    def see(self, *, blocked: bool) -> bool:
        """Count one item; true once the evidence has ever reached 1 / alpha."""
        gain = (float(blocked) - self.threshold) / self.threshold
        if not self.certifying:
            gain = (self.threshold - float(blocked)) / (1 - self.threshold)
        self.seen += 1
        self._logs = [
            log + math.log1p(bet * gain) for log, bet in zip(self._logs, BETS, strict=True)
        ]
        self.highest = max(self.highest, self.evidence)
        return self.is_alarmed

    @property
    def evidence(self) -> float:
        """E_t now."""
        largest = max(self._logs)
        mean = math.fsum(math.exp(log - largest) for log in self._logs) / len(BETS)
        return math.inf if largest > 700 else math.exp(largest) * mean  # noqa: PLR2004 - of exp

    @property
    def is_alarmed(self) -> bool:
        """Whether the evidence has ever reached 1 / alpha."""
        return self.highest >= 1 / self.alpha


def anytime_bounds(k: float, n: float, alpha: float) -> Bounds:
    """Bounds of a rate that may be read after every item: a confidence sequence.

    The thresholds that the e-process does not reject; its value depends on the counts alone. Of
    domains with several items ``n`` is their number and ``k`` the sum of their own rates: by the
    weighted mean of arithmetic and geometric means the bounds hold for rates as for items.
    Ramdas et al., Statistical Science 38 (2023) 576-601, section 4.
    """
    if n == 0:
        return Bounds(None, None)
    mark = math.log(1 / alpha)
    lower = _turn(lambda rate: _log_evidence(k, n, rate, certifying=True) < mark) if k else 0.0
    upper = _turn(lambda rate: _log_evidence(k, n, rate, certifying=False) >= mark)
    return Bounds(lower, upper)


def anytime_p_below(k: float, n: float, mark: float) -> float:
    """The smallest level at which the upper bound is below ``mark``, which is above 0."""
    if mark >= 1:
        return float(k >= n)
    return math.exp(-max(0.0, _log_evidence(k, n, mark, certifying=False)))


def anytime_p_above(k: float, n: float, mark: float) -> float:
    """The smallest level at which the lower bound is above ``mark``, which is below 1."""
    if mark <= 0:
        return float(k <= 0)
    return math.exp(-max(0.0, _log_evidence(k, n, mark, certifying=True)))


def _log_evidence(k: float, n: float, rate: float, *, certifying: bool) -> float:
    """The logarithm of the e-process after k blocks of n items, against a threshold ``rate``."""
    wins, losses = (k, n - k) if certifying else (n - k, k)
    odds = (1 - rate) / rate if certifying else rate / (1 - rate)
    logs = [wins * math.log1p(bet * odds) + losses * math.log1p(-bet) for bet in BETS]
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs) / len(BETS))


def _turn(holds: Callable[[float], bool]) -> float:
    """The rate between 0 and 1 from which ``holds`` is true; 1 if it never is."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
