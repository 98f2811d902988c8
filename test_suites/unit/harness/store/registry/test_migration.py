"""A registry of one chain is divided into streams, and nothing that it held is lost or changed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.cli import registry_care
from harness.cli.main import app
from harness.cli.registry_care import changed_rows, verify_streams
from harness.cli.registry_facts import appeals_in
from harness.cli.registry_session import open_session
from harness.errors import InstrumentError, UsageError
from harness.follow.derived_rows import rows_of
from harness.follow.findings import draft_plan
from harness.follow.replay import replay
from harness.model.action_plan import Finding, PlanState, Retest, RetestResult
from harness.model.corpus import Appeal
from harness.model.event import (
    AppealDecided,
    ClockCorrected,
    Event,
    FindingOpened,
    FixClaimed,
    PlanAgreed,
    PlanClosed,
    PlanProgressed,
    RegistryMigrated,
    RetestConcluded,
    RetestStarted,
    StreamOpened,
    VendorCheckedIn,
)
from harness.store.registry.opening import OldRegistry, open_registry
from test_suites.kit.campaigns.example import example_finding

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
FINDING = example_finding(opened=NOW, service="Safe Net", supplier="Acme")
BETAS = replace(FINDING, id="F-0002", supplier="Beta", service="Beta Net")
SERVICE_ONLY = replace(FINDING, id="F-0003", supplier="", service="Solo Net")
NAMELESS = replace(FINDING, id="F-0004", supplier="", service="")
APPEAL = Appeal(
    pack="urls", item="a", before=("GAMB",), labels=("NEWS",), reason="r", appellant="Bo", upheld=True
)  # fmt: skip
CONFORMING = Retest(
    campaign="r1",
    at=NOW,
    outcome=RetestResult.CONFORMS,
    statement="",
    missed_tested=1,
    missed_still_failing=(),
    fresh_tested=60,
)


def after(hours: float) -> dict[str, Any]:
    return {"at": NOW + timedelta(hours=hours), "actor": "Ann"}


def begun(finding: Finding, hours: float = 0) -> tuple[Event, Event]:
    drafted = draft_plan(finding, at=NOW + timedelta(hours=hours), actor="Ann")
    return FindingOpened(**after(hours), finding=finding), drafted


EVENTS: tuple[Event, ...] = (
    *begun(FINDING),
    *begun(BETAS),
    AppealDecided(**after(1), appeal=APPEAL),
    PlanAgreed(**after(1), plan="P-0001", owner="Acme", corrective_action="Mend"),
    PlanAgreed(**after(1), plan="P-0002", owner="Beta", corrective_action="Mend"),
    PlanProgressed(**after(-2), plan="P-0001", note="dated before the earlier ones"),
    *begun(SERVICE_ONLY, 2),
    VendorCheckedIn(**after(700), plan="P-0002", vendor="V", result="dated in the future"),
    ClockCorrected(**after(3), reason="the clock was wrong"),
    PlanProgressed(**after(4), plan="P-0002", note="n"),
    *begun(NAMELESS, 4),
    FixClaimed(at=NOW + timedelta(hours=4), actor="Acme", plan="P-0001", statement="s"),
    RetestStarted(**after(5), plan="P-0001", campaign="r1"),
    RetestConcluded(**after(6), plan="P-0001", retest=CONFORMING, service="Safe Net"),
    PlanClosed(**after(7), plan="P-0001"),
)
STREAMS = {
    "supplier:acme": ("Acme", (0, 1, 5, 7, 15, 16, 17, 18)),
    "supplier:beta": ("Beta", (2, 3, 6, 10, 11, 12)),
    "service:solo net": ("service Solo Net", (8, 9)),
    "supplier:unnamed supplier": ("unnamed supplier", (13, 14)),
    "owner": ("the owner of the scheme", (4,)),
}
"""The name of each stream, and which of the old events are in it."""

OLD_TABLES = """
    CREATE TABLE events (
        position INTEGER NOT NULL, at DATETIME NOT NULL, actor TEXT NOT NULL,
        kind VARCHAR(40) NOT NULL, body TEXT NOT NULL, previous VARCHAR(64) NOT NULL,
        hash VARCHAR(64) NOT NULL, PRIMARY KEY (position), UNIQUE (previous), UNIQUE (hash)
    );
    CREATE TABLE registry_head (
        id INTEGER NOT NULL, events INTEGER NOT NULL, hash VARCHAR(64) NOT NULL, PRIMARY KEY (id)
    );
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END;
    CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the registry is append-only'); END;
    CREATE TRIGGER registry_head_grows BEFORE UPDATE ON registry_head
    WHEN NEW.events <= OLD.events
    BEGIN SELECT RAISE(ABORT, 'the head of the registry only grows'); END;
    CREATE TRIGGER registry_head_stays BEFORE DELETE ON registry_head
    BEGIN SELECT RAISE(ABORT, 'the head of the registry stays'); END;
