"""Processes that write one registry at once, or are killed: no recorded event is lost or doubled.

The functions take a file or a database URL; the tests here use SQLite, those in
``test_suites/products/test_postgresql.py`` PostgreSQL.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from harness.cli.registry_care import changed_rows, verify_streams
from harness.cli.registry_session import open_session, place_of
from harness.follow.findings import draft_plan
from harness.model.event import Event, FindingOpened, PlanAgreed, PlanProgressed
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.sizes import IS_FULL
from test_suites.kit.processes.warm_start import Started
from test_suites.unit.harness.follow.test_stream_life import require_reached, run_stored_lives

AT = datetime(2020, 3, 2, 9, 0, tzinfo=UTC)
ACME = place_of("Acme")

WRITERS, NOTES, KILLS = 8, 200 if IS_FULL else 20, 6 if IS_FULL else 4
LIVES = 125 if IS_FULL else 8
"""How many lives of a plan each of four tests writes."""
MOST_BEFORE_A_KILL, MOST_WORK = 25, 400_000

WRITE = """
import sys
from datetime import UTC, datetime
from harness.cli.registry_session import open_session
from harness.model.event import PlanProgressed

where, plan, first, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
at = datetime(2020, 3, 2, 9, 0, tzinfo=UTC)
with open_session(where) as session:
    sys.stdin.readline()
    for note in range(first, first + number):
        session.advance(plan, PlanProgressed(at=at, actor="Acme", plan=plan, note=str(note)))
        print(note, flush=True)
"""
"""Records numbered notes about a plan, one in a transaction, and prints each number after it."""


def writer(where: Path | str, plan: str, first: int, number: int) -> subprocess.Popen[str]:
    """A process that waits for a line, and then records notes about a plan."""
    return Started(
        [sys.executable, "-c", WRITE, str(where), plan, str(first), str(number)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def make_agreed_plans(where: Path | str, number: int) -> None:
    """Make a registry in which a supplier has so many agreed plans."""
    events: list[Event] = []
    for count in range(1, number + 1):
        finding = example_finding(
            id=f"F-{count:04d}",
            requirement=f"URL-{count:02d}",
            title="",
            scheme="s",
            scheme_version="1",
            opened=AT,
            supplier="Acme",
        )
        drafted = draft_plan(finding, at=AT, actor="Ann")
        events += [FindingOpened(at=AT, actor="Ann", finding=finding), drafted]
        events.append(
            PlanAgreed(
                at=AT,
                actor="Ann",
                plan=drafted.plan,
                owner="Acme",
                corrective_action="Mend",
                root_cause="r",
                preventive_action="p",
                containment="c",
            )
        )
    with open_session(where, create=True) as session:
        session.record(ACME, *events)


def notes_of(where: Path | str, plan: str) -> list[int]:
    """The numbers of the notes about a plan, in order; everything in the registry is checked."""
    with open_session(where) as session:
        verify_streams(session.registry)
        assert changed_rows(session.registry) == []
        with session.registry.reading(ACME.stream) as access:
            events = [event for _, event in access.found(about=[plan])]
    return [int(event.note) for event in events if isinstance(event, PlanProgressed)]


def require_writers_lose_nothing(where: Path | str) -> None:
    """Eight processes record notes about a plan each, in one stream: none is lost or doubled."""
    make_agreed_plans(where, WRITERS)
    plans = [f"P-{number:04d}" for number in range(1, WRITERS + 1)]
    started = [writer(where, plan, 1, NOTES) for plan in plans]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate() for process in started]

    assert {error for _, error in ended} == {""}
    assert {process.returncode for process in started} == {0}
    for plan in plans:
        assert notes_of(where, plan) == list(range(1, NOTES + 1)), plan
    with open_session(where) as session:
        (head,) = session.registry.heads()
    assert head.events == 1 + 3 * WRITERS + WRITERS * NOTES


def require_kills_lose_nothing(where: Path | str, seed: int) -> None:
    """Kill writers at random moments: what they said was recorded is there, once, in order."""
    rng, plan = Random(seed), "P-0001"
    make_agreed_plans(where, 1)
    held: list[int] = []
    for kill in range(1, KILLS + 1):
        said = killed_writer(where, plan, kill * 10_000, rng)
        after = notes_of(where, plan)

        assert after[: len(held)] == held, "what was recorded before stays"
        new = after[len(held) :]
        assert new == list(range(kill * 10_000, kill * 10_000 + len(new)))
        assert new[: len(said)] == said
        assert len(new) - len(said) in (0, 1), "at most one was recorded and not yet told"
        held = after
    assert len(held) >= KILLS
    last = writer(where, plan, 1, 3)
    _, error = last.communicate("go\n")
    assert (last.returncode, error) == (0, "")
    assert notes_of(where, plan) == [*held, 1, 2, 3]


def killed_writer(where: Path | str, plan: str, first: int, rng: Random) -> list[int]:
    """Start a writer, kill it at a random moment, and return the numbers that it printed."""
    process = writer(where, plan, first, 9_000)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    said = [process.stdout.readline() for _ in range(rng.randint(1, MOST_BEFORE_A_KILL))]
    sum(range(rng.randrange(MOST_WORK)))  # so that it is killed in any part of a transaction
    process.kill()
    rest, error = process.communicate()
    assert error == ""
    lines = "".join(said) + rest
    return [int(line) for line in lines.splitlines(keepends=True) if line.endswith("\n")]


def require_lives_are_stored(where: Path | str, part: int) -> None:
    """Run one of four parts of the lives with two writers."""
    seeds = range(part * LIVES, (part + 1) * LIVES)
    reached = run_stored_lives(where, seeds)
    if IS_FULL:
        require_reached(reached, LIVES)


def test_eight_processes_that_write_one_stream_lose_and_double_no_event(tmp_path: Path) -> None:
    require_writers_lose_nothing(tmp_path / "registry.sqlite")


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_killed_writer_said_was_recorded_is_there(tmp_path: Path, seed: int) -> None:
    require_kills_lose_nothing(tmp_path / "registry.sqlite", seed)


@pytest.mark.parametrize("part", range(4))
def test_lives_with_two_writers_are_stored_as_they_were_in_memory(
    tmp_path: Path, part: int
) -> None:
    require_lives_are_stored(tmp_path / "registry.sqlite", part)
