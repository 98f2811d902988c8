"""Judges a journal: every trial of an item gets the verdict of the first rule that matches.

In: observations. Out: a verdict for each trial of an item, and the preconditions on which
they rest. Judging opens no socket and no store, so it may be run again for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import msgspec

from harness.model.campaign import BlockPage
from harness.model.observation import Observation
from harness.model.outcome import Precondition
from harness.model.verdict import Mechanism, State, Trial, Verdict
from harness.stages.judge.brackets import (
    Bracket,
    bracket_of,
    preconditions_of,
    without_sentinels,
)
from harness.stages.judge.case import Case
from harness.stages.judge.claims import claimed_category
from harness.stages.judge.learning import NOTHING_LEARNED, Lore, declare, learn
from harness.stages.judge.pairing import Course, course_of, pair
from harness.stages.judge.rule import Rule
from harness.stages.judge.rules import RULES, RULES_VERSION

BRACKET_FAILED = "bracket-failed"
"""The rule of every verdict whose batch is void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All verdicts of a journal, what they rest on, and the rules that made them."""

    verdicts: tuple[Verdict, ...]
    preconditions: tuple[Precondition, ...]
    rules_version: str = RULES_VERSION


def judge(
    observations: Iterable[Observation],
    block_page: BlockPage | None = None,
    *,
    brackets_required: bool = True,
) -> Judgement:
    """Judge every trial of an item. Without ``brackets_required``, sentinels may be missing.

    ``block_page`` is the one that the submission declares.
    """
    pairs = pair(observations)
    declared = declare(block_page)
    lores = _learn(pairs.sentinels, declared)
    brackets = {
        course: _bracket(course, trials, lores.get(course.line, declared))
        for course, trials in pairs.sentinels.items()
    }
    verdicts: list[Verdict] = []
    expected: set[Course] = set()
    for trial in pairs.trials:
        course = course_of(trial.service)
        expected.add(course)
        verdict = judge_trial(trial, lores.get(course.line, declared))
        bracket = brackets.get(course)
        if bracket is None and brackets_required:
            bracket = without_sentinels(course)
        verdicts.append(_voided(verdict, bracket) if bracket and bracket.failed else verdict)
    return Judgement(
        verdicts=tuple(_standing(verdicts)),
        preconditions=preconditions_of(brackets, expected if brackets_required else ()),
    )


def _standing(verdicts: list[Verdict]) -> Iterator[Verdict]:
    """Without those of void batches that were tried again: the second trial counts."""
    judged = {_trial_of(each) for each in verdicts if each.rule != BRACKET_FAILED}
    return (
        each for each in verdicts if each.rule != BRACKET_FAILED or _trial_of(each) not in judged
    )


def _trial_of(verdict: Verdict) -> tuple[str, str, str, str]:
    key = verdict.key
    return key.item, key.probe, key.line, key.profile


def voided_batches(
    observations: Iterable[Observation], block_page: BlockPage | None = None
) -> Iterator[int]:
    """The numbers of the batches whose sentinels did not fare as agreed, on any line.

    The observations of a batch follow each other, as in a journal: one batch is held at a time.
    """
    declared = declare(block_page)
    sentinels = (seen for seen in observations if seen.role != "item")
    for number, seen in groupby(sentinels, lambda one: one.batch):
        pairs = pair(seen)
        lores = _learn(pairs.sentinels, declared)
        if any(
            _bracket(course, trials, lores.get(course.line, declared)).failed
            for course, trials in pairs.sentinels.items()
        ):
            yield number


def judge_trial(
    trial: Trial, lore: Lore = NOTHING_LEARNED, rules: tuple[Rule, ...] = RULES
) -> Verdict:
    """The verdict of one trial by itself, whatever its bracket says."""
    case = Case(trial, lore)
    rule = next(rule for rule in rules if rule.matches(case))
    saw = rule.saw(case) if rule.saw is not None else ""
    control = trial.control
    return Verdict(
        key=trial.key,
        item=trial.service.item,
        state=rule.state,
        rule=rule.id,
        rules_version=RULES_VERSION,
        mechanism=rule.mechanism,
        witnesses=(rule.says, saw) if saw else (rule.says,),
        claimed_category=claimed_category(case.web) if rule.state is State.BLOCKED else "",
        origin_refusal=rule.origin_refusal,
        intercepted=case.intercepted,
        first_byte_service=trial.service.timings.first_byte,
        first_byte_control=control.timings.first_byte if control is not None else None,
    )


def _learn(sentinels: dict[Course, tuple[Trial, ...]], declared: Lore) -> dict[str, Lore]:
    """What each line's must-block sentinels met, where the must-allow ones passed.

    A broken line fails for both, and teaches nothing beside what was ``declared``.
    """
    met: dict[str, list[Observation]] = {}
    for course, trials in sentinels.items():
        allowed = [trial for trial in trials if trial.service.role == "must_allow"]
        if not allowed or any(
            judge_trial(one, declared).state is not State.ALLOWED for one in allowed
        ):
            continue
        for trial in trials:
            if trial.service.role == "must_block" and _may_teach(judge_trial(trial, declared)):
                met.setdefault(course.line, []).append(trial.service)
    return {line: learn(blocked).beside(declared) for line, blocked in met.items()}


def _may_teach(verdict: Verdict) -> bool:
    """Whether a must-block sentinel was stopped by something other than our own trouble."""
    if verdict.state is State.BLOCKED:
        return True
    troubles = ("tunnel-trouble", "token-missing-server-error", "dns-servfail", "failure-unclear")
    return verdict.state is State.INSUFFICIENT and verdict.rule in troubles


def _bracket(course: Course, trials: tuple[Trial, ...], lore: Lore) -> Bracket:
    return bracket_of(course, [(trial, judge_trial(trial, lore)) for trial in trials])


def _voided(verdict: Verdict, bracket: Bracket) -> Verdict:
    """The verdict of a trial whose batch is void; what it would have been stays a witness."""
    would_be = f"without that: {verdict.state} by rule {verdict.rule}"
    return msgspec.structs.replace(
        verdict,
        state=State.INSUFFICIENT,
        rule=BRACKET_FAILED,
        mechanism=Mechanism.NONE,
        witnesses=(bracket.detail, would_be, *verdict.witnesses),
        claimed_category="",
    )
