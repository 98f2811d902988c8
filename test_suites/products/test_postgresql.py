"""The registry in a real PostgreSQL: append-only, hash-chained, and safe with many writers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.cli.paths import REGISTRY, CampaignPaths
from harness.cli.registry_session import appeals_in, open_plans
from harness.errors import InstrumentError, UsageError
from harness.model.event import FixClaimed, PlanClosed
from harness.store.registry import START, open_registry
from test_suites.example import example_assessment
from test_suites.products.postgresql import PostgreSql

pytestmark = pytest.mark.product("initdb", "postgres")

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
EVENTS = (
    FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement="one\x00 and '; DROP TABLE events"),
    FixClaimed(at=NOW, actor="Acmé", plan="P-0001", statement="two"),
    PlanClosed(at=NOW, actor="Ann", plan="P-0001"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


@pytest.fixture
def url(server: PostgreSql) -> str:
    """A database of this test's own."""
    return server.new_database()


def execute(url: str, *statements: str) -> None:
    """Change the database behind the registry's back."""
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def test_events_are_read_in_order_with_a_valid_hash_chain(url: str) -> None:
    with pytest.raises(UsageError, match="no registry in this database"):
        open_registry(url)
    with open_registry(url, create=True) as registry:
        assert (registry.events(), registry.hashes()) == ((), ())
        assert registry.append(*EVENTS[:2], after=0) == 2
        assert registry.append(EVENTS[2], after=2) == 3

    with open_registry(url, create=True) as again:
        assert again.events() == EVENTS
        assert len(again.hashes()) == 3
        assert again.hashes()[-1] != START


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET actor = 'Bob'", "DELETE FROM events", "TRUNCATE events"],
)
def test_the_database_refuses_to_change_events(url: str, statement: str) -> None:
    with open_registry(url, create=True) as registry:
        registry.append(*EVENTS, after=0)

        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            execute(url, statement)
        assert len(registry.hashes()) == 3


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE events SET actor = 'Bob' WHERE position = 2", 2),
        ("UPDATE events SET body = '{}' WHERE position = 3", 3),
        ("DELETE FROM events WHERE position = 1", 1),
    ],
)
def test_the_hash_chain_shows_which_event_was_changed(
    url: str, statement: str, position: int
) -> None:
    with open_registry(url, create=True) as registry:
        registry.append(*EVENTS, after=0)
        execute(url, "DROP TRIGGER events_append_only ON events", statement)

        with pytest.raises(InstrumentError, match=f"event {position} was changed"):
            len(registry.hashes())


def test_concurrent_writers_lose_no_event(url: str) -> None:
    """Each writer retries after a refusal until all its events are written."""
    open_registry(url, create=True).close()

    def write(name: int) -> int:
        refused = 0
        with open_registry(url) as registry:
            for number in range(5):
                said = FixClaimed(at=NOW, actor=f"{name}", plan="P", statement=f"{number}")
                while True:
                    try:
                        registry.append(said, after=len(registry.events()))
                        break
                    except UsageError:
                        refused += 1
        return refused

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with open_registry(url) as registry:
        events = registry.events()

    assert len(events) == 30
    for name in range(6):
        told = [e.statement for e in events if isinstance(e, FixClaimed) and e.actor == f"{name}"]
        assert ["0", "1", "2", "3", "4"] == told


def test_a_writer_that_has_not_read_the_last_event_cannot_append(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_registry(url, create=True) as one, open_registry(url) as other:
        monkeypatch.setattr(other, "_chain", lambda: iter(()))  # it looked just before
        one.append(EVENTS[0], after=0)

        with pytest.raises(UsageError, match="somebody else changed it meanwhile"):
            other.append(EVENTS[1], EVENTS[2], after=0)
        assert one.events() == EVENTS[:1]


def test_plans_are_opened_and_followed_in_the_database(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REGISTRY, url)
    assert appeals_in(url) == ()
    opened = open_plans(example_assessment(), CampaignPaths(out=tmp_path, campaign="autumn"))

    shown = CliRunner().invoke(app, ["plan", "list"])

    assert opened
    assert 0 == shown.exit_code, shown.output
    assert all(plan.id in shown.output for plan in opened)
    assert [] == list(tmp_path.iterdir())


def test_the_message_about_a_wrong_password_does_not_contain_it(server: PostgreSql) -> None:
    wrong = server.new_database().replace(server.password, "wrong-secret")

    with pytest.raises(UsageError, match="authentication failed") as caught:
        open_registry(wrong)
    assert "wrong-secret" not in str(caught.value)
