"""Decide which alarms to raise: a signal has to be seen at enough sites.

A signal comes from one series at one site. Where a requirement allows no miss, one site is enough:
a miss that was seen is no matter of chance. Whether an alarm is true is decided by a re-test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from harness.errors import first_of
from harness.model.alarm import Alarm, AlarmRule, RaisedAlarm
from harness.model.conformity import Conformity
from harness.model.stream import same_name
from harness.model.surveillance_event import alarm_subject
from harness.model.surveillance_reading import RequirementReading
from harness.monitor.series import Series, SeriesPoint

FROM_ONE_SITE = frozenset({AlarmRule.MISS, AlarmRule.DISCONTINUED})
"""The rules that raise an alarm when one site shows it."""

UNDECIDED_RUNS = 5
"""After so many runs in a row without a decision an alarm is raised."""

EACH_ITEM_COUNTS = frozenset({"census", "functional", "gate"})
"""The decision rules under which a failure is no matter of chance."""

MOST_ITEMS = 20
SHOWN = 5


class Signal(NamedTuple):
    """What one series shows. ``runs`` are the campaigns with the evidence, the newest last."""

    series: Series
    rule: AlarmRule
    statement: str
    runs: tuple[str, ...]
    items: tuple[str, ...] = ()


class SiteRule(NamedTuple):
    """How a service's sites count: the names of all, and how many must show a signal."""

    sites: tuple[str, ...]
    needed: int
    retest_within: timedelta


def plain_signals(series: Series) -> tuple[Signal, ...]:
    """The signals of a series that need no statistic.

    They are misses where none is allowed, failures after which surveillance is discontinued, and
    runs that decide nothing.
    """
    last = series.last.reading
    found: list[Signal] = []
    if last is None or not last.is_binding:
        return ()
    failed = last.conformity is Conformity.DOES_NOT_CONFORM
    if failed and (last.allows_no_miss or last.rule in EACH_ITEM_COUNTS):
        words = f"{_items(last)} in campaign {series.last.run.campaign}, and none may be"
        if not last.missed_items:
            words = f"the requirement was not met in campaign {series.last.run.campaign}"
        found.append(_signal(series, AlarmRule.MISS, words, series.points[-1:]))
    elif failed and series.last.run.then == "discontinued":
        words = "five runs under tightened surveillance did not conform, this one among them"
        found.append(_signal(series, AlarmRule.DISCONTINUED, words, series.points[-1:]))
    undecided = _undecided(series)
    if len(undecided) >= UNDECIDED_RUNS:
        words = f"the last {len(undecided)} runs could decide nothing"
        found.append(_signal(series, AlarmRule.UNDECIDED, words, undecided))
    return tuple(found)


def _undecided(series: Series) -> Sequence[SeriesPoint]:
    """The newest points in a row that could decide nothing; points without a reading are no part.

    A run that was only too small to decide is not among them.
    """
    row: list[SeriesPoint] = []
    for point in reversed(series.points):
        if point.reading is None:
            continue
        if not point.reading.is_open:
            break
        row.insert(0, point)
    return row


def signal_over(series: Series, rule: AlarmRule, statement: str, since: int) -> Signal:
    """A signal that rests on the readings of a series from the one with number ``since`` on."""
    measured = [point for point in series.points if point.reading is not None]
    return _signal(series, rule, statement, measured[since:])


def _signal(
    series: Series, rule: AlarmRule, statement: str, points: Sequence[SeriesPoint]
) -> Signal:
    items = dict.fromkeys(
        item
        for point in reversed(points)
        if point.reading is not None
        for item in point.reading.missed_items
    )
    runs = tuple(point.run.campaign for point in points)
    return Signal(series, rule, statement, runs, tuple(items)[:MOST_ITEMS])


def _items(reading: RequirementReading) -> str:
    number = len(reading.missed_items)
    return f"{number} item was missed" if number == 1 else f"{number} items were missed"


