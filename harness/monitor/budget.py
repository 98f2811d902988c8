"""Whether the budgets of a monitoring file allow one more run, and from when on if not.

A run counts on the day and in the month on which it was started, in the file's time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from harness.model.stream import same_name
from harness.monitor.monitoring_file import Budget, MonitoringFile, ServiceMonitoring


class SpentRun(NamedTuple):
    """A run that was started: of which service, when, and how many attempts it made.

    Of a run that goes on, ``attempts`` is the estimate.
    """

    service: str
    started: datetime
    attempts: int


class Refusal(NamedTuple):
    """Why a run may not start. ``again_at`` (UTC) is None if it never may, as it is too large."""

    words: str
    again_at: datetime | None


def refusal_of(
    declared: MonitoringFile,
    service: ServiceMonitoring,
    spent: Iterable[SpentRun],
    estimate: int,
    now: datetime,
) -> Refusal | None:
    """Return why a run of about ``estimate`` attempts may not start now; None if it may.

    ``spent`` holds all runs of this month, of all services of the file. If several limits forbid
    the run, the one that does so for the longest is told.
    """
    runs = tuple(spent)
    own = tuple(run for run in runs if same_name(run.service) == same_name(service.service))
    refusals = [
        *_refusals(declared.monitoring, declared.budget, runs, estimate, declared.zone, now),
        *_refusals(service.service, service.budget, own, estimate, declared.zone, now),
    ]
    never = datetime.max.replace(tzinfo=UTC)
    return max(refusals, key=lambda refusal: refusal.again_at or never, default=None)


def _refusals(
    name: str,
    budget: Budget,
    runs: Sequence[SpentRun],
    estimate: int,
    zone: ZoneInfo,
    now: datetime,
) -> Iterable[Refusal]:
    """Yield what a budget has against a run."""
    today = now.astimezone(zone).date()
    days = [(run.started.astimezone(zone).date(), run.attempts) for run in runs]
    used_today = sum(attempts for day, attempts in days if day == today)
    used_this_month = sum(attempts for day, attempts in days if _month(day) == _month(today))
    tomorrow = _midnight(today + timedelta(days=1), zone)
    next_month = _midnight((_month(today) + timedelta(days=32)).replace(day=1), zone)
    limit = budget.runs_per_day
    if limit is not None and sum(1 for day, _ in days if day == today) >= limit:
        words = f"budget of {name}: {limit:,} runs a day are used; the next may start on "
        yield Refusal(words + _shown(tomorrow, zone), tomorrow)
    for limit, used, period, again in (
        (budget.attempts_per_day, used_today, "day", tomorrow),
        (budget.attempts_per_month, used_this_month, "month", next_month),
    ):
        if limit is None or used + estimate <= limit:
            continue
        if estimate > limit:
            words = (
                f"budget of {name}: the run needs about {estimate:,} attempts, and only "
                f"{limit:,} a {period} are allowed; raise the budget, or take smaller samples"
            )
            yield Refusal(words, None)
        else:
            words = (
                f"budget of {name}: {used:,} of {limit:,} attempts a {period} are used, and the "
                f"run needs about {estimate:,}; it may start on {_shown(again, zone)}"
            )
            yield Refusal(words, again)


def _month(day: date) -> date:
    return day.replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _shown(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
