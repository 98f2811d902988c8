"""The evidence, over many runs, that a rate is not reached any more, though it long was.

An e-process that began with the first run sinks with every good item, so after good years it would
not notice a bad one in time. This one is mixed over the run from which the rate may be too low.
For each bet R_t = (R_(t-1) + 1) e_t, where e_t is the product of 1 + bet (x - U) / U over the items
of run t: x = 1 for a missed item, else 0, and U the largest share of misses that is allowed.
The evidence E_t is the mean of R_t over bets, and over parts, divided by the horizon N: the number
of runs due in twelve months (Shiryaev-Roberts e-detector: Shin, Ramdas & Rinaldo, New England
Journal of Statistics in Data Science 2 (2024) 229-260).

**Level.** Each e_t has expectation at most 1 given the runs before, while the rate is reached, so
R_t - t is a supermartingale and, by optional stopping, E[R at the first alarm] is at most the
number of runs n. Hence P(E ever reaches 1 / alpha within n runs) <= alpha n / N: at most alpha in a
year. This holds for the mean over bets and parts, too, also when a part is tested for the first
time in a later run: that run lowers the weight of the others. Runs must draw fresh random samples,
and what is drawn must not depend on what is found.

**Without replacement.** The product over the items of a run is (1 + bet (1 - U) / U)^X (1 - bet)^(n
- X), a convex function of the number X of misses. A sample drawn without replacement has for every
convex function an expectation at most that of one with replacement (Hoeffding, J. American
Statistical Association 58 (1963), theorem 4), and the latter is at most 1. A domain with several
items counts with the share x of those that were missed: by the inequality of weighted means its
factor is at most 1 + x bet (1 - U) / U - (1 - x) bet, which is linear in x.

**One bad run** of a service that is good on average is no reason to re-test it. So the e-value of a
run counts up to (N / alpha)^(1 / ``fewest_runs``) for each bet, and in full only if half of the
items of a part were missed. A smaller e-value has no larger expectation: the level still holds
(proposed by this project; dd-068 has the figures).

**Several series.** ``level_of`` divides one level among all series of a service (Bonferroni), so
that the number of requirements, lines and sites does not raise the number of false alarms.

**Runs without items** (a failed precondition, or a part that was not sampled) change nothing: R is
neither multiplied nor increased, because nothing could have been found in them. So a service gains
nothing by runs that are void, and loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.estimate.e_process import log_mean, logs_by_bet
from harness.estimate.soak_evidence import Tally, tallies_by_part
from harness.model.metric import Metric
from harness.model.outcome import Outcome
from harness.model.smallest_sample import BETS
from harness.model.surveillance_reading import MOST_MISSED, PartCount, RequirementReading

FALSE_ALARMS = 0.05
"""False alarms of a service in a year, at most, while every rate is reached in every run."""

FEWEST_RUNS = 3
"""How many runs an alarm of a service rests on at least, unless half of the items were missed."""

HALF = 0.5
"""A run in which so large a share of the items of a part was missed counts in full."""

LARGEST_EXPONENT = 700.0
"""Above it ``math.exp`` is near to overflowing."""


class PartEvidence(NamedTuple):
    """The log of the evidence of one part alone, before parts are averaged."""

    group: str
    log_e: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the runs show against the claim that a rate is reached in every part.

    ``log_e`` is that after the last run, -infinity before any item. ``alarmed_at`` is the index of
    the first run in which the evidence reached 1 / alpha; an alarm stays, whatever comes later.
    ``since`` is the index of the run from which a worse rate explains the evidence best: that at
    its highest if there was an alarm, else that of now. ``total`` counts all runs, ``recent`` those
    from ``since``. ``per_part`` are in the order in which parts were first tested.
    """

    log_e: float
    highest_log_e: float
    alarmed_at: int | None
    since: int | None
    total: Tally
    recent: Tally
    per_part: tuple[PartEvidence, ...]

    @property
    def alarmed(self) -> bool:
        """Whether the evidence ever reached 1 / alpha."""
        return self.alarmed_at is not None

    @property
    def e_value(self) -> float:
        """The evidence after the last run; infinite where it is too large for a number."""
        return math.inf if self.log_e > LARGEST_EXPONENT else math.exp(self.log_e)

    @property
    def tested(self) -> int:
        """How many independent items were tested in all runs."""
        return self.total.tested

    @property
    def missed(self) -> float:
        """How many of them were missed."""
        return self.total.missed


@dataclass(slots=True)
class _Part:
    """The runs of one part: their indices, and for each bet the sum of logs up to each of them."""

    runs: list[int] = field(default_factory=list)
    sums: list[list[float]] = field(default_factory=lambda: [[0.0] for _ in BETS])
    mixed: list[float] = field(default_factory=lambda: [-math.inf] * len(BETS))

    def add(self, run: int, logs: Sequence[float]) -> None:
        """Count the e-values of a run, one for each bet."""
        self.runs.append(run)
        self.mixed = [_log_plus_one(old) + log for old, log in zip(self.mixed, logs, strict=True)]
        for sums, log in zip(self.sums, logs, strict=True):
            sums.append(sums[-1] + log)

    def evidence_from_each(self, last: int) -> dict[int, float]:
        """The log of the evidence of the runs s to ``last``, by s."""
        end = sum(run <= last for run in self.runs)
        return {
            run: log_mean([sums[end] - sums[place] for sums in self.sums])
            for place, run in enumerate(self.runs[:end])
        }


def level_of(series: int, sites: int = 1) -> float:
    """Return the level of each of ``series`` series, of which ``sites`` sites must alarm.

    If each alarms with probability a in a year, at least ``sites`` of a requirement's do so with
    probability at most a / ``sites`` times their number (Markov's inequality), whatever they share.
    """
    return FALSE_ALARMS / max(1.0, series / sites)


