"""Waits: the time from an event until the service follows it (METHOD, rule TTE).

A wait ends with the first poll from which on every decided poll shows what the event asks for; at
least two polls must show it. An event counts only if an earlier poll, before it happened, showed
the opposite: a service that blocks everything has followed nothing. The wait is known to lie
between two polls; the later one counts for conformity, the earlier one for non-conformity. The
bounds of a quantile allow for events that are followed together (``quantile_bounds``).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from harness.estimate.durations import TimedEvent, time_to_effect
from harness.estimate.each_group import Group, worst_of_groups
from harness.estimate.item_selection import Selection
from harness.estimate.log_safekeeping import changes_on_record
from harness.estimate.log_selection import part
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.model.metric import Metric, Part, Source
from harness.model.smallest_sample import MEDIAN
from harness.model.timed_event import SHOWS_CONTENT, Asks, EventKind, Poll

DAY = 86_400.0
WORKING_DAYS = 5
"""Monday to Friday: the first days of a week (ISO 8601)."""

SHOWN_TWICE = 2
"""How many polls must show the effect of an event."""

EFFECT = {"block": "blocked", "allow": "allowed"}

NOT_RECORDED = "not recorded as having happened"
NOT_SEEN_BEFORE = "not seen to be the other way before"
NOT_POLLED = "without a decided poll since"

GROUPS: dict[EventKind, dict[Asks, str]] = {
    "content": {"block": "pages that became harmful", "allow": "pages that became harmless"},
    "list": {"block": "entries added to the list", "allow": "entries removed from the list"},
    "rule": {"block": "sites that the school blocked", "allow": "sites that the school allowed"},
    "appeal": {"allow": "appeals against a block"},
    "override": {"block": "overrides that ended"},
    "canary": {"block": "sites that became harmful"},
    "report": {"block": "sites reported as open", "allow": "sites reported as blocked"},
}
"""The groups of events of each kind, each of which must be followed, by what they ask for."""


def reevaluation_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time until changed content changes what the service does."""
    return _delay(selection, "content")


def list_update_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time until a change of a list takes effect."""
    return _delay(selection, "list")


def policy_change_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time until a rule of the school takes effect."""
    return _delay(selection, "rule")


def appeal_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time until an appeal opens what was blocked."""
    return _delay(selection, "appeal")


def recategorisation_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the working time from a report until its effect (UPD-02)."""
    return _delay(selection, "report", working_seconds)


GRACE = 60.0
"""Seconds after its end within which an override must be over (proposed by this project)."""

ON_RECORD = "overrides in the service's own log"
"""The part of POL-10 that a record of administration shows (``accredit log import``)."""


def overrides_alive(selection: Selection) -> MeasuredMetric:
    """Count the overrides that still opened a page ``GRACE`` seconds after their end (POL-10).

    Those that are not on record with who and why count as well. An override counts only if a poll
    before its end showed the page open. One that was seen blocked too late to tell is undecided.
    """
    waits, unused = _waits_of(own_polls(selection, "override", "block"))
    named = sorted(event for event, each in waits.items() if each.at_least > GRACE)
    over = sum(each.at_most is not None and each.at_most <= GRACE for each in waits.values())
    alive = len(named)
    n, undecided = alive + over, len(waits) - alive - over
    metric = Metric(
        name="overrides_alive",
        unit="items",
        value=float(alive) if n else None,
        k=alive,
        n=n,
        indeterminate=undecided,
        lower=float(alive) if n else None,
        upper=float(alive + undecided) if n else None,
        method=f"census of overrides; open more than {GRACE:g} s after the end: "
        f"{', '.join(named) or 'none'}",
        alpha=selection.alpha,
        left_out=dict(unused),
    )
    recorded = changes_on_record(selection, ("override",))
    unrecorded = [one for one in recorded if one.lacking]
    log = part(selection, ON_RECORD, len(unrecorded), len(recorded), 0)
    parts = (Part(group=GROUPS["override"]["block"], source=Source(), metric=metric), log)
    k = alive + len(unrecorded)
    both = replace(metric, k=k, value=float(k) if n else None, parts=parts)
    if unrecorded:
        words = ", ".join(f"{one.event} ({one.lacking})" for one in unrecorded)
        both = replace(both, lower=float(k), upper=float(k + undecided))
        both = replace(both, method=f"{metric.method}; not on record: {words}")
    return MeasuredMetric(metric=both)


class Wait(NamedTuple):
    """A wait in seconds: at least, and at most; ``None`` if the event was not yet followed."""

    at_least: float
    at_most: float | None = None


Elapsed = Callable[[datetime, datetime], float]
"""Seconds from one time until a later one, as they are counted."""


def elapsed_seconds(begin: datetime, end: datetime) -> float:
    """Return the seconds between two times."""
    return (end - begin).total_seconds()


def waits_by_event(
    polls: Iterable[Poll], elapsed: Elapsed = elapsed_seconds
) -> dict[str, Wait | str]:
    """Return the wait of each event, or why the event does not count.

    The polls are of one line and profile. With several probes the longest wait of an event stands.
    """
    by_event: defaultdict[str, defaultdict[str, list[Poll]]]
    by_event = defaultdict(lambda: defaultdict(list))
    for poll in polls:
        by_event[poll.event][poll.probe].append(poll)
    return {
        event: _longest(
            [
                _wait(sorted(each, key=lambda one: one.started), elapsed)
                for each in by_probe.values()
            ]
        )
        for event, by_probe in by_event.items()
    }


