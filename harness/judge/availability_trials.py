"""Judge availability checks: whether a service was up at a moment, and whether it filtered.

A check needs no sentinels: its ordinary pages and its page that must be blocked are what they are
elsewhere. Up is only what was seen: every ordinary page came, whole and within ``DEADLINE``. A page
counts only if the control got it at the same time, as soon. A filter is off if no page of the check
that must be blocked was blocked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec

from harness.judge.pairing import pair
from harness.model.availability import (
    DEADLINE,
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
from harness.model.observation import FALSE_CERTIFICATES, LOCAL_TROUBLE, Heartbeats, Observation
from harness.model.verdict import DELIVERED, Mechanism, State, Trial, Verdict, is_answer, is_busy

Judged = Callable[[Trial], Verdict]
Result = Literal["blocked", "open", "no_answer", "undecided"]

UNFILTERED = "a page that must be blocked came"
NO_CONTROL = "the control line did not work either"
OVERLOADED = "the tester was overloaded"
FILTER_UNKNOWN = "it could not be told whether the filter worked"
LATE = f"the page came later than {DEADLINE:g} s"
CUT = "only a part of the page came"

WHOLE = 0.9
"""The least share of the control's visible text that a whole page shows; filters may add to it."""
ERRORS = 400
"""The first status of an error (RFC 9110 section 15.5)."""


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
        self._done: list[tuple[int, AvailabilityCheck]] = []
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

    def judge(self, judged: Judged, overloaded: Collection[int] = ()) -> None:
        """Judge the checks that are left; beside an ``overloaded`` tester they are unknown."""
        left = [(trials[0].service.batch, _check(trials, judged)) for trials in self._left]
        self.checks = AvailabilityChecks.of_checks(
            _in_overload(check) if batch in overloaded else check
            for batch, check in (*self._done, *left)
        )
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
                self._done.append((trials[0].service.batch, check))
            else:
                self._left.append(trials)


def _check(trials: Sequence[Trial], judged: Judged) -> AvailabilityCheck:
    """The check that consists of some trials of one line and profile, at least one."""
    by_kind: defaultdict[PageKind, list[tuple[Trial, Result, str]]] = defaultdict(list)
    number = 0
    first = min(trials, key=lambda one: one.service.started).service
    is_moment = first.event is not None and first.event.kind == "moment"
    result_of = _result_in_moment if is_moment else _result
    for trial in sorted(_beside_life(trials) if is_moment else trials, key=_turn):
        page = checked_page(trial.service.item)
        assert page is not None
        number = page.number
        by_kind[page.kind].append((trial, *result_of(trial, judged(trial), page.kind)))
    needed = TRIES if first.event is None else 1
    ordinary = _Ordinary.of([(result, why) for _, result, why in by_kind["ordinary"]], needed)
    state, why = _state(ordinary, [result for _, result, _ in by_kind["harmful"]], needed)
    return AvailabilityCheck(
        run=first.key.round - ROUND,
        number=number,
        line=first.key.line,
        profile=first.key.profile,
        started=first.started,
        ended=max(trial.service.ended for trial in trials),
        state=state,
        why=why,
        ordinary=ordinary.shown,
        came=ordinary.came,
        asked=ordinary.asked,
        harmful=tuple(
            HarmfulPage(trial.service.item.host, result) for trial, result, _ in by_kind["harmful"]
        ),
        note=first.event,
    )


class _Ordinary(NamedTuple):
    """The ordinary pages of a check: how many came in time of those that count, and what failed.

    ``shown`` is as in ``AvailabilityCheck.ordinary``; ``why`` the first page did not come.
    """

    came: int
    asked: int
    shown: Literal["came", "missing", "unknown"]
    why: str

    @classmethod
    def of(cls, found: Sequence[tuple[Result, str]], needed: int) -> _Ordinary:
        """Count pages in the order of their turns.

        Checks of older versions tried a page only where those before it had not come, so that
        later ones say nothing of the share: of fewer than ``needed`` the first one counts.
        """
        results = [result for result, _ in found]
        decided = [one for one in results if one != "undecided"]
        counted = decided if len(found) >= needed else decided[:1]
        shown: Literal["came", "missing", "unknown"] = "unknown"
        if "open" in results:
            shown = "came"
        elif results and "undecided" not in results:
            shown = "missing"
        why = next((words for result, words in found if result in ("blocked", "no_answer")), "")
        return cls(counted.count("open"), len(counted), shown, why)