"""


def old_rows(events: Iterable[Event]) -> Iterator[dict[str, Any]]:
    """The rows of the old chain, as earlier versions wrote them to SQLite."""
    previous = "0" * 64
    for position, event in enumerate(events, 1):
        body = msgspec.json.encode(event).decode()
        digest = hashlib.sha256(f"{position}\x1f{previous}\x1f{body}".encode()).hexdigest()
        yield {
            "position": position,
            "at": f"{event.at:%Y-%m-%d %H:%M:%S.%f}",
            "actor": event.actor,
            "kind": event.__struct_config__.tag,
            "body": body,
            "previous": previous,
            "hash": digest,
        }
        previous = digest


def make_old(path: Path, events: Iterable[Event]) -> list[str]:
    """Make a registry as earlier versions did, and return the hash of each event."""
    rows = list(old_rows(events))
    hashes = [row["hash"] for row in rows]
    names = ":position, :at, :actor, :kind, :body, :previous, :hash"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_TABLES)
        connection.executemany(f"INSERT INTO events VALUES ({names})", rows)
        if hashes:
            head = (1, len(hashes), hashes[-1])
            connection.execute("INSERT INTO registry_head VALUES (?, ?, ?)", head)
        connection.commit()
    return hashes


def dump(path: Path) -> list[str]:
    """Everything that is in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.sqlite"


@pytest.fixture
def accredit(path: Path) -> Callable[..., str]:
    """Run ``accredit ...`` on the registry; gives what it printed, raises what it raised."""

    def run(*words: str) -> str:
        ended = CliRunner().invoke(app, [*words, "--registry", str(path)], catch_exceptions=False)
        assert ended.exit_code == 0, ended.output
        return " ".join(ended.output.split())

    return run


def test_every_event_is_in_its_stream_with_the_same_text(
    path: Path, accredit: Callable[..., str]
) -> None:
    hashes = make_old(path, EVENTS)
    assert f"{path}: 19 events are in 5 streams now" in accredit("registry", "migrate")

    with open_registry(path) as registry:
        assert {head.stream: head.name for head in registry.heads()} == {
            stream: name for stream, (name, _) in STREAMS.items()
        }
        for stream, (name, positions) in STREAMS.items():
            with registry.reading(stream) as access:
                events = access.events()
                bodies = [row["body"] for row in access.rows_as_stored()]
                assert {(row.kind, row.id): row for row in access.rows()} == {
                    (row.kind, row.id): row for row in rows_of(replay(events))
                }
            assert isinstance(events[0], StreamOpened)
            assert events[0].name == name
            old = [msgspec.json.encode(EVENTS[number]).decode() for number in positions]
            assert bodies[1 : 1 + len(old)] == old
            added = events[1 + len(old) :]
            migrated = added[0] if added else None
            assert (migrated is None) == (stream != "owner")
            if isinstance(migrated, RegistryMigrated):
                assert (migrated.events, migrated.hash) == (19, hashes[-1])
        assert len(verify_streams(registry)) == 6
        assert changed_rows(registry) == []


def test_plans_and_appeals_are_what_the_old_events_gave(
    path: Path, accredit: Callable[..., str]
) -> None:
    make_old(path, EVENTS)
    before = replay(EVENTS)
    accredit("registry", "migrate")

    with open_session(path) as session:
        plans = session.plans()
        assert {held.plan.id: held.plan for held in plans} == before.plans
        assert {held.finding.id: held.finding for held in plans} == before.findings
        assert [session.plan(name).plan for name in before.plans] == list(before.plans.values())
        acme, beta = session.plan("P-0001"), session.plan("P-0002")
    assert acme.plan.state is PlanState.CLOSED
    assert [each.at for each in acme.clock.backward] == [NOW - timedelta(hours=2)]
    assert acme.clock.corrections == ()
    assert beta.clock.corrections == (EVENTS[11],)
    assert appeals_in(path) == (APPEAL,)


def test_new_events_follow_the_migrated_ones(path: Path, accredit: Callable[..., str]) -> None:
    make_old(path, EVENTS)
    accredit("registry", "migrate")
    with open_session(path) as session:
        note = PlanProgressed(**after(8), plan="P-0002", note="n")
        assert session.advance("P-0002", note).history[-1].endswith("progress: n")
        with pytest.raises(UsageError, match="P-0001 is closed"):
            session.advance("P-0001", PlanProgressed(**after(8), plan="P-0001", note="n"))

    assert "unchanged" in accredit("registry", "verify")


def test_heads_that_were_printed_before_are_still_found(
    path: Path, accredit: Callable[..., str]
) -> None:
    hashes = make_old(path, EVENTS)
    accredit("registry", "migrate")

    for number in (1, 10, 19):
        told = accredit("registry", "verify", "--head", hashes[number - 1][:16])
        assert f"printed head: {number} events of before there were streams are unch" in told
    with pytest.raises(InstrumentError, match="never had the head 0123456789abcdef"):
        accredit("registry", "verify", "--head", "0123456789abcdef")


