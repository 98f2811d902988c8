"""The exit criteria of a plan as a query: what a re-test must show, decided by a program."""

from __future__ import annotations

from collections.abc import Iterator

from harness.model.action_plan import ExitQuery, Finding
from harness.model.event import RetestConcluded


def exit_query_of(finding: Finding) -> ExitQuery:
    """Return what a re-test of a finding must show."""
    return ExitQuery(
        service=finding.service,
        scheme=finding.scheme,
        requirement=finding.requirement,
        profile=finding.profile,
        line=finding.line,
        missed=len(finding.missed),
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
        yield "a fresh sample"
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
    where = f"on line {query.line}, profile {query.profile}, by scheme {query.scheme}"
    unchanged = (
        "what conformed of over-blocking conforms again, and harmless pages do not wait longer"
    )
    return f"{again + ', and ' if again else ''}{fresh} {where}; {unchanged}"
