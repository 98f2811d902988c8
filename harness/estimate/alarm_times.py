"""How soon the alarms of a schedule find a fall, how often they are false, and at what size.

The evidence of ``harness.estimate.surveillance_evidence`` is simulated for many services at once,
with seeded random numbers, so that the same schedule always gives the same figures. A service is
meant to miss a fifth of what is allowed, and falls to one and a half times that: 98 % and 85 %
where 90 % is required (proposed by this project).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.estimate.distributions import binomial_sf
from harness.estimate.intervals import clopper_pearson
from harness.estimate.planning import decision_limits, power_at
from harness.estimate.surveillance_evidence import (
    FALSE_ALARMS,
    FEWEST_RUNS,
    HALF,
    most_of_a_run,
)
from harness.model.order_statistic import order_statistic
from harness.model.smallest_sample import BETS

USUAL, FALLEN = 0.2, 1.5
"""The misses of a service, as a multiple of what is allowed: before a fall, and after it."""

CORRELATION = 0.05
"""By how much the misses of a run may go together: the intra-class correlation allowed for."""

FOUND_IN = 0.9
"""In so many of 100 falls (as a share) the alarm comes within the stated number of runs."""

HALF_OF_ALLOWED = 0.5
"""The misses, as a multiple of what is allowed, of a service that a re-test should clear."""

CONFIRMED_IN_TWO, CLEARED_AT_ONCE, DECIDED = 0.9, 0.8, 0.99
"""How probable it is that two re-tests confirm a true alarm, that the first clears a service with
half of the allowed misses, and that the deciding re-test decides either."""

ROWS = 6
"""The rows that a re-test is assumed to decide: a failure needs Holm's correction over them."""

RUNS_BEFORE, PATHS, YEARS = 20, 1_000, 200
MOST_ITEMS = 100_000
NEVER = np.inf

LARGEST_LOG, LARGEST = 300.0, 1e150
"""Evidence beyond these counts as so much: far above any alarm, and nothing overflows."""

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


class WatchedRow(NamedTuple):
    """A rate that a schedule measures: the share of misses allowed, and independent items a run.

    ``items`` are those of each of ``parts``. It is measured at ``sites`` sites, of which ``needed``
    must show a fall, and due ``runs`` times a year. ``alpha`` is the level of each series.
    """

    most_missed: float
    items: int
    runs: int
    parts: int = 1
    sites: int = 1
    needed: int = 1
    alpha: float = FALSE_ALARMS


class RetestSizes(NamedTuple):
    """Independent items of each part and site: of the first re-tests, and of the deciding one."""

    first: int
    deciding: int


class FalseAlarms(NamedTuple):
    """Simulated years of a service that does not change: how many, and those with an alarm."""

    years: int
    alarmed: int

    @property
    def most(self) -> float:
        """The upper bound of the share of years with an alarm, one-sided at 95 %."""
        upper = clopper_pearson(self.alarmed, self.years, 0.05).upper
        return 1.0 if upper is None else upper


class _Watched:
    """The evidence of many series of one row, run after run: one line for each series."""

    def __init__(self, row: WatchedRow, series: int) -> None:
        self._row = row
        self._mixed = np.zeros((series, row.parts, len(BETS)))
        odds = (1 - row.most_missed) / row.most_missed
        self._won = np.log1p(np.array(BETS) * odds)
        self._lost = np.log1p(-np.array(BETS))
        self._most = most_of_a_run(row.runs, row.alpha, FEWEST_RUNS)

    def add(self, missed: Counts) -> NDArray[np.bool_]:
        """Add a run with so many misses of each series and part; which series alarm now."""
        row, wrong = self._row, missed[..., None]
        logs = wrong * self._won + (row.items - wrong) * self._lost
        logs = np.where(wrong >= HALF * row.items, logs, np.minimum(logs, self._most))
        gains = np.exp(np.minimum(logs, LARGEST_LOG))
        self._mixed = np.minimum((self._mixed + 1) * gains, LARGEST)
        shown = self._mixed.sum(axis=(1, 2)) * row.alpha >= row.parts * len(BETS) * row.runs
        return np.asarray(shown, dtype=np.bool_)


def runs_until_alarm(
    row: WatchedRow,
    usual: float,
    fallen: float,
    *,
    most_runs: int,
    paths: int = PATHS,
    correlation: float = 0.0,
    seed: int = 1,
) -> Numbers:
    """Return in how many runs after a fall enough sites alarm, infinite beyond ``most_runs``.

    ``usual`` and ``fallen`` are shares of missed items. Services whose alarm came before the fall
    begin anew with it.
    """
    random = np.random.default_rng(seed)
    watched, shape = _Watched(row, paths * row.sites), (paths * row.sites, row.parts)
    for _ in range(RUNS_BEFORE):
        watched.add(_misses(random, usual, row.items, shape, correlation))
    first = np.full(paths * row.sites, NEVER)
    for run in range(1, most_runs + 1):
        now = watched.add(_misses(random, fallen, row.items, shape, correlation))
        first[now & np.isinf(first)] = run
        if np.isfinite(first).all():
            break
    by_site: Numbers = np.sort(first.reshape(paths, row.sites), axis=1)
    return by_site[:, row.needed - 1]


