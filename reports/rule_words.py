"""What each rule of judgement says, in words, and which rules are tried before it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from harness.errors import UsageError
from harness.judge import liveness
from harness.judge.composite_measurements import ALONE_RULES, ASTRAY, FOREIGN_RULES, LED_ASTRAY
from harness.judge.rules.order import RULES, rules_for
from harness.judge.rules.refusals import REFUSALS
from harness.model.verdict import BRACKET_FAILED

SHOWN_BEFORE = 3
"""How many of the rules before are named."""

_PASSED = "it was blocked, and passed when it was tried again: this counts against the service"
_VOID = (
    "the sentinels of its batch did not behave as they must, so nothing in the batch is evidence"
)


class RuleWords(NamedTuple):
    """A rule's id, and what it says."""

    id: str
    says: str


class RulePlace(NamedTuple):
    """The rule that decided: how many were tried before it, and the last of these.

    ``number`` is its place in the order, from 1; 0 for a rule that is applied after the others.
    """

    rule: RuleWords
    number: int
    of: int
    before: tuple[RuleWords, ...]


def rule_words(rule: str) -> RuleWords:
    """What a rule says; one that this version does not know says nothing."""
    return RuleWords(rule, _all_words().get(rule, "this version of Accredit does not know it"))


def rule_place(rule: str, facts: str) -> RulePlace:
    """The place of a rule among those for trials that left facts of a kind (their tag)."""
    try:
        ordered = [each.id for each in rules_for(facts)]
    except UsageError:
        ordered = []
    number = ordered.index(rule) + 1 if rule in ordered else 0
    before = ordered[max(0, number - 1 - SHOWN_BEFORE) : max(0, number - 1)]
    return RulePlace(rule_words(rule), number, len(ordered), tuple(map(rule_words, before)))


@cache
def _all_words() -> dict[str, str]:
    return dict(_words())


def _words() -> Iterator[tuple[str, str]]:
    for refusal in REFUSALS:
        yield refusal.rule, refusal.says
    for rule in (*ALONE_RULES, *FOREIGN_RULES, *RULES):
        yield rule.id, rule.says
    yield from liveness.WORDS.items()
    yield liveness.PASSED_ON_RETRY, _PASSED
    yield BRACKET_FAILED, _VOID
    yield LED_ASTRAY, ASTRAY
