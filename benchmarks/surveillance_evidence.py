"""Simulated surveillance: false alarms a year, and runs until a change is found.

``python -m benchmarks surveillance-evidence surveillance-alarms`` gives the figures of dd-051 and
dd-068. Random numbers are seeded, so that they are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.goal import Result, topic
from harness.estimate.alarm_times import (
    CORRELATION,
    WatchedRow,
    failing,
    fallen_to,
    false_alarms,
    retest_sizes,
    runs_to_find,
    runs_until_alarm,
)
from harness.estimate.soak_evidence import Tally, level_of_evidence
from harness.estimate.surveillance_evidence import evidence_over, level_of
from harness.model.conformity import Conformity
from harness.model.order_statistic import order_statistic
from harness.model.scheme import Threshold
from harness.model.surveillance_reading import PartCount, RequirementReading

WEEKS, ITEMS, ALPHA = 52, 60, 0.05
YEARS, CHANGES, FOLLOWED = 4_000, 400, 104

Drawn = Sequence[Sequence[float]]
"""Missed items by run, then by part."""
Draw = Callable[[np.random.Generator, int], Drawn]


class _Year(NamedTuple):
    """A service exactly at the threshold: runs in a year, items of a part, and how misses fall."""

    name: str
    at_least: float
    runs: int
    items: int
    draw: Draw


class _Change(NamedTuple):
    """A threshold, and the rates of a service before and after it changes."""

    at_least: float
    good: float
    bad: float
    most_runs: float
    """The median of runs until it is found, after 104 good ones: the goal."""


def _binomial(rate: float, items: int, parts: int = 1) -> Draw:
    return lambda random, runs: _lists(random.binomial(items, 1 - rate, (runs, parts)))


def _lists(drawn: NDArray[np.float64] | NDArray[np.int64]) -> Drawn:
    return [[float(missed) for missed in run] for run in drawn]


def _from_list(rate: float, items: int, held: int) -> Draw:
    """Drawn without replacement from a list of which so many entries are held."""
    wrong = round(held * (1 - rate))

    def draw(random: np.random.Generator, runs: int) -> Drawn:
        return _lists(random.hypergeometric(wrong, held - wrong, items, (runs, 1)))

    return draw


def _by_domain(rate: float, domains: int, each: int) -> Draw:
    """Domains with several items: half are missed whole, the others item by item."""

    def draw(random: np.random.Generator, runs: int) -> Drawn:
        whole = random.binomial(domains // 2, 1 - rate, (runs, 1))
        single = random.binomial((domains - domains // 2) * each, 1 - rate, (runs, 1)) / each
        return _lists(whole + single)

    return draw


AT_THE_MARK = (
    _Year("90 %, weekly, 60 items", 0.9, 52, 60, _binomial(0.9, 60)),
    _Year("95 %, weekly, 60 items", 0.95, 52, 60, _binomial(0.95, 60)),
    _Year("98 %, weekly, 60 items", 0.98, 52, 60, _binomial(0.98, 60)),
    _Year("95 %, daily, 20 items", 0.95, 365, 20, _binomial(0.95, 20)),
    _Year("95 %, monthly, 300 items", 0.95, 12, 300, _binomial(0.95, 300)),
    _Year("95 %, weekly, 5 categories of 12 items", 0.95, 52, 12, _binomial(0.95, 12, 5)),
    _Year("95 %, weekly, 60 of a list of 100", 0.95, 52, 60, _from_list(0.95, 60, 100)),
    _Year("95 %, weekly, 60 domains of 3 items", 0.95, 52, 60, _by_domain(0.95, 60, 3)),
)
CHANGED = (
    _Change(0.9, 0.95, 0.85, 15),
    _Change(0.9, 0.95, 0.8, 5),
    _Change(0.95, 0.975, 0.9, 8),
    _Change(0.95, 0.975, 0.85, 3),
    _Change(0.98, 0.99, 0.95, 8),
)
SCHEDULES = (("daily, 20 items", 365, 20), ("daily, 60 items", 365, 60),
             ("weekly, 60 items", 52, 60), ("weekly, 150 items", 52, 150),
             ("weekly, 300 items", 52, 300))  # fmt: skip
FALSE_IN_A_YEAR = 0.1
"""At most one false alarm of a service in ten years."""


@topic("surveillance-evidence", is_usual=False)
def surveillance_evidence() -> Iterable[Result]:
    """Measure false alarms in a year at the threshold, and runs until a change is found."""
    for number, year in enumerate(AT_THE_MARK):
        yield _false_alarms(year, number)
    for change in CHANGED:
        for before in (0, 26, 104):
            yield _until_found(change, before)
    yield _one_category()
    yield from _limits()


@topic("surveillance-alarms", is_usual=False)
def surveillance_alarms() -> Iterable[Result]:
    """Count false alarms of a steady service, and the runs and re-tests until a fall is found."""
    for name, runs, items in SCHEDULES:
        for rows in (1, 6, 12):
            row = WatchedRow(0.1, items, runs, alpha=level_of(rows))
            yield from _of_steady_service(name, [row] * rows)
        yield from _of_fall(name, WatchedRow(0.1, items, runs, alpha=level_of(6)))
    for most in (0.1, 0.05, 0.02):
        yield from _of_retests(most)


def _of_steady_service(name: str, rows: Sequence[WatchedRow]) -> Iterable[Result]:
    years = YEARS if rows[0].runs == WEEKS else YEARS // 4
    for correlation in (0.0, 0.01, CORRELATION):
        found = false_alarms(rows, years=years, correlation=correlation)
        yield Result(
            goal=f"98 % where 90 % is required, {name}, {len(rows)} rows, intra-class correlation "
            f"{correlation:g}: false alarms of a service in a year",
            value=found.alarmed / found.years,
            unit="",
            bound=FALSE_IN_A_YEAR,
            note=f"{years:,} years; at most {found.most:.4f} at 95 %",
        )


def _of_fall(name: str, row: WatchedRow) -> Iterable[Result]:
    for correlation in (0.0, CORRELATION):
        stated = runs_to_find(row, 400, correlation)
        again = runs_until_alarm(
            row, 0.02, 0.15, most_runs=400, paths=CHANGES * 10, correlation=correlation, seed=7
        )
        yield Result(
            goal=f"98 % falls to 85 % where 90 % is required, {name}, 6 rows, intra-class "
            f"correlation {correlation:g}: found within the {stated:.0f} runs that are stated",
            value=100 * float(np.mean(again <= stated)),
            unit="%",
            bound=89,
            is_least=True,
            note=f"median {np.median(again):.0f} runs",
        )


def _of_retests(most: float) -> Iterable[Result]:
    sizes = retest_sizes(most, 4)
    if sizes is None:
        return
    levels = [ALPHA / 2**number / 6 for number in (1, 2)]
    missed = [1 - failing(sizes.first, 1 - most, fallen_to(most), level) for level in levels]
    yield Result(
        goal=f"{1 - most:.0%} required, a fall to {1 - fallen_to(most):.3g}: two re-tests of "
        f"{sizes.first} items confirm it",
        value=100 * (1 - missed[0] * missed[1]),
        unit="%",
        bound=90,
        is_least=True,
        note=f"exact; the deciding re-test has {sizes.deciding} items",
    )


def _false_alarms(year: _Year, seed: int) -> Result:
    random = np.random.default_rng([1, seed])
    alarms = sum(
        evidence_over(
            _readings(year.draw(random, year.runs), year.items, year.at_least), year.runs
        ).alarmed
        for _ in range(YEARS)
    )
    return Result(
        goal=f"false alarms in a year at the threshold: {year.name}",
        value=100 * alarms / YEARS,
        unit="%",
        bound=100 * ALPHA,
        note=f"{YEARS:,} years",
    )


def _until_found(change: _Change, before: int) -> Result:
    random = np.random.default_rng([2, before])
    ours, plain = [], []
    for _ in range(CHANGES):
        good = random.binomial(ITEMS, 1 - change.good, (before, 1))
        bad = random.binomial(ITEMS, 1 - change.bad, (FOLLOWED, 1))
        drawn = [*_lists(good), *_lists(bad)]
        evidence = evidence_over(_readings(drawn, ITEMS, change.at_least), WEEKS)
        ours.append(_delay(evidence.alarmed_at, before))
        plain.append(_delay(_first_plain(drawn, change.at_least), before))
    runs = float(np.median(ours))
    return Result(
        goal=f"{change.at_least:.0%} required, {change.good:.1%} falls to {change.bad:.0%} after "
        f"{before} good weekly runs: median of runs until it is found",
        value=runs,
        unit="runs",
        bound=change.most_runs,
        note=f"{ITEMS} items a run; 90 % within {_words(order_statistic(sorted(ours), 0.9))}; "
        f"an e-process from the first run: median {_words(np.median(plain))}",
    )


def _one_category() -> Result:
    """One of five categories falls from 97.5 % to 85 %, where 95 % is required of each."""
    random, found = np.random.default_rng(3), []
    for _ in range(CHANGES):
        good = random.binomial(ITEMS, 0.025, (26, 5))
        bad = random.binomial(ITEMS, [0.15, *[0.025] * 4], (FOLLOWED, 5))
        readings = _readings([*_lists(good), *_lists(bad)], ITEMS, 0.95)
        found.append(_delay(evidence_over(readings, WEEKS).alarmed_at, 26))
    return Result(
        goal="95 % required, one of five categories falls to 85 % after 26 good weekly runs",
        value=float(np.median(found)),
        unit="runs",
        bound=4,
        note=f"{ITEMS} items of each category; 90 % within "
        f"{_words(order_statistic(sorted(found), 0.9))}",
    )


def _limits() -> Iterable[Result]:
    """What it cannot do: shares of years or changes, without a goal."""
    random = np.random.default_rng(5)
    same = [np.full((WEEKS, 1), random.binomial(ITEMS, 0.05)) for _ in range(CHANGES)]
    yield _share("the same items every week, drawn once from 95 %: years with an alarm", same)
    for mean, spread in ((0.95, 0.01), (0.95, 0.05), (0.975, 0.01), (0.975, 0.05)):
        size = 1 / spread - 1
        rates = random.beta((1 - mean) * size, mean * size, (CHANGES, WEEKS, 1))
        yield _share(
            f"rates that vary by week around {mean:.1%} (intra-class correlation {spread:g}): "
            "years with an alarm",
            [random.binomial(ITEMS, one) for one in rates],
        )
    good = random.binomial(ITEMS, 0.025, (CHANGES, 26, 1))
    for bad in (0.94, 0.93):
        later = random.binomial(ITEMS, 1 - bad, (CHANGES, FOLLOWED, 1))
        found = np.concatenate([good, later], axis=1)
        yield _share(f"97.5 % falls to {bad:.0%}: found within {FOLLOWED} weekly runs", found)
    for bad in (0.8, 0.7):
        one = random.binomial(ITEMS, 1 - bad, (CHANGES, 1, 1))
        found = np.concatenate([good, one], axis=1)
        yield _share(f"97.5 % falls to {bad:.0%} for a single week: found", found)


def _share(goal: str, drawn: Iterable[NDArray[np.int64]]) -> Result:
    alarms = [evidence_over(_readings(_lists(one), ITEMS, 0.95), WEEKS).alarmed for one in drawn]
    return Result(
        goal=f"no goal: 95 % required, {goal}",
        value=100 * float(np.mean(alarms)),
        unit="%",
        bound=100,
        note=f"{ITEMS} items a run",
    )


def _readings(drawn: Drawn, items: int, at_least: float) -> list[RequirementReading]:
    return [
        RequirementReading(
            requirement="URL-01",
            profile="ks2",
            line="proxy",
            metric="block_rate",
            unit="share",
            conformity=Conformity.CONFORMS,
            at_least=at_least,
            parts=tuple(
                PartCount(group=f"{part}", tested=items, missed=float(missed))
                for part, missed in enumerate(run)
            ),
        )
        for run in drawn
    ]


def _first_plain(drawn: Drawn, at_least: float) -> int | None:
    """The first run in which the e-process of METHOD (c), begun with the first, signals."""
    threshold = Threshold(at_least=at_least, provenance="proposed", source="simulated")
    total = Tally()
    for run, (missed,) in enumerate(drawn):
        total = total.plus(Tally(ITEMS, missed))
        if level_of_evidence(total, threshold) <= ALPHA:
            return run
    return None


def _delay(found: int | None, before: int) -> float:
    """Runs from the change to the alarm; an alarm before it is at once, none is infinite."""
    return float("inf") if found is None else max(1, found - before + 1)


def _words(runs: float) -> str:
    return f"{runs:.0f} runs" if runs <= FOLLOWED else f"more than {FOLLOWED} runs"
