"""Thousands of random lives of a plan, steered so that each state is reached, keep the invariants.

The same lives are run with two writers on stored registries (``run_stored_lives``): on SQLite in
``test_suites/processes/test_registry_writers.py``, on PostgreSQL in ``test_suites/products``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import msgspec
import pytest

from harness.cli.registry_session import Place, RegistrySession, open_session, place_of
from harness.errors import UsageError
from harness.follow.derived_rows import rows_after, rows_of
from harness.follow.replay import replay
from harness.follow.soak import has_held
from harness.follow.state import StreamState
from harness.model.action_plan import PlanState, RetestResult
from harness.model.decision import FAVOURABLE, LENIENCE, Status
from harness.model.decision_event import DecisionMade, EvaluationReviewed
from harness.model.deviation import DeviationKind, DeviationState
from harness.model.escalation import Level
from harness.model.event import (
    Event,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanExtended,
    PlanProgressed,
    RetestStarted,
    StreamOpened,
)
from harness.model.event_times import require_times
from harness.model.person_names import actor_name
from harness.model.stream import DerivedRow, StreamHead
from test_suites.kit.clocks.sizes import sized
from test_suites.unit.harness.follow.checked_plan import PERSON, START
from test_suites.unit.harness.follow.plan_life import PlanLife

NAMES = sorted(PERSON)
CAMPAIGNS = ("r1", "r2", "r3")
INVARIANTS: tuple[Callable[[PlanLife], None], ...] = (
    PlanLife.approvers_have_no_other_part_in_the_plan_at_any_time,
    PlanLife.times_never_run_backwards_but_for_a_correction_on_record,
    PlanLife.the_original_date_stays,
    PlanLife.beyond_the_original_date_only_by_extension,
    PlanLife.no_deviation_excuses_for_ever,
    PlanLife.verified_and_closed_only_after_a_conforming_re_test,
    PlanLife.an_escalation_by_rule_with_a_wrong_date_does_not_count,
    PlanLife.an_accreditation_never_lasts_longer_than_a_year,
    PlanLife.history_tells_of_every_event_and_can_be_folded_again,
)
DROPPED = "an escalation that counts no more"
Reached = PlanState | DeviationState | Level | str
"""A state of a plan or a deviation, a level of escalation, what was decided, or ``DROPPED``."""

Rows = dict[tuple[str, str], DerivedRow]


class TrackedLife(PlanLife):
    """A life in memory that keeps the states it reached, and the derived rows event by event."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: set[Reached] = set()
        self.rows: Rows = {}

    def attempt(self, event: Event) -> bool:
        if not super().attempt(event):
            return False
        self.rows |= by_place(rows_after(self.state, [event]))
        for plan in self.state.plans.values():
            self.reached |= {plan.state, *(one.state for one in plan.deviations)}
            self.reached |= {plan.level} if plan.level else set()
            self.reached |= {DROPPED for one in plan.escalations if one.dropped}
        held = self.state.decisions.values()
        self.reached |= {f"decided {one.decision.status}" for one in held}
        return True


class StoredLife(TrackedLife):
    """A life in the registry of a hub as well: one of two writers makes each attempt, in its thread.

    Who reviews or decides has signed in: a name alone accredits nothing.
    """

    def __init__(
        self, writers: list[RegistrySession], threads: ThreadPoolExecutor, place: Place, rng: Random
    ) -> None:
        super().__init__()
        self._writers, self._threads, self._place, self._rng = writers, threads, place, rng

    def attempt(self, event: Event) -> bool:
        if isinstance(event, EvaluationReviewed | DecisionMade):
            actor = actor_name(event.actor, PERSON[event.actor])
            event = msgspec.structs.replace(event, actor=actor)
        is_kept = self._submit(self._rng.randrange(2), event).result()
        assert is_kept == super().attempt(event), "memory and registry allow the same"
        return is_kept

    def clash(self) -> None:
        """Both writers try something at once: what came of it is one of the two orders."""
        tried = [rival_event(self, self._rng) for _ in range(2)]
        held, before = len(self.events), (self.state, self.head)
        kept = [future.result() for future in [*map(self._submit, (0, 1), tried)]]

        added = self.stored()[1 + held :]
        assert sorted(map(repr, added)) == sorted(
            repr(event) for event, is_kept in zip(tried, kept, strict=True) if is_kept
        )
        for event in added:
            assert TrackedLife.attempt(self, event), "what is stored was possible in its order"
            if isinstance(event, FixClaimed):
                self.claims.append(event.actor)
        for event in (event for event, is_kept in zip(tried, kept, strict=True) if not is_kept):
            assert not is_possible(event, *before) or not is_possible(event, self.state, self.head)

    def stored(self) -> tuple[Event, ...]:
        """The events in the registry; their chain is checked."""
        with self._writers[0].registry.reading(self._place.stream) as access:
            return access.events()

    def require_stored(self) -> None:
        """Check that the registry holds this life, and rows that follow from its events."""
        events = self.stored()
        assert isinstance(events[0], StreamOpened)
        assert list(events[1:]) == self.events
        with self._writers[1].registry.reading(self._place.stream) as access:
            assert by_place(access.rows()) == by_place(rows_of(replay(events)))
        assert self._writers[1].plan("P-0001", self._place.name).plan == self.plan

    def _submit(self, writer: int, event: Event) -> Future[bool]:
        def record() -> bool:
            try:
                self._writers[writer].record(self._place, event)
            except UsageError:
                return False
            return True

        return self._threads.submit(record)