def evidence_over(
    readings: Sequence[RequirementReading],
    horizon: int,
    *,
    alpha: float = FALSE_ALARMS,
    fewest_runs: int = 1,
) -> Evidence:
    """Add up the readings of one requirement, profile and line, one of each run in order.

    ``horizon`` is the number of runs due in twelve months, ``fewest_runs`` that on which an alarm
    rests at least, unless half of the items were missed. Each run is compared with its own
    threshold. A threshold that allows no miss is seen without a statistic and adds nothing.
    Raises ``ValueError`` for a horizon below 1 or an alpha that is not between 0 and 1.
    """
    if horizon < 1 or not 0 < alpha < 1:
        msg = f"a horizon of {horizon} runs and a level of {alpha} give no evidence"
        raise ValueError(msg)
    most = most_of_a_run(horizon, alpha, fewest_runs)
    parts: dict[str, _Part] = {}
    course: list[float] = []
    for run, reading in enumerate(readings):
        for group, logs in _logs_of(reading, most).items():
            parts.setdefault(group, _Part()).add(run, logs)
        course.append(_together([log_mean(part.mixed) for part in parts.values()], horizon))
    highest = max(course, default=-math.inf)
    alarmed_at = next((run for run, log in enumerate(course) if log >= -math.log(alpha)), None)
    last = len(course) - 1 if alarmed_at is None else course.index(highest)
    since = _since(parts, last)
    return Evidence(
        log_e=course[-1] if course else -math.inf,
        highest_log_e=highest,
        alarmed_at=alarmed_at,
        since=since,
        total=_tally(readings),
        recent=_tally(readings[since:]) if since is not None else Tally(),
        per_part=tuple(
            PartEvidence(group, log_mean(part.mixed) - math.log(horizon))
            for group, part in parts.items()
        ),
    )


def reading_of(outcome: Outcome, *, is_void: bool = False) -> RequirementReading:
    """Return what a run showed of a requirement; nothing was counted if a precondition voids it."""
    requirement, threshold = outcome.requirement, outcome.requirement.threshold
    missed = outcome.metric.witnesses or tuple(witness.item for witness in outcome.witnesses)
    tallies = {} if is_void else tallies_by_part(outcome)
    return RequirementReading(
        requirement=requirement.id,
        profile=outcome.profile,
        line=outcome.line,
        metric=outcome.metric.name,
        unit=outcome.metric.unit,
        conformity=outcome.conformity,
        severity=requirement.severity,
        rule=requirement.rule,
        value=None if is_void else outcome.metric.value,
        at_least=threshold.at_least if threshold else None,
        at_most=threshold.at_most if threshold else None,
        parts=tuple(
            PartCount(group=name, tested=tally.tested, missed=tally.missed)
            for name, tally in tallies.items()
            if tally.tested
        ),
        undecided=0 if is_void else _undecided(outcome.metric),
        missed_items=() if is_void else tuple(dict.fromkeys(missed))[:MOST_MISSED],
        is_binding=requirement.binding,
    )


def _undecided(metric: Metric) -> int:
    """How many items of a metric, or of all its parts, were not decided."""
    parts = [part.metric for part in metric.parts] or [metric]
    return sum(part.indeterminate for part in parts)


def most_of_a_run(horizon: int, alpha: float, fewest_runs: int) -> float:
    """Return the largest log of an e-value that a run counts with; infinite for a single run."""
    return math.log(horizon / alpha) / fewest_runs if fewest_runs > 1 else math.inf


def _logs_of(reading: RequirementReading, limit: float) -> dict[str, list[float]]:
    """Return, for each part that was tested, the log of its e-value for each bet."""
    most = reading.most_missed
    if not reading.is_rate or most is None:
        return {}
    found = {}
    for group, tally in _by_group(reading).items():
        if tally.tested:
            logs = logs_by_bet(tally.missed, tally.tested - tally.missed, (1 - most) / most)
            is_full = tally.missed >= HALF * tally.tested
            found[group] = logs if is_full else [min(log, limit) for log in logs]
    return found


def _by_group(reading: RequirementReading) -> dict[str, Tally]:
    """Count the items of each part; parts of the same name together."""
    tallies: dict[str, Tally] = {}
    for part in reading.parts:
        before = tallies.get(part.group, Tally())
        tallies[part.group] = before.plus(Tally(part.tested, part.missed))
    return tallies


def _tally(readings: Sequence[RequirementReading]) -> Tally:
    """Count the items of all rates together."""
    total = Tally()
    for reading in readings:
        for tally in _by_group(reading).values() if reading.is_rate else ():
            total = total.plus(tally)
    return total


def _together(logs: Sequence[float], horizon: int) -> float:
    return log_mean(logs) - math.log(horizon) if logs else -math.inf


def _since(parts: dict[str, _Part], last: int) -> int | None:
    """Return the run from which the evidence up to the run ``last`` is largest.

    Parts are weighted alike, so their sum stands for their mean.
    """
    by_start: dict[int, list[float]] = {}
    for part in parts.values():
        for start, log in part.evidence_from_each(last).items():
            by_start.setdefault(start, []).append(log)
    # the sum over parts: not all parts are tested in each run
    sums = {start: log_mean(logs) + math.log(len(logs)) for start, logs in by_start.items()}
    return max(sums, key=lambda start: sums[start], default=None)


def _log_plus_one(log: float) -> float:
    """Return log(exp(log) + 1); nothing overflows."""
    return log + math.log1p(math.exp(-log)) if log > 0 else math.log1p(math.exp(log))