def _in_overload(check: AvailabilityCheck) -> AvailabilityCheck:
    """A check beside which the tester was overloaded: only harmful pages that came are known."""
    return msgspec.structs.replace(
        check,
        state="unfiltered" if check.state == "unfiltered" else "unknown",
        why=check.why if check.state == "unfiltered" else OVERLOADED,
        ordinary="unknown",
        came=0,
        asked=0,
        harmful=tuple(
            page if page.result == "open" else page._replace(result="undecided")
            for page in check.harmful
        ),
    )


def _state(ordinary: _Ordinary, harmful: Sequence[Result], needed: int) -> tuple[CheckState, str]:
    """What a check shows, and why it is not *filtered*; ``needed`` open pages show no filter."""
    if len(harmful) >= needed and set(harmful) == {"open"}:
        return "unfiltered", UNFILTERED
    if ordinary.shown == "missing":
        return "down", ordinary.why
    if ordinary.shown == "unknown":
        return "unknown", NO_CONTROL
    if lost := ordinary.asked - ordinary.came:
        said = f"{lost} of {ordinary.asked} ordinary pages did not come in time: {ordinary.why}"
        return "partial", said
    return ("filtered", "") if "blocked" in harmful else ("unknown", FILTER_UNKNOWN)


def _result(trial: Trial, verdict: Verdict, kind: PageKind) -> tuple[Result, str]:
    """What became of a page, and why it did not come.

    Without a failure, another page came in its place. That is no answer where an ordinary page is
    expected; in the place of a harmful one it may be a block that was not recognised.
    """
    service, control = trial.service, trial.control
    if verdict.state in DELIVERED and kind == "harmful":
        return "open", ""
    failure = service.failure
    is_ours = failure is not None and (failure.is_instrument or failure.name in LOCAL_TROUBLE)
    if control is None or not is_answer(control) or is_ours:
        return "undecided", ""
    if kind == "ordinary" and (verdict.state in DELIVERED or _is_late(control)):
        return _result_of_ordinary(verdict, service, control)
    failed = f"{failure.name} at {failure.stage}" if failure is not None else ""
    if verdict.state is State.BLOCKED:
        return "blocked", failed or "an ordinary page is blocked"
    if is_answer(service) or not (failed or kind == "ordinary" or is_busy(service)):
        return "undecided", ""
    return "no_answer", failed or "another page came, or an error page"


def _result_of_ordinary(
    verdict: Verdict, service: Observation, control: Observation
) -> tuple[Result, str]:
    """What a user has of an ordinary page that came, at least in part.

    A page that came late on the control counts neither way.
    """
    if _is_late(control):
        return "undecided", ""
    if verdict.mechanism is not Mechanism.NONE:
        return _unshown(verdict), "another page is shown"
    wrong = _wrong_with(service, control)
    return ("no_answer", wrong) if wrong else ("open", "")


def _is_late(seen: Observation) -> bool:
    return (seen.timings.total or 0.0) > DEADLINE


def _wrong_with(service: Observation, control: Observation) -> str:
    """Why a user has not got the page; empty if it came whole and in time."""
    failure, mine, theirs = service.failure, service.facts, control.facts
    if failure is not None and failure.name not in FALSE_CERTIFICATES:
        return f"{failure.name} at {failure.stage}"
    if _is_late(service):
        return LATE
    if isinstance(mine, WebFacts) and isinstance(theirs, WebFacts):
        if mine.status != theirs.status and (mine.status or 0) >= ERRORS:
            return f"it came with the status {mine.status}"
        if max(one.text_length for one in (mine, *mine.inner)) < WHOLE * theirs.text_length:
            return CUT
    return ""


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


def _turn(trial: Trial) -> int:
    page = checked_page(trial.service.item)
    return page.turn if page is not None else 0


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
