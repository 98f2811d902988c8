"""The registry: recording an event, and listing plans, in a stream of 100,000 events and of 100.

Both streams have the same open plans; what differs is the history. Each round records and lists in
both, in turn.
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from benchmarks.goal import Result, ratio, topic
from harness.cli.registry_session import RegistrySession, open_session, place_of
from harness.follow.derived_rows import rows_of
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.model.action_plan import Finding, Retest, RetestResult
from harness.model.event import (
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanProgressed,
    RetestConcluded,
    RetestStarted,
    StreamOpened,
)

FEW, MANY, OPEN, ROUNDS, TIMES, BOUND = 100, 100_000, 8, 15, 20, 1.5
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ACME = place_of("Acme")


@topic("registry")
def registry() -> Iterable[Result]:
    """Record an event and list the open plans, beside a long and a short history."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        sessions = {
            number: stack.enter_context(
                open_session(Path(folder) / f"{number}.sqlite", create=True)
            )
            for number in (FEW, MANY)
        }
        for number, session in sessions.items():
            _fill(session, number)
        doing: dict[str, Callable[[RegistrySession], object]] = {
            "record an event": _record,
            "list the open plans": lambda session: session.plans(every=False),
        }
        for what, act in doing.items():
            taken = {number: [_cost(act, session)] for number, session in sessions.items()}
            for _ in range(ROUNDS):
                for number, session in sessions.items():
                    taken[number].append(_cost(act, session))
            few, many = taken[FEW][1:], taken[MANY][1:]
            note = f"{min(many) * 1000:.2f} and {min(few) * 1000:.2f} ms of CPU"
            yield Result(
                goal=f"{what}: {MANY:,} ÷ {FEW} events held",
                value=ratio(many, few),
                unit="×",
                bound=BOUND,
                note=f"{note}; {OPEN} open plans, SQLite",
            )


def _record(session: RegistrySession) -> None:
    """Record progress of one of the open plans, in turn."""
    with session.registry.reading(ACME.stream) as access:
        held = access.head.events if access.head else 0
    plan = f"P-{held % OPEN + 1:04d}"
    session.advance(plan, PlanProgressed(at=AT, actor="Acme", plan=plan, note="n"))


def _cost(act: Callable[[RegistrySession], object], session: RegistrySession) -> float:
    """Seconds of processor time for one of several times."""
    before = time.process_time()
    for _ in range(TIMES):
        act(session)
    return (time.process_time() - before) / TIMES


def _fill(session: RegistrySession, number: int) -> None:
    """Write a stream with so many events, of which all but a few plans are closed."""
    opened = StreamOpened(at=AT, actor="Ann", name=ACME.name)
    open_plans = [
        event for each in range(1, OPEN + 1) for event in (*_drafted(each), _agreed(each))
    ]
    events: list[Event] = [opened, *open_plans]
    events += islice(_closed_plans(OPEN + 1), number - len(events))
    with session.registry.writing(ACME.stream) as access:
        access.append(*events)
        access.replace_rows(rows_of(replay(events)))


def _drafted(number: int) -> tuple[Event, ...]:
    finding = Finding(
        id=f"F-{number:04d}",
        campaign=f"campaign-{number}",
        requirement=f"URL-{number}",
        title="Gambling is blocked",
        severity="Maj",
        scheme="becta-2008",
        scheme_version="1.0",
        profile="ks2",
        line="proxy",
        statement="12 of 60 items got through; none may",
        missed=("a", "b"),
        categories=("GAMB",),
        sampled=60,
        opened=AT,
        service="Safe Net",
        supplier="Acme",
    )
    opened = FindingOpened(at=AT, actor="Ann", finding=finding)
    return (opened, draft_plan(finding, at=AT, actor="Ann"))


def _agreed(number: int) -> Event:
    plan = f"P-{number:04d}"
    return PlanAgreed(
        at=AT,
        actor="Ann",
        plan=plan,
        owner="Acme",
        corrective_action="Mend",
        root_cause="r",
        preventive_action="p",
        containment="c",
    )


def _closed_plans(first: int) -> Iterator[Event]:
    """Yield events of plans that are agreed, fixed, verified and closed, without end."""
    number, at = first, AT
    while True:
        plan, campaign = f"P-{number:04d}", f"retest-{number}"
        yield from _drafted(number)
        yield _agreed(number)
        yield PlanProgressed(at=at, actor="Acme", plan=plan, note="n")
        yield FixClaimed(at=at, actor="Acme", plan=plan, statement="s")
        yield RetestStarted(at=at, actor="Ann", plan=plan, campaign=campaign)
        retest = Retest(
            campaign=campaign,
            at=at,
            outcome=RetestResult.CONFORMS,
            statement="",
            missed_tested=2,
            missed_still_failing=(),
            fresh_tested=60,
        )
        yield RetestConcluded(at=at, actor="Ann", plan=plan, retest=retest, service="Safe Net")
        yield PlanClosed(at=at, actor="Ann", plan=plan)
        number += 1
