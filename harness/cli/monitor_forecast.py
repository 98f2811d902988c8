"""What the alarms of a monitoring file find, how soon, and how often they are false."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter, ValidationError

from harness.campaign.assemble import Prepared
from harness.cli.item_supply import count_by_group
from harness.cli.line_supply import line_profiles
from harness.cli.undecidable import is_asked_of
from harness.errors import UsageError, first_of
from harness.model.alarm import FIRST_TRIES
from harness.model.declared import Duration
from harness.model.metric_spec import spec_of
from harness.model.scheme import Scheme
from harness.monitor.monitoring_file import ServiceMonitoring

if TYPE_CHECKING:
    from harness.estimate.alarm_times import WatchedRow

DAYS = 365
MOST_RUNS = 400
"""A fall that no alarm finds within so many runs is said not to be found."""

SHOWN = 4


class Measured(NamedTuple):
    """A rate that a schedule measures at a site: the items a run of each of ``parts``."""

    site: str
    schedule: str
    requirement: str
    profile: str
    line: str
    most_missed: float
    items: int
    parts: int
    runs: int


class _Pattern(NamedTuple):
    """A row as schedules of the same name measure it at several sites."""

    schedule: str
    row: WatchedRow


def duration_of(text: str) -> timedelta:
    """Read a duration such as ``28d``. Raises UsageError."""
    try:
        return TypeAdapter(Duration).validate_python(text)
    except ValidationError as error:
        msg = f"--within {text!r}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        raise UsageError(msg) from None


def measured_rows(
    prepared: Prepared, scheme: Scheme, site: str, schedule: str, runs: int
) -> Iterator[Measured]:
    """The binding rates of items that a campaign measures, of which some may be missed."""
    for requirement in scheme.requirements:
        threshold, measure = requirement.threshold, requirement.measure
        spec = spec_of(measure.metric)
        if threshold is None or not (requirement.binding and spec.is_rate and spec.counts_items):
            continue
        most = threshold.at_most if threshold.at_least is None else 1 - threshold.at_least
        for each in line_profiles(prepared):
            if most is None or not 0 < most < 1 or not is_asked_of(requirement, scheme, each):
                continue
            supply = each.supply_for(requirement)
            groups = count_by_group(measure, scheme.policy, each.phase, supply).values()
            counts = [group.domains for group in groups if group.domains]
            if counts:
                names = site, schedule, requirement.id, each.profile, each.line
                yield Measured(*names, most, min(counts), len(counts), runs)


def forecast_lines(
    service: ServiceMonitoring, measured: Sequence[Measured], soon: timedelta
) -> Iterator[str]:
    """Say what the alarms of a service find, how soon, and how often they are false."""
    from harness.estimate.alarm_times import false_alarms  # noqa: PLC0415 - keep the start light
    from harness.estimate.surveillance_evidence import FALSE_ALARMS  # noqa: PLC0415 - the same

    if not measured:
        return
    patterns = _patterns(service, measured)
    steady = false_alarms([each.row for rows in patterns.values() for each in rows])
    yield f"{service.service}: false alarms of {len(measured)} series by e-process"
    yield f"  while each required rate is just reached: at most one in {1 / FALSE_ALARMS:.0f} years"
    yield (
        "  while a fifth of what is allowed is missed, with misses that come together in a run: at "
        f"most one in {1 / steady.most:.0f} years ({steady.alarmed} in {steady.years} simulated)"
    )
    yield "  falls found in nine of ten cases:"
    by_pattern: dict[_Pattern, list[str]] = defaultdict(list)
    for requirement, each in patterns.items():
        for pattern in each:
            by_pattern[pattern].append(requirement)
    for pattern, requirements in by_pattern.items():
        yield f"  {_of_pattern(pattern, dict.fromkeys(requirements), soon)}"


def _patterns(
    service: ServiceMonitoring, measured: Sequence[Measured]
) -> Mapping[str, list[_Pattern]]:
    """How each requirement and profile is measured, by each schedule, with its level."""
    from harness.estimate.alarm_times import WatchedRow  # noqa: PLC0415 - keep the start light
    from harness.estimate.surveillance_evidence import level_of  # noqa: PLC0415 - keep the start light

    alpha = level_of(len(measured), service.alarm_sites)
    grouped: dict[tuple[str, str, str], list[Measured]] = defaultdict(list)
    for each in measured:
        grouped[each.requirement, each.profile, each.schedule].append(each)
    found: dict[str, list[_Pattern]] = defaultdict(list)
    for (requirement, profile, schedule), rows in grouped.items():
        sites = len({each.site for each in rows})
        row = WatchedRow(
            most_missed=rows[0].most_missed,
            items=min(each.items for each in rows),
            runs=min(each.runs for each in rows),
            parts=max(each.parts for each in rows),
            sites=sites,
            needed=min(service.alarm_sites, sites),
            alpha=alpha,
        )
        found[f"{requirement}[{profile}]"].append(_Pattern(schedule, row))
    return found


def _of_pattern(pattern: _Pattern, requirements: Iterable[str], soon: timedelta) -> str:
    """A schedule's requirements of one size: when a fall is found, and the sizes to propose."""
    from harness.estimate.alarm_times import (  # noqa: PLC0415 - keep the start light
        CORRELATION,
        fallen_to,
        items_to_find,
        retest_sizes,
        runs_to_find,
    )

    row, days = pattern.row, DAYS / pattern.row.runs
    names, each = first_of(list(requirements), SHOWN), " of each part" if row.parts > 1 else ""
    told = _within(runs_to_find(row, MOST_RUNS), days)
    together = _within(runs_to_find(row, MOST_RUNS, CORRELATION), days)
    wanted = int(soon / timedelta(days=1) / days)
    size = items_to_find(row, wanted) if wanted else None
    advice = f"no sample finds it in {soon.days} days: measure more often"
    if size is not None:
        advice = f"in {soon.days} days with {size} items a run{each}"
    line = (
        f"{pattern.schedule}, {names}: {row.items} items a run{each}; {_right(row.most_missed)} "
        f"required, a fall to {_right(fallen_to(row.most_missed))}: {told} ({together} where "
        f"misses come together); {advice}"
    )
    if sizes := retest_sizes(row.most_missed, FIRST_TRIES + 1):
        line += f"; re-test an alarm with {sizes.first} items{each} at each site"
    return line


def _within(runs: float, days: float) -> str:
    """A number of runs in words, with the days that they take."""
    if not math.isfinite(runs):
        return f"more than {MOST_RUNS} runs"
    return f"{runs:.0f} runs, {math.ceil(runs * days)} days"


def _right(missed: float) -> str:
    """The share of right results in words, by the share of misses."""
    return f"{100 * (1 - missed):.4g} %"