def is_possible(event: Event, state: StreamState, head: StreamHead | None) -> bool:
    """Whether an event can follow others."""
    try:
        state.after(event)
        require_times(head, [event])
    except UsageError:
        return False
    return True


def by_place(rows: Iterable[DerivedRow]) -> Rows:
    """The rows by kind and id."""
    return {(row.kind, row.id): row for row in rows}


def rival_event(life: PlanLife, rng: Random) -> Event:
    """An event that two writers may try at once."""
    at, by, plan = life.at, rng.choice(NAMES), "P-0001"
    events: tuple[Event, ...] = (
        PlanAgreed(at=at, actor=by, plan=plan, owner="Acme", corrective_action="x", root_cause="r", preventive_action="p", containment="c"),
        PlanProgressed(at=at, actor=by, plan=plan, note=f"n{rng.randrange(99)}"),
        FixClaimed(at=at, actor=by, plan=plan, statement="s"),
        RetestStarted(at=at, actor=by, plan=plan, campaign=rng.choice(CAMPAIGNS)),
        PlanClosed(at=at, actor=by, plan=plan),
        PlanExtended(
            at=at, actor=by, plan=plan, due=life.plan.due + timedelta(days=1), reason="r",
            approver=rng.choice(NAMES),
        ),
    )  # fmt: skip
    return rng.choice(events)


def depart(life: PlanLife, rng: Random) -> bool:
    """Now and then ask for a deviation or supersede the plan; have decided what was asked for."""
    apart = [name for name in NAMES if PERSON[name] not in life.others] or NAMES
    if life.plan.requested is not None:
        life.decide(rng.choice(apart), approves=rng.random() < 0.5)
    elif rng.random() < 0.1:
        life.request("Ann", rng.randint(1, 25), DeviationKind.FALSE_POSITIVE, "")
    elif rng.random() < 0.01:
        life.supersede("Ann", rng.choice(apart), "2")
    elif rng.random() < 0.1:
        decide(life, rng, rng.choice(apart))
    else:
        return False
    return True


def decide(life: PlanLife, rng: Random, by: str) -> None:
    """Accredit the service, which somebody reviews first, or stop what is accredited."""
    apart = [name for name in NAMES if PERSON[name] not in life.others]
    if not life.state.recommended:
        life.review_the_evaluation(rng.choice(apart or NAMES))
    held = life.state.decisions
    last = list(held.values())[-1].decision.status if held else Status.NOT_YET
    after = (Status.SUSPENDED, Status.WITHDRAWN, Status.TERMINATED, Status.NOT_YET)
    status = rng.choice(after if last in FAVOURABLE else FAVOURABLE)
    life.decide_on_service(by, status, Status.ACCREDITED, 200, has_basis=True)


def decide_anything(life: PlanLife, rng: Random, by: str) -> None:
    """A decision with any of its values."""
    status, proposed = rng.choice(list(Status)), rng.choice(LENIENCE)
    days, has_basis = rng.choice([200, 400, -1]), rng.random() < 0.8
    life.decide_on_service(by, status, proposed, days, has_basis=has_basis)


def advance(life: PlanLife, rng: Random) -> None:
    """Try what leads on from the present state."""
    unused = [name for name in CAMPAIGNS if name not in {one.campaign for one in life.plan.retests}]
    match life.plan.state:
        case PlanState.DRAFT | PlanState.RETURNED if rng.random() < 0.5:
            life.submit("Cy", "Acme", (life.plan.due - START).days)
        case PlanState.DRAFT:
            life.agree("Ann", "Acme", (life.plan.due - START).days)
        case PlanState.SUBMITTED:
            rng.choice([life.agree_as_submitted, life.give_back])("Ann")
        case PlanState.AGREED:
            life.progress("Acme")
        case PlanState.IN_PROGRESS:
            life.claim(rng.choice(["Acme", "Dee"]))
        case PlanState.CLAIMED if unused:
            life.start("Bob", unused[0])
        case PlanState.VERIFYING:
            outcome = rng.choice([RetestResult.CONFORMS, *RetestResult])
            life.conclude("Bob", outcome, 2, (), 60, None, "Safe Net")
        case PlanState.VERIFIED if has_held(life.plan):
            life.close("Ann")
        case PlanState.VERIFIED:
            life.set_clock(24 * 15)
            fault = "it fails again" if rng.random() < 0.2 else ""
            life.soak("Bob", 14, conforms=rng.random() < 0.9, fault=fault, service="Safe Net")
        case _:
            try_anything(life, rng)