def alarms_due(
    signals: Iterable[Signal],
    held: Mapping[str, Alarm],
    service: str,
    rule: SiteRule,
    now: datetime,
) -> tuple[RaisedAlarm, ...]:
    """The alarms to raise: one for each requirement and profile that enough sites show.

    ``held`` are all alarms of the stream; while one about the same is open, none is raised again.
    Sites that are not monitored any more do not count.
    """
    monitored = {same_name(site) for site in rule.sites}
    grouped: dict[tuple[str, str], list[Signal]] = {}
    for signal in signals:
        key = signal.series.key
        if same_name(key.site) not in monitored:
            continue
        grouped.setdefault((key.requirement, key.profile), []).append(signal)
    number = max((alarm.raised.number for alarm in held.values()), default=0)
    raised: list[RaisedAlarm] = []
    for (requirement, profile), group in grouped.items():
        chosen = _enough(group, rule)
        if not chosen or _is_open(held, service, requirement, profile):
            continue
        number += 1
        raised.append(_alarm(number, service, chosen, rule, now))
    return tuple(raised)


def _enough(group: Sequence[Signal], rule: SiteRule) -> Sequence[Signal]:
    """The signals that are seen at enough sites, by the rule that weighs most; else none."""
    for each in AlarmRule:
        of_rule = [signal for signal in group if signal.rule is each]
        needed = 1 if each in FROM_ONE_SITE else rule.needed
        if of_rule and len(_sites(of_rule)) >= needed:
            return of_rule
    return ()


def _sites(signals: Iterable[Signal]) -> tuple[str, ...]:
    named = {same_name(signal.series.key.site): signal.series.key.site for signal in signals}
    return tuple(sorted(named.values()))


def _is_open(held: Mapping[str, Alarm], service: str, requirement: str, profile: str) -> bool:
    about = same_name(service), requirement, profile
    return any(
        not alarm.is_ended and alarm_subject(alarm.raised) == about for alarm in held.values()
    )


def _alarm(
    number: int, service: str, signals: Sequence[Signal], rule: SiteRule, now: datetime
) -> RaisedAlarm:
    first = signals[0]
    key, sites = first.series.key, _sites(signals)
    reading = first.series.readings[-1]
    said = [f"{signal.series.key.site}: {signal.statement}" for signal in signals[:SHOWN]]
    if len(signals) > SHOWN:
        said.append(f"and {len(signals) - SHOWN} more series")
    runs = dict.fromkeys(run for signal in signals for run in signal.runs)
    items = dict.fromkeys(item for signal in signals for item in signal.items)
    packs = dict.fromkeys(pack for signal in signals for pack in signal.series.last.run.packs)
    return RaisedAlarm(
        number=number,
        service=service,
        scheme=key.scheme,
        requirement=key.requirement,
        profile=key.profile,
        rule=first.rule,
        sites=sites,
        of_sites=len(rule.sites),
        statement="; ".join(said),
        retest_by=now + rule.retest_within,
        severity=reading.severity,
        runs=tuple(runs)[-MOST_ITEMS:],
        items=tuple(items)[:MOST_ITEMS],
        packs=tuple(packs),
        ruled_out=tuple(_ruled_out(signals, rule, sites)),
        metric=reading.metric,
        at_least=reading.at_least,
        at_most=reading.at_most,
        parts=_parts(signals),
    )


INSTRUMENT = "our software, the scheme or the items"
CONTROL = "our line or the control"
ONE_SITE = "one site"
"""What an alarm may turn out to be, and runs may rule out: how such a sentence begins."""


def _ruled_out(signals: Sequence[Signal], rule: SiteRule, sites: Sequence[str]) -> list[str]:
    """What the runs themselves show that an alarm is not."""
    since = min(_begun(signal) for signal in signals)
    found = [f"{INSTRUMENT}: none of them changed since {since:%Y-%m-%d}"]
    # a run with a failed precondition is one that could decide nothing
    if all(signal.rule is not AlarmRule.UNDECIDED for signal in signals):
        found.append(f"{CONTROL}: runs with a failed precondition do not count")
    if len(sites) > 1:
        found.append(
            f"{ONE_SITE}: {len(sites)} of {len(rule.sites)} show it ({first_of(sites, SHOWN)})"
        )
    return found


def _begun(signal: Signal) -> datetime:
    first = signal.series.points[0].run
    return first.begun or first.due


def _parts(signals: Sequence[Signal]) -> tuple[str, ...]:
    """The names of the parts that the newest readings measured."""
    named = (
        part.group for signal in signals for part in signal.series.readings[-1].parts if part.group
    )
    return tuple(dict.fromkeys(named))