@lru_cache(maxsize=256)
def runs_to_find(row: WatchedRow, most_runs: int, correlation: float = 0.0) -> float:
    """Return the runs within which nine of ten falls raise an alarm; infinite if more than most."""
    usual, fallen = USUAL * row.most_missed, fallen_to(row.most_missed)
    times = runs_until_alarm(row, usual, fallen, most_runs=most_runs, correlation=correlation)
    return float(order_statistic(np.sort(times).tolist(), FOUND_IN))


def fallen_to(most_missed: float) -> float:
    """Return the share of misses after the fall that is to be found."""
    return min(FALLEN * most_missed, (1 + most_missed) / 2)


def items_to_find(row: WatchedRow, within: int) -> int | None:
    """Return the fewest items a run, in each part, that find a fall within so many runs.

    ``None`` if no size up to ``MOST_ITEMS`` does; an alarm rests on several runs.
    """
    return _smallest(lambda items: runs_to_find(row._replace(items=items), within) <= within)


def _smallest(is_enough: Callable[[int], bool]) -> int | None:
    """Return the smallest size that is enough, to 2 %; ``None`` if none up to ``MOST_ITEMS``."""
    low, high = 0, 8
    while not is_enough(high):
        low, high = high, high * 2
        if high > MOST_ITEMS:
            return None
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


@lru_cache(maxsize=64)
def retest_sizes(
    most_missed: float, deciding_try: int, alpha: float = 0.05, rows: int = ROWS
) -> RetestSizes | None:
    """Return the sizes with which re-tests of an alarm decide it; ``None`` if no sample can.

    The k-th re-test is judged at alpha / 2^k, so that all of them together spend one alpha; the
    deciding one has the number ``deciding_try``.
    """
    if not 0 < most_missed < 1:
        return None
    limit, fallen = 1 - most_missed, fallen_to(most_missed)
    cleared = 1 - HALF_OF_ALLOWED * most_missed

    def first(items: int) -> bool:
        missed = [1 - failing(items, limit, fallen, alpha / 2**k / rows) for k in (1, 2)]
        shows = 1 - missed[0] * missed[1]
        return shows >= CONFIRMED_IN_TWO and (
            power_at(items, limit, cleared, alpha / 2) >= CLEARED_AT_ONCE
        )

    def deciding(items: int) -> bool:
        level = alpha / 2**deciding_try
        return failing(items, limit, fallen, level / rows) >= DECIDED and (
            power_at(items, limit, cleared, level) >= DECIDED
        )

    found = _smallest(first), _smallest(deciding)
    return None if found[0] is None or found[1] is None else RetestSizes(found[0], found[1])


def failing(items: int, threshold: float, missed: float, alpha: float) -> float:
    """Return the probability that a service with so many misses is shown to miss a threshold."""
    fails = decision_limits(items, threshold, alpha).fails
    return 0.0 if fails is None else binomial_sf(fails - 1, items, missed)


def false_alarms(
    rows: Sequence[WatchedRow],
    *,
    years: int = YEARS,
    correlation: float = CORRELATION,
    seed: int = 2,
    usual: float | None = None,
) -> FalseAlarms:
    """Simulate years of a service that stays as it is; count those in which it has an alarm.

    ``usual`` is its share of missed items; without it a fifth of what each row allows.
    """
    random = np.random.default_rng(seed)
    alarmed = np.zeros(years, dtype=np.bool_)
    for row in rows:
        rate = USUAL * row.most_missed if usual is None else usual
        watched, shape = _Watched(row, years * row.sites), (years * row.sites, row.parts)
        shown = np.zeros(years * row.sites, dtype=np.bool_)
        for _ in range(row.runs):
            shown |= watched.add(_misses(random, rate, row.items, shape, correlation))
        alarmed |= shown.reshape(years, row.sites).sum(axis=1) >= row.needed
    return FalseAlarms(years, int(alarmed.sum()))


def _misses(
    random: np.random.Generator,
    rate: float,
    items: int,
    shape: tuple[int, int],
    correlation: float,
) -> Counts:
    """Draw missed items, beta-binomial with that intra-class correlation within a run."""
    if not correlation:
        return random.binomial(items, rate, shape)
    size = 1 / correlation - 1
    return random.binomial(items, random.beta(rate * size, (1 - rate) * size, shape))