def test_the_old_chain_takes_no_new_event_and_a_change_in_it_is_found(
    path: Path, accredit: Callable[..., str]
) -> None:
    make_old(path, EVENTS)
    accredit("registry", "migrate")

    copy = "INSERT INTO events SELECT 20, at, actor, kind, body, hash, 'x' FROM events WHERE position = 19"
    with pytest.raises(sqlite3.IntegrityError, match="has streams; use a newer Accredit"):
        execute(path, copy)
    execute(
        path, "DROP TRIGGER events_no_update", "UPDATE events SET actor = 'x' WHERE position = 3"
    )
    with pytest.raises(InstrumentError, match="event 3 was changed"):
        accredit("registry", "verify")


def test_a_second_migration_changes_nothing(path: Path, accredit: Callable[..., str]) -> None:
    make_old(path, EVENTS)
    accredit("registry", "migrate")
    before = dump(path)

    assert f"{path}: is up to date" in accredit("registry", "migrate")
    assert dump(path) == before


def test_an_old_registry_without_events_becomes_an_empty_one(
    path: Path, accredit: Callable[..., str]
) -> None:
    make_old(path, ())
    accredit("registry", "migrate")

    with open_registry(path) as registry:
        assert registry.heads() == ()
    assert "is up to date" in accredit("registry", "migrate")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE events SET actor = 'Bob' WHERE position = 2", "event 2 was changed"),
        ("UPDATE events SET body = '{}' WHERE position = 19", "event 19 was changed"),
        ("DELETE FROM events WHERE position = 4", "event 4 was changed"),
        ("DELETE FROM events WHERE position = 19", "holds 18 events, but its head records 19"),
        ("DELETE FROM events", "holds 0 events, but its head records 19"),
        ("UPDATE registry_head SET events = 2", "holds 19 events, but its head records 2"),
        ("DELETE FROM registry_head", "holds 19 events, but its head is missing"),
    ],
)
def test_an_old_chain_that_was_changed_is_refused_and_left_as_it_is(
    path: Path, accredit: Callable[..., str], statement: str, told: str
) -> None:
    make_old(path, EVENTS)
    rules = ("events_no_update", "events_no_delete", "registry_head_grows", "registry_head_stays")
    execute(path, *(f"DROP TRIGGER {name}" for name in rules), statement)
    before = dump(path)

    with pytest.raises(InstrumentError, match=told):
        accredit("registry", "migrate")
    assert dump(path) == before


def test_an_error_in_the_middle_leaves_the_old_registry_as_it_was(
    path: Path, accredit: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old(path, EVENTS)
    before, calls = dump(path), list[object]()

    def fail_at_the_third(state: object) -> Iterable[object]:
        calls.append(state)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return ()

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):  # noqa: PT012 - the patch must end
        patched.setattr(registry_care, "rows_of", fail_at_the_third)
        accredit("registry", "migrate")

    assert dump(path) == before
    assert "19 events are in 5 streams now" in accredit("registry", "migrate")


OLD_WORDS = [
    ("plan", "list"),
    ("plan", "show", "P-0001"),
    ("plan", "agree", "P-0001", "--owner", "o", "--action", "a"),
    ("plan", "claim", "P-0001", "--statement", "s"),
    ("plan", "close", "P-0001"),
    ("plan", "correct-clock", "--reason", "r"),
    ("registry", "add", "service", "Safe Net", "--supplier", "Acme"),
    ("registry", "close", "service", "Safe Net", "--supplier", "Acme", "--reason", "r"),
    ("registry", "list"),
    ("registry", "verify"),
    ("registry", "rebuild"),
    ("registry", "export", "--supplier", "Acme", "--to", "x"),
]


@pytest.mark.parametrize("words", OLD_WORDS, ids=" ".join)
def test_without_migration_every_other_command_says_that_it_is_needed(
    path: Path, accredit: Callable[..., str], words: tuple[str, ...]
) -> None:
    make_old(path, EVENTS)
    before = dump(path)

    with pytest.raises(UsageError, match="'accredit registry migrate' brings it up") as caught:
        accredit(*words)
    assert (len(caught.value.args), caught.value.exit_code) == (1, 2)
    assert dump(path) == before
    with pytest.raises(OldRegistry, match="earlier version"):
        appeals_in(path)


@pytest.mark.parametrize("supplier", ["ACME", "acme ", " ", "A" * 201, "Ac\tme\x07"])
def test_every_name_of_a_supplier_that_old_registries_allowed_can_be_migrated(
    path: Path, accredit: Callable[..., str], supplier: str
) -> None:
    other = replace(FINDING, id="F-0002", supplier=supplier, requirement="URL-02")
    make_old(path, [*begun(FINDING), *begun(other)])

    assert "4 events are in" in accredit("registry", "migrate")
    with open_session(path) as session:
        assert sorted(held.finding.supplier for held in session.plans()) == sorted(
            ["Acme", supplier]
        )
