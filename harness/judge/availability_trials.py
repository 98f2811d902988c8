"""Judge availability checks: whether a service was up at a moment, and whether it filtered.

A check needs no sentinels: its ordinary page and its page that must be blocked are what they are
elsewhere. Up is only what was seen: an ordinary page came. Down needs a control that got the same
page at the same time. A filter is off if no page of the check that must be blocked was blocked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec

from harness.judge.pairing import pair
from harness.model.availability import (
    ROUND,
    TRIES,
    AvailabilityCheck,
    AvailabilityChecks,
    CheckState,
    HarmfulPage,
    PageKind,
    checked_page,
)
from harness.model.corpus import Item
from harness.model.facts import DnsFacts, WebFacts
from harness.model.observation import LOCAL_TROUBLE, Heartbeats, Observation
from harness.model.verdict import DELIVERED, Mechanism, State, Trial, Verdict, is_answer, is_busy

Judged = Callable[[Trial], Verdict]
Result = Literal["blocked", "open", "no_answer", "undecided"]

UNFILTERED = "a page that must be blocked came"
NO_CONTROL = "the control line did not work either"
FILTER_UNKNOWN = "it could not be told whether the filter worked"


class Place(NamedTuple):
    """A check on one line for one profile."""

    run: int
    number: int
    line: str
    profile: str


class AvailabilityTrials:
    """The checks of a journal, which may be many: each is judged when it is read.

    A check that shows a filtered service by what is known beforehand is kept as its result alone.
    The others are judged again with the fingerprints that were learned from sentinels.
    """

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._done: list[AvailabilityCheck] = []
        self._left: list[list[Trial]] = []
        self.checks = AvailabilityChecks()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; judge those of checks, one batch at a time."""
        by_batch = groupby(observations, lambda one: (one.role == "availability", one.batch))
        for (is_check, _), batch in by_batch:
            if is_check:
                self._add(batch)
            else:
                yield from batch

    def judge(self, judged: Judged) -> None:
        """Judge the checks that are left."""
        checks = [*self._done, *(_check(trials, judged) for trials in self._left)]
        self.checks = AvailabilityChecks.of_checks(checks)
        self._done.clear()
        self._left.clear()

    def _add(self, batch: Iterable[Observation]) -> None:
        places: defaultdict[Place, list[Trial]] = defaultdict(list)
        for trial in pair(msgspec.structs.replace(one, role="item") for one in batch).trials:
            page = checked_page(trial.service.item)
            if page is not None:
                key = trial.key
                place = Place(key.round - ROUND, page.number, key.line, key.profile)
                places[place].append(trial)
        for trials in places.values():
            check = _check(trials, self._judged)
            if check.state == "filtered":
                self._done.append(check)
            else:
                self._left.append(trials)


def _check(trials: Sequence[Trial], judged: Judged) -> AvailabilityCheck:
    """The check that consists of some trials of one line and profile, at least one."""
    by_kind: defaultdict[PageKind, list[tuple[Trial, Result, str]]] = defaultdict(list)
    number = 0
    first = min(trials, key=lambda one: one.service.started).service
    is_moment = first.event is not None and first.event.kind == "moment"
    result_of = _result_in_moment if is_moment else _result
    for trial in _beside_life(trials) if is_moment else trials:
        page = checked_page(trial.service.item)
        assert page is not None
        number = page.number
        by_kind[page.kind].append((trial, *result_of(trial, judged(trial), page.kind)))
    needed = TRIES if first.event is None else 1
    state, why = _state(by_kind["ordinary"], by_kind["harmful"], needed)
    return AvailabilityCheck(
        run=first.key.round - ROUND,
        number=number,
        line=first.key.line,
        profile=first.key.profile,
        started=first.started,
        ended=max(map(_end, trials)),
        state=state,
        why=why,
        ordinary=_ordinary([result for _, result, _ in by_kind["ordinary"]]),
        harmful=tuple(
            HarmfulPage(trial.service.item.host, result) for trial, result, _ in by_kind["harmful"]
        ),
        note=first.event,
    )


