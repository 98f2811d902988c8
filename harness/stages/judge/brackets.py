"""Sentinels bracket each batch: when their agreed fate does not come about, the batch is void.

A harness can pass a dead host (PEERS, lesson 7), and filters switch off for hours, so no
verdict counts unless a must-allow page arrived and a must-block page did not, before and
after, both alive on the control line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.model.outcome import Precondition
from harness.model.verdict import State, Trial, Verdict
from harness.stages.judge.pairing import Course

ORIGIN_ANSWERS = "origin-answers"
SERVICE_REACHABLE = "service-reachable"
AGREED_PAGE_PASSES = "agreed-page-passes"
FILTER_IS_ON = "filter-is-on"
BLOCK_IS_CLEAR = "agreed-block-is-clear"
SENTINELS_PRESENT = "sentinels-present"

LINE_RULES = frozenset({"proxy-unreachable", "proxy-wants-a-name", "resolver-unreachable"})
SILENCE_RULES = frozenset({"silence", "dns-silent", "refused", "unreachable", "resolve-silent"})
"""Rules that say *blocked* of an item; of a page agreed to pass, they say the line is dead."""

SIDES = (".before", ".after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """How one course's sentinels fared: ``failed`` names the precondition, or is empty."""

    course: Course
    failed: str
    detail: str


def bracket_of(course: Course, judged: Iterable[tuple[Trial, Verdict]]) -> Bracket:
    """Hold the sentinels of one course against their agreed fate. The worst trouble is named."""
    found = list(judged)
    troubles = [_missing(found)]
    troubles += [_trouble(trial, verdict) for trial, verdict in found]
    for name in (
        SENTINELS_PRESENT, ORIGIN_ANSWERS, SERVICE_REACHABLE, AGREED_PAGE_PASSES, FILTER_IS_ON,
        BLOCK_IS_CLEAR,
    ):  # fmt: skip
        for trouble, detail in troubles:
            if trouble == name:
                return Bracket(course=course, failed=name, detail=detail)
    return Bracket(course=course, failed="", detail="")


def _missing(found: list[tuple[Trial, Verdict]]) -> tuple[str, str]:
    present = {
        (trial.service.role, side)
        for trial, _ in found
        for side in SIDES
        if trial.key.item.endswith(side)
    }
    for role in ("must_allow", "must_block"):
        for side in SIDES:
            if (role, side) not in present:
                words = f"no {role.replace('_', '-')} sentinel {side[1:]} the batch"
                return SENTINELS_PRESENT, words
    return "", ""


def _trouble(trial: Trial, verdict: Verdict) -> tuple[str, str]:
    host = trial.service.item.host
    saw = "; ".join(verdict.witnesses)
    if verdict.state is State.DOWN or verdict.rule.startswith(("control-", "instrument-control")):
        return ORIGIN_ANSWERS, f"the origin does not answer for {host} on the control line: {saw}"
    if verdict.rule in LINE_RULES or verdict.rule.startswith(("instrument-", "local-")):
        return SERVICE_REACHABLE, f"the service is not reached: {saw}"
    agreed = State.ALLOWED if trial.service.role == "must_allow" else State.BLOCKED
    if verdict.state is agreed:
        return "", ""
    return (
        _not_let_through(verdict, host, saw)
        if agreed is State.ALLOWED
        else _not_blocked(verdict, host, saw)
    )


def _not_let_through(verdict: Verdict, host: str, saw: str) -> tuple[str, str]:
    if verdict.rule in SILENCE_RULES:
        return SERVICE_REACHABLE, f"the service does not answer, not even for {host}: {saw}"
    words = f"{host} was agreed to pass, but was {verdict.state}: {saw}"
    return AGREED_PAGE_PASSES, f"{words} (it may answer everything with one page)"


def _not_blocked(verdict: Verdict, host: str, saw: str) -> tuple[str, str]:
    if verdict.state is State.ALLOWED:
        return FILTER_IS_ON, f"the filter seems off: {host} was agreed to be blocked, but passed"
    return BLOCK_IS_CLEAR, f"{host} was agreed to be blocked, but was {verdict.state}: {saw}"


def preconditions_of(
    brackets: Mapping[Course, Bracket], expected: Iterable[Course]
) -> tuple[Precondition, ...]:
    """One precondition per line, profile and name that failed; one that held if any did.

    ``expected`` are the courses that have items; those without a bracket have failed.
    """
    courses = {*brackets, *expected}
    failed: defaultdict[tuple[str, str, str], list[Bracket]] = defaultdict(list)
    held: defaultdict[tuple[str, str], int] = defaultdict(int)
    for course in sorted(courses):
        bracket = brackets.get(course) or without_sentinels(course)
        if bracket.failed:
            failed[course.line, course.profile, bracket.failed].append(bracket)
        else:
            held[course.line, course.profile] += 1
    kept = [
        Precondition(
            name="sentinels", line=line, profile=profile, held=True,
            detail=f"{number} {'batch' if number == 1 else 'batches'} held between sentinels",
            batches=number,
        )
        for (line, profile), number in held.items()
    ]  # fmt: skip
    broken = [
        Precondition(
            name=name, line=line, profile=profile, held=False,
            detail=_told(found), batches=len(found),
        )
        for (line, profile, name), found in failed.items()
    ]  # fmt: skip
    return (*broken, *kept)


def without_sentinels(course: Course) -> Bracket:
    """The bracket of a course that nobody bracketed."""
    return Bracket(
        course=course, failed=SENTINELS_PRESENT, detail="no sentinels were measured with the items"
    )


def _told(brackets: list[Bracket]) -> str:
    numbers = sorted({bracket.course.batch for bracket in brackets})
    some = ", ".join(str(number) for number in numbers[:5]) + (", …" if len(numbers) > 5 else "")  # noqa: PLR2004 - enough to look them up
    batches = f"batch {some}" if len(numbers) == 1 else f"batches {some}"
    return f"{brackets[0].detail} ({batches})"
