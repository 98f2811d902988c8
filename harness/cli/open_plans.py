"""Opens findings and draft plans for what an assessment says does not conform."""

from __future__ import annotations

import getpass

from harness.cli.paths import Places
from harness.cli.registry_session import open_book
from harness.follow.findings import follow
from harness.model.action_plan import ActionPlan
from harness.model.outcome import Assessment
from harness.ports.storage import Clock, WallClock


def open_plans(
    assessment: Assessment, places: Places, clock: Clock | None = None
) -> tuple[ActionPlan, ...]:
    """Open what is not open yet; gives the new plans. Concluding again opens nothing twice."""
    clock = clock or WallClock()
    at = clock.now()
    with open_book(places.registry, create=True, clock=clock) as book:
        before = set(book.ledger.plans)
        events = follow(assessment, book.ledger, at, user())
        ledger = book.record(*events) if events else book.ledger
    return tuple(plan for name, plan in ledger.plans.items() if name not in before)


def user() -> str:
    """Who runs this, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