def _state(
    ordinary: Sequence[tuple[Trial, Result, str]],
    harmful: Sequence[tuple[Trial, Result, str]],
    needed: int,
) -> tuple[CheckState, str]:
    """What a check shows, and why it is not *filtered*; ``needed`` open pages show no filter."""
    found = [result for _, result, _ in harmful]
    if len(found) >= needed and set(found) == {"open"}:
        return "unfiltered", UNFILTERED
    came = [result for _, result, _ in ordinary]
    if "open" in came:
        return ("filtered", "") if "blocked" in found else ("unknown", FILTER_UNKNOWN)
    if came and "undecided" not in came:
        return "down", next(why for _, _, why in ordinary)
    return "unknown", NO_CONTROL


def _result(trial: Trial, verdict: Verdict, kind: PageKind) -> tuple[Result, str]:
    """What became of a page, and why it did not come.

    Without a failure, another page came in its place. That is no answer where an ordinary page is
    expected; in the place of a harmful one it may be a block that was not recognised.
    """
    if verdict.state in DELIVERED:
        is_shown = kind == "harmful" or verdict.mechanism is Mechanism.NONE
        return ("open", "") if is_shown else (_unshown(verdict), "another page is shown")
    service, control = trial.service, trial.control
    failure = service.failure
    is_ours = failure is not None and (failure.is_instrument or failure.name in LOCAL_TROUBLE)
    if control is None or not is_answer(control) or is_ours:
        return "undecided", ""
    failed = f"{failure.name} at {failure.stage}" if failure is not None else ""
    if verdict.state is State.BLOCKED:
        return "blocked", failed or "an ordinary page is blocked"
    if failed and not is_answer(service):
        return "no_answer", failed
    if not is_answer(service) and (kind == "ordinary" or is_busy(service)):
        return "no_answer", "another page came, or an error page"
    return "undecided", ""


def _ordinary(found: Sequence[Result]) -> Literal["came", "missing", "unknown"]:
    """What became of the ordinary pages of a check."""
    if "open" in found:
        return "came"
    return "missing" if found and "undecided" not in found else "unknown"


def _beside_life(trials: Sequence[Trial]) -> list[Trial]:
    """Trials with whether the check's ordinary page came, which tells a block from a dead line.

    In a moment of a device the pages of a check are tried at the same time.
    """
    is_alive = any(
        is_answer(one.service) for one in trials if _kind(one.service.item) == "ordinary"
    )
    beats = Heartbeats(answered=int(is_alive), late=int(not is_alive))
    return [
        msgspec.structs.replace(one, service=msgspec.structs.replace(one.service, heartbeats=beats))
        if _kind(one.service.item) == "harmful"
        else one
        for one in trials
    ]


def _unshown(verdict: Verdict) -> Result:
    """What became of an ordinary page that came without being shown."""
    return "undecided" if verdict.mechanism is Mechanism.HIDDEN else "blocked"


def _kind(item: Item) -> PageKind | None:
    page = checked_page(item)
    return page.kind if page is not None else None


def _result_in_moment(trial: Trial, verdict: Verdict, kind: PageKind) -> tuple[Result, str]:
    """What became of a page while a device had no network, or just had it again.

    The control has no network then either. So a page came if its token or words arrived, whatever
    the control got; and the device's own network that is down is what is looked for. An answer for
    a name shows no page by itself.
    """
    service, failure = trial.service, trial.service.failure
    if verdict.state in DELIVERED or _has_token(service, kind):
        return "open", ""
    if failure is not None and failure.is_instrument:
        return "undecided", ""
    why = f"{failure.name} at {failure.stage}" if failure is not None else "another page came"
    if verdict.state is State.BLOCKED and kind == "harmful":
        return "blocked", why
    is_name = isinstance(service.facts, DnsFacts) and is_answer(service)
    return ("undecided", "") if is_name else ("no_answer", why)


def _has_token(seen: Observation, kind: PageKind) -> bool:
    """Whether the token or words of the origin arrived, in the page or in one that it shows.

    Those of a harmful page count also where an answer on the way was not the origin's.
    """
    facts = seen.facts
    pages = (facts, *facts.inner) if isinstance(facts, WebFacts) else ()
    wanted = ("seen", "elsewhere") if kind == "harmful" else ("seen",)
    return any(page.canary in wanted for page in pages)


def _end(trial: Trial) -> datetime:
    return trial.service.started + timedelta(seconds=trial.service.timings.total or 0.0)
