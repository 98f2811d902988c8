"""Evidence about a rate that may be read after every item (an e-process), and bounds from it.

Reading an ordinary bound every week gives a false result in 23 % of years (METHOD (c), "Repeated
looks"). Without NumPy, because a campaign that may stop early reads it on a machine that only
measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.model.metric import Span
from harness.model.smallest_sample import BETS


@dataclass(slots=True, kw_only=True)
class EProcess:
    """Evidence against "rate >= T" (or, certifying, against "rate <= T"), valid at any time.

    E_t is the mean over bets of the product of 1 + bet (T - x) / (1 - T), with x = 1 for a block;
    the certifying form uses (x - T) / T. Under the hypothesis the probability that it ever exceeds
    1 / alpha is at most alpha (Ville, 1939; Ramdas et al., Statistical Science 38 (2023)).
    """

    threshold: float
    certifying: bool = False
    alpha: float = 0.05
    items: int = 0
    highest: float = 1.0
    _logs: list[float] = field(default_factory=lambda: [0.0] * len(BETS))

    def add(self, *, blocked: bool) -> bool:
        """Count one item; return whether the evidence has ever reached 1 / alpha."""
        gain = (float(blocked) - self.threshold) / self.threshold
        if not self.certifying:
            gain = (self.threshold - float(blocked)) / (1 - self.threshold)
        self.items += 1
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


def anytime_bounds(k: float, n: float, alpha: float) -> Span:
    """Return bounds of a rate that may be read after every item: a confidence sequence.

    They enclose the thresholds that the e-process does not reject; its value depends on the counts
    alone. For domains with several items ``n`` is the number of domains and ``k`` the sum of their
    rates; the inequality of weighted arithmetic and geometric means extends the bounds to rates.
    Ramdas et al., Statistical Science 38 (2023) 576-601, section 4.
    """
    if n == 0:
        return Span(None, None)
    mark = math.log(1 / alpha)
    lower = _bisect(lambda rate: _log_evidence(k, n, rate, certifying=True) < mark) if k else 0.0
    upper = _bisect(lambda rate: _log_evidence(k, n, rate, certifying=False) >= mark)
    return Span(lower, upper)


def anytime_p_below(k: float, n: float, mark: float) -> float:
    """Return the smallest level at which the upper bound is below ``mark`` > 0."""
    if mark >= 1:
        return float(k >= n)
    return math.exp(-max(0.0, _log_evidence(k, n, mark, certifying=False)))


def anytime_p_above(k: float, n: float, mark: float) -> float:
    """Return the smallest level at which the lower bound is above ``mark`` < 1."""
    if mark <= 0:
        return float(k <= 0)
    return math.exp(-max(0.0, _log_evidence(k, n, mark, certifying=True)))


def _log_evidence(k: float, n: float, rate: float, *, certifying: bool) -> float:
    """Return the log of the e-process after k blocks of n items, at threshold ``rate``."""
    wins, losses = (k, n - k) if certifying else (n - k, k)
    odds = (1 - rate) / rate if certifying else rate / (1 - rate)
    return log_mean(logs_by_bet(wins, losses, odds))


def logs_by_bet(wins: float, losses: float, odds: float) -> list[float]:
    """Return the log of the product of an e-process for each of ``BETS``.

    ``wins`` items speak against the hypothesis and pay ``odds``, ``losses`` for it. Both may have
    fractions, where domains count with the share of their items.
    """
    return [wins * math.log1p(bet * odds) + losses * math.log1p(-bet) for bet in BETS]


def log_mean(logs: Sequence[float]) -> float:
    """Return the logarithm of the mean of exponentials; nothing overflows."""
    largest = max(logs)
    if largest == -math.inf:
        return largest
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs) / len(logs))


def _bisect(holds: Callable[[float], bool]) -> float:
    """Return the rate in 0..1 from which the monotone ``holds`` is true, by bisection; else 1."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