def _longest(found: Sequence[Wait | str]) -> Wait | str:
    """The longest of the waits of several probes; if one does not count, none does."""
    reasons = [each for each in found if isinstance(each, str)]
    if reasons:
        return reasons[0]
    waits = [each for each in found if isinstance(each, Wait)]
    ends = [each.at_most for each in waits if each.at_most is not None]
    longest = max(ends) if len(ends) == len(waits) else None
    return Wait(max(each.at_least for each in waits), longest)


def _wait(polls: Sequence[Poll], elapsed: Elapsed) -> Wait | str:
    """Return the wait of one event with one probe, or why it does not count."""
    note = polls[-1].note
    happened, effect = note.at, EFFECT[note.asks]
    decided = [poll for poll in polls if poll.state != "undecided"]
    if happened is None:
        return NOT_RECORDED
    before = [poll for poll in decided if poll.started < happened]
    after = [poll for poll in decided if poll.started >= happened]
    if not before or before[-1].state == effect:
        return NOT_SEEN_BEFORE
    if not after:
        return NOT_POLLED
    lasting = len(after)
    while lasting and after[lasting - 1].state == effect:
        lasting -= 1
    seconds = [elapsed(happened, poll.started) for poll in after]
    at_least = seconds[lasting - 1] if lasting else 0.0
    is_followed = len(after) - lasting >= SHOWN_TWICE
    return Wait(at_least, seconds[lasting] if is_followed else None)


def _delay(
    selection: Selection, kind: EventKind, elapsed: Elapsed = elapsed_seconds
) -> MeasuredMetric:
    """Compute the quantile for each group of events; the worst by its own limit stands."""
    quantile = selection.measure.quantile or MEDIAN
    source = Source("content", is_hidden=True) if kind == "content" else Source()

    def group(asks: Asks, words: str) -> Group:
        polls = own_polls(selection, kind, asks)
        limit = selection.measure.within.get(asks) or selection.at_most
        return Group(
            label=words,
            source=source,
            limit=limit,
            measure=lambda at: delay_of(at, polls, quantile, limit, elapsed),
        )

    groups = [group(asks, words) for asks, words in GROUPS[kind].items()]
    return MeasuredMetric(metric=worst_of_groups(selection, groups))


def own_polls(selection: Selection, kind: EventKind, asks: Asks) -> list[Poll]:
    """Return the polls of one group of events; changes of pages where the policy blocks them."""
    return [
        poll
        for poll in selection.polls
        if (poll.note.kind, poll.note.asks) == (kind, asks)
        and (kind not in SHOWS_CONTENT or selection.expects(poll.category) == "block")
    ]


def _waits_of(
    polls: Iterable[Poll], elapsed: Elapsed = elapsed_seconds
) -> tuple[dict[str, Wait], Counter[str]]:
    """The waits of the events that count, by their ids, and how many do not, by the reason."""
    found = waits_by_event(polls, elapsed)
    waits = {event: each for event, each in found.items() if isinstance(each, Wait)}
    return waits, Counter(each for each in found.values() if isinstance(each, str))


def delay_of(
    selection: Selection,
    polls: Collection[Poll],
    quantile: float,
    limit: float | None,
    elapsed: Elapsed = elapsed_seconds,
) -> Metric:
    """Return a quantile of the waits that polls show, with its bounds; ``limit`` is in seconds.

    A wait that has not ended is censored: it is longer than until the last poll. The p-value is
    that of "the quantile is within ``limit`` seconds", each wait as short as it may have been.
    """
    by_event, unused = _waits_of(polls, elapsed)
    waits = list(by_event.values())
    timed = [
        TimedEvent(seconds=each.at_least, ended=False)
        if each.at_most is None
        else TimedEvent(seconds=each.at_most)
        for each in waits
    ]
    found = time_to_effect(timed, quantile, selection.alpha)
    sample = TimedSample(
        times=[math.inf if each.at_most is None else each.at_most for each in waits],
        least=[each.at_least for each in waits],
        quantile=quantile,
        alpha=selection.alpha,
        mark=limit,
    )
    metric = sample.in_seconds(selection.measure.metric, "waits (Kaplan-Meier)")
    return replace(metric, value=found.value, left_out=dict(unused))


def working_seconds(begin: datetime, end: datetime) -> float:
    """Return the seconds from ``begin`` until ``end`` that are not on a weekend.

    Both are aware, and in UTC. A day has 24 hours, so five working days are 432,000 seconds.
    Public holidays are not known here; they count as working days. 0 if ``end`` is not later.
    """
    if end <= begin:
        return 0.0
    return _since_monday(end, begin) - _since_monday(begin, begin)


def _since_monday(moment: datetime, first: datetime) -> float:
    """Return the working seconds from the Monday of the week of ``first`` until a moment."""
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = day - timedelta(days=day.weekday())
    weeks, left = divmod((moment - monday).total_seconds(), 7 * DAY)
    return weeks * WORKING_DAYS * DAY + min(left, WORKING_DAYS * DAY)
