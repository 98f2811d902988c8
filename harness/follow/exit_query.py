"""The exit criteria of a plan as a query: what a re-test must show, decided by a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.model.action_plan import Finding, RetestResult
from harness.model.event import RetestConcluded


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitQuery:
    """What a re-test must show before its plan is verified; a program decides it.

    The re-test measures the same service by the same scheme, tries each of ``missed`` items again,
    of which ``failing`` may fail, and at least ``fresh`` others, whose outcome for the requirement
    on the line and profile has to be ``outcome``. If it is not ``by_items``, a new campaign
    decides, because no items can be tried again.
    """

    service: str
    scheme: str
    requirement: str
    profile: str
    line: str
    missed: int
    by_items: bool = True
    failing: int = 0
    fresh: int = 1
    outcome: RetestResult = RetestResult.CONFORMS


def exit_query_of(finding: Finding) -> ExitQuery:
    """Return what a re-test of a finding must show."""
    return ExitQuery(
        service=finding.service,
        scheme=finding.scheme,
        requirement=finding.requirement,
        profile=finding.profile,
        line=finding.line,
        missed=len(finding.missed) if finding.rests_on_items else 0,
        by_items=finding.rests_on_items,
    )


def unmet(query: ExitQuery, event: RetestConcluded) -> Iterator[str]:
    """Yield what a re-test lacks, in words; nothing if it meets the query.

    A re-test of another service is refused before this; one from before schemes were recorded may
    lack its own.
    """
    retest = event.retest
    if retest.outcome is not query.outcome:
        yield f"the outcome {query.outcome} (it is {retest.outcome})"
    if retest.missed_tested < query.missed:
        yield "every missed item tested again"
    if len(retest.missed_still_failing) > query.failing:
        yield "no missed item still failing"
    if retest.fresh_tested < query.fresh:
        yield "a fresh sample" if query.by_items else "anything that was counted"
    if retest.worse:
        yield f"anything made worse ({'; '.join(retest.worse)})"
    if event.scheme and event.scheme != query.scheme:
        yield f"the scheme {query.scheme} (it is {event.scheme})"


def in_words(query: ExitQuery) -> str:
    """Return the query as a sentence."""
    items = (
        "the missed item passes" if query.missed == 1 else f"all {query.missed} missed items pass"
    )
    again = f"{items} again" if query.missed else ""
    size = f" of at least {query.fresh}" if query.fresh > 1 else ""
    fresh = f"a fresh sample{size} meets {query.requirement}"
    if not query.by_items:
        fresh = f"a new campaign, which began after the claim, meets {query.requirement}"
    where = f"on line {query.line}, profile {query.profile}, by scheme {query.scheme}"
    unchanged = (
        "what conformed of over-blocking conforms again, and harmless pages do not wait longer"
    )
    told = f"{again + ', and ' if again else ''}{fresh} {where}"
    return f"{told}; {unchanged}" if query.by_items else told
