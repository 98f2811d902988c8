"""A registry keeps what a hub needs of its agents; one from before gets its tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.store.hub.hub_tables import METADATA as HUB
from harness.store.registry import agent_store
from harness.store.registry.opening import open_registry
from harness.store.registry.streams import Registry

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGENT, OTHER = "a" * 32, "b" * 32
TABLES = ("agent_messages", "agent_statuses", "agent_orders", "agent_reports", *HUB.tables)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry.sqlite", create=True) as one:
        yield one


def require_a_message_counts_once(registry: Registry) -> None:
    """Of many threads that bring the same message one is accepted."""

    def accept(agent: str, message: str, now: datetime = NOW) -> bool:
        with registry.transaction(is_writing=True) as connection:
            return agent_store.accept_message(connection, agent, message, now, now)

    with ThreadPoolExecutor(4) as threads:
        taken = list(threads.map(lambda _: accept(AGENT, "m" * 32), range(12)))
    assert taken.count(True) == 1
    assert accept(OTHER, "m" * 32)
    assert not accept(AGENT, "m" * 32, NOW + timedelta(hours=23))
    assert accept(AGENT, "n" * 32, NOW + timedelta(hours=25))
    assert accept(AGENT, "m" * 32, NOW + timedelta(hours=25)), "ids of a day ago are removed"


def require_orders_are_numbered(registry: Registry) -> None:
    def number(digest: str, agent: str = AGENT, above: int = 0) -> int:
        with registry.transaction(is_writing=True) as connection:
            held = agent_store.number_order(connection, agent, digest, NOW, above=above)
        return held.serial

    assert [number(each) for each in ("x", "x", "y", "x")] == [1, 1, 2, 3]
    assert number("x", OTHER) == 1
    assert [number("x", above=each) for each in (3, 9, 10, 2**31, 2**70)] == [3, 10, 10, 10, 10]
    with registry.transaction() as connection:
        assert {agent: each.serial for agent, each in agent_store.orders(connection).items()} == {
            AGENT: 10, OTHER: 1,
        }  # fmt: skip


def require_statuses_and_reports_are_kept(registry: Registry) -> None:
    def keep(run: str, at: datetime = NOW) -> bool:
        with registry.transaction(is_writing=True) as connection:
            return agent_store.keep_report(connection, AGENT, run, "", at)

    with registry.transaction(is_writing=True) as connection:
        agent_store.keep_status(connection, AGENT, "1", NOW)
        agent_store.keep_status(connection, AGENT, '{"a":"\\u0000é"}', NOW + timedelta(hours=1))
    assert [keep("r"), keep("r"), keep("q", NOW - timedelta(days=1))] == [True, False, True]
    with registry.transaction(is_writing=True) as connection:
        agent_store.end_report(connection, AGENT, "r", agent_store.ASIDE, "why")
        found = agent_store.statuses(connection)
        assert found == {AGENT: (NOW + timedelta(hours=1), '{"a":"\\u0000é"}')}
        rows = agent_store.reports(connection)
        assert [(each.run, each.state, each.reason) for each in rows] == [
            ("q", "waiting", ""), ("r", "aside", "why"),
        ]  # fmt: skip
        assert agent_store.reports(connection, state="waiting", agent=AGENT) == rows[:1]
        assert agent_store.count_reports(connection, AGENT, "aside") == 1
        assert agent_store.count_reports(connection, OTHER, "aside") == 0


REQUIREMENTS: tuple[Callable[[Registry], None], ...] = (
    require_a_message_counts_once,
    require_orders_are_numbered,
    require_statuses_and_reports_are_kept,
)


@pytest.mark.parametrize("require", REQUIREMENTS)
def test_in_sqlite(registry: Registry, require: Callable[[Registry], None]) -> None:
    require(registry)


def of_version(path: Path, version: str) -> None:
    """Make a registry as it was before there were agents (0001) or the pages of a hub (0002)."""
    open_registry(path, create=True).close()
    with closing(sqlite3.connect(path)) as connection:
        for table in TABLES if version == "0001" else HUB.tables:
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE registry_schema SET version_num = ?", (version,))
        connection.commit()


def tables_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_a_registry_from_before_is_read_as_it_is_and_upgraded_where_it_is_made(
    tmp_path: Path, version: str
) -> None:
    path = tmp_path / "registry.sqlite"
    of_version(path, version)

    with open_registry(path) as registry:
        assert registry.heads() == ()
    assert not tables_in(path) & {*HUB.tables}
    with open_registry(path, create=True) as registry:
        require_orders_are_numbered(registry)
    assert tables_in(path) >= {*TABLES}


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_a_registry_from_before_is_migrated_by_hand(tmp_path: Path, version: str) -> None:
    path = tmp_path / "registry.sqlite"
    of_version(path, version)

    for told in (f"{path}: migrated\n", f"{path}: is up to date\n"):
        ended = CliRunner().invoke(app, ["registry", "migrate", "--registry", str(path)])
        assert (ended.exit_code, ended.stdout) == (0, told)
    assert tables_in(path) >= {*TABLES}