def try_anything(life: PlanLife, rng: Random) -> None:
    """Any command of the state machine, with any of its values."""
    by, other, days = rng.choice(NAMES), rng.choice(NAMES), rng.randint(-5, 200)
    commands: tuple[Callable[[], None], ...] = (
        lambda: life.set_clock(rng.randint(-48, 48)),
        lambda: life.correct_clock(by),
        lambda: life.agree(by, other, days),
        lambda: life.progress(by),
        lambda: life.claim(by),
        lambda: life.start(by, rng.choice(["spring", *CAMPAIGNS, "", " "])),
        lambda: life.postpone(by),
        lambda: life.make_canaries(by, rng.randint(-2, 48), rng.randint(1, 4)),
        lambda: life.conclude(
            by,
            rng.choice(list(RetestResult)),
            rng.randint(0, 2),
            rng.choice([(), ("a",)]),
            rng.choice([0, 60]),
            rng.choice(["", "spring", "r1", None]),
            rng.choice(["Safe Net", "Other Net", ""]),
        ),
        lambda: life.extend(by, other, days),
        lambda: life.submit(by, other, days),
        lambda: life.give_back(by),
        lambda: life.agree_as_submitted(by),
        lambda: life.request(by, days, rng.choice(list(DeviationKind)), rng.choice(["", "Min"])),
        lambda: life.decide(by, approves=rng.random() < 0.5),
        lambda: life.supersede(by, other, rng.choice(["1", "2"])),
        lambda: life.escalate_by_rule(by),
        lambda: life.escalate_by_a_clock_that_is_a_year_ahead(by),
        lambda: life.check_in(by),
        lambda: life.escalate(by, rng.choice(list(Level))),
        lambda: life.soak(
            by,
            rng.randint(-1, 20),
            conforms=rng.random() < 0.5,
            fault=rng.choice(["", "it fails again"]),
            service=rng.choice(["Safe Net", "Other Net"]),
        ),
        lambda: life.close(by),
        lambda: life.draft_another(by),
        lambda: decide_anything(life, rng, by),
        lambda: life.appeal(by, other),
        lambda: life.answer_appeal(by, upheld=rng.random() < 0.5),
    )
    rng.choice(commands)()


def run_life(life: PlanLife, rng: Random) -> None:
    """Open a plan, give 12 to 24 commands, and check the invariants."""
    life.open(rng.choice(["Crit", "Maj", "Min"]), illegal=rng.random() < 0.2)
    for _ in range(rng.randint(12, 24)):
        if isinstance(life, StoredLife) and rng.random() < 0.15:
            life.clash()
        elif rng.random() < 0.5:
            if not depart(life, rng):
                advance(life, rng)
        else:
            try_anything(life, rng)
    for holds in INVARIANTS:
        holds(life)


class LateClock:
    """A clock that is later than every event of a life."""

    def now(self) -> datetime:
        return START + timedelta(days=1000)

    def monotonic(self) -> float:
        return 0.0


def run_stored_lives(where: Path | str, seeds: range) -> Counter[Reached]:
    """Run a life for each seed, with a stream and two writers of its own, on one registry.

    Returns how many lives reached each state.
    """
    reached: Counter[Reached] = Counter()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                open_session(where, create=True, clock=LateClock(), has_accounts=True)
            )
            for _ in range(2)
        ]
        threads = stack.enter_context(ThreadPoolExecutor(2))
        for seed in seeds:
            rng = Random(seed)
            life = StoredLife(writers, threads, place_of(f"Acme {seed}"), rng)
            run_life(life, rng)
            life.require_stored()
            reached.update(life.reached)
    return reached


def require_reached(reached: Counter[Reached], lives: int) -> None:
    """Check that each state was reached in at least one of a hundred lives."""
    decided = (f"decided {status}" for status in LENIENCE)
    states = (*PlanState, *DeviationState, *Level, DROPPED, *decided)
    assert {state: reached[state] for state in states if reached[state] * 100 < lives} == {}


@pytest.mark.parametrize("part", range(4))
def test_thousands_of_lives_keep_the_invariants_and_reach_every_state(part: int) -> None:
    reached: Counter[Reached] = Counter()
    lives = sized(1000, 2500)
    for seed in range(part * lives, (part + 1) * lives):
        life = TrackedLife()
        run_life(life, Random(seed))
        assert life.rows == by_place(rows_of(replay(life.events)))
        reached.update(life.reached)

    require_reached(reached, lives)


def test_the_same_seed_gives_the_same_life() -> None:
    lives = [TrackedLife() for _ in range(2)]
    for life in lives:
        run_life(life, Random(7))
    assert lives[0].events == lives[1].events
