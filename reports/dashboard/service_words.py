"""Sentences about services: what the overview and a service's page say first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from harness.model.obligation import Lane
from reports.dashboard.result_facts import CurrentFacts
from reports.dashboard.service_facts import (
    URGENCY,
    Audit,
    ServiceFacts,
    ServicePageFacts,
    WaitingFacts,
)
from reports.dashboard.service_reading import FoundService, Waiting
from reports.next_steps import ago, day
from reports.phrases import tight
from reports.site.page_maker import counted, number_word
from reports.words import capitalised

STATES = {letter: state for state, letter in URGENCY.items()}
"""How a service stands, by the state of its document."""

STANDINGS = (
    ("stopped", "is suspended", "are suspended"),
    ("does-not-conform", "does not conform", "do not conform"),
    ("insufficient", "could not be decided", "could not be decided"),
    ("no-data", "has no result", "have no result"),
)
"""What is said of services, the worst first."""

LATE = (Lane.ESCALATED, Lane.OVERDUE)


def headline(standings: Sequence[str], only: str = "") -> str:
    """How many services stand worst, in a sentence; ``only`` is the name of a single one."""
    total = len(standings)
    counts = Counter(STATES.get(each, "no-data") for each in standings)
    if not total:
        return "No service is on record yet"
    for state, one, several in STANDINGS:
        if count := counts[state]:
            if total == 1:
                return f"{only or 'The service'} {one}"
            if count == total:
                return f"All {number_word(total)} services {several}"
            of = f"{number_word(count)} of {number_word(total)} services"
            return capitalised(f"{of} {one if count == 1 else several}")
    return f"{only or 'The service'} conforms" if total == 1 else f"All {total} services conform"


def overview_lead(shown: Sequence[FoundService], waiting: Sequence[Waiting]) -> str:
    """What is worst, and what waits, in two sentences."""
    said = []
    if shown and (worst := shown[0].facts.worst) is not None and not _is_met(worst):
        said.append(f"{shown[0].facts.service}: {_result(worst)}.")
    late = sum(each.facts.lane in LATE for each in waiting)
    if late:
        said.append(capitalised(counted(late, "thing is overdue.", "things are overdue.")))
    elif waiting:
        said.append(f"{capitalised(counted(len(waiting), 'thing waits', 'things wait'))}.")
    elif shown:
        said.append("Nothing waits for anybody.")
    return " ".join(said)


def service_lead(page: ServicePageFacts, now: datetime) -> str:
    """What does not conform, what recovered, and what is late."""
    return " ".join(_sentences(page, now))


def _sentences(page: ServicePageFacts, now: datetime) -> Iterator[str]:
    binding = [each for each in page.requirements if each.current.is_binding]
    failing = [each for each in binding if each.current.figure.state == "does-not-conform"]
    open_ = [each for each in binding if each.current.figure.state in ("insufficient", "no-data")]
    recovered = [each for each in binding if _is_met(each.current) and each.failures]
    if failing:
        yield f"It does not conform: {_result(failing[0].current)}."
        if others := len(failing) - 1:
            yield f"{capitalised(counted(others, 'other requirement', 'other requirements'))} too."
    if recovered:
        one = recovered[0].current
        yield f"It conforms again: {_result(one)}."
    if open_:
        words = counted(len(open_), "requirement is", "requirements are")
        yield f"{capitalised(words)} not decided."
    if binding and not failing and not open_:
        yield "Every binding requirement conforms in the newest campaigns."
    if not page.requirements:
        yield "No campaign with an assessment is on record yet."
    yield from _audited(page.facts.audit, now)
    yield from _suspended(page.facts)
    yield from _late(page.facts, now)


def _audited(audit: Audit | None, now: datetime) -> Iterator[str]:
    """When the last audit was, and how the runs of surveillance since then ended."""
    if audit is not None and audit.since:
        counts = Counter(audit.since)
        told = [f"{counts[state]} {word}" for state, word in ENDED_AS.items() if counts[state]]
        when = f"{day(audit.at)}, {ago(audit.at, now)}"
        yield f"The last audit was on {when}; newest runs since then: {', '.join(told)}."


ENDED_AS = {
    "does-not-conform": "not conforming",
    "insufficient": "not decided",
    "conforms": "conforming",
}
"""How runs ended, in words."""


def _suspended(facts: ServiceFacts) -> Iterator[str]:
    if facts.suspensions:
        last = max(facts.suspensions, key=lambda each: each.since)
        if last.until is None:
            yield f"It is suspended since {day(last.since)}."
        else:
            yield f"It was suspended from {day(last.since)} to {day(last.until)}."


def _late(facts: ServiceFacts, now: datetime) -> Iterator[str]:
    late = [plan for plan in facts.plans if plan.is_overdue(now)]
    if late:
        words = counted(len(late), "plan is overdue", "plans are overdue")
        yield f"{capitalised(words)}."


def _result(current: CurrentFacts) -> str:
    """A newest result in words: the requirement, what was measured, what is required."""
    figure = current.figure
    required = f", required is {figure.required}" if figure.required else ""
    said = f"{current.about.requirement}, {current.title[:1].lower()}{current.title[1:]}"
    return f"{said}: {tight(figure.measured)}{required}"


def _is_met(current: CurrentFacts) -> bool:
    return current.figure.state == "conforms"


def story_title(current: CurrentFacts, failures: int) -> str:
    """The heading of the large picture."""
    if current.figure.state == "does-not-conform":
        return "The requirement that fails"
    if failures and _is_met(current):
        return "The requirement that failed, and recovered"
    return "The requirement that is least sure"


def when_due(facts: WaitingFacts, now: datetime) -> str:
    """When something is or was due, in words."""
    days = (facts.due.date() - now.date()).days
    if not facts.has_date:
        return f"waits since {day(facts.due)}"
    if days < 0:
        late = "1 day" if days == -1 else f"{-days} days"
        return f"{late} overdue, was due {day(facts.due)}"
    if facts.due < now:
        return "overdue since today"
    return "due today" if not days else f"due {day(facts.due)}"
