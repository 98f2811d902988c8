"""A backup of a real PostgreSQL is restored into a file, and one of a file into PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from harness.cli import hub_restore
from harness.cli.main import app
from harness.cli.paths import DATABASE
from harness.errors import InstrumentError, UsageError
from harness.store.registry.opening import open_registry
from test_suites.kit.hubs.hub_with_results import BusyHub, rows_in
from test_suites.products.postgresql import PostgreSql

pytestmark = pytest.mark.product("initdb", "postgres")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


def test_rows_go_from_a_file_to_postgresql_and_back(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, url = BusyHub(tmp_path / "one").fill(), server.new_database()
    hub.add_rows()
    first = rows_in(tmp_path / "one/out/registry.sqlite")
    said = hub.accredit(
        "hub", "restore", str(hub.back_up()), "--to", str(tmp_path / "two"), "--registry", url
    )

    assert first | {"hub_sessions": []} == rows_in(url)
    assert server.password not in said
    assert not (tmp_path / "two/results/registry.sqlite").exists()
    with open_registry(url) as registry:
        for statement in ("DELETE FROM stream_events", "UPDATE streams SET events = 1"):
            with (
                pytest.raises(InstrumentError, match=r"append-only|only grows"),
                registry.transaction(is_writing=True) as connection,
            ):
                connection.execute(text(statement))

    monkeypatch.setenv(DATABASE, url)
    back = tmp_path / "back.tar"
    hub.accredit("hub", "backup", "--hub", str(tmp_path / "two/hub"), "--out", str(back))
    monkeypatch.delenv(DATABASE)
    hub.accredit("hub", "restore", str(back), "--to", str(tmp_path / "three"))
    assert rows_in(url) == rows_in(tmp_path / "three/results/registry.sqlite")
    ended = CliRunner().invoke(
        app, ["registry", "verify", "--out", str(tmp_path / "three/results")]
    )
    assert 0 == ended.exit_code, ended.output


def test_a_database_that_holds_a_registry_is_refused(server: PostgreSql, tmp_path: Path) -> None:
    hub, url = BusyHub(tmp_path / "one").fill(), server.new_database()
    path = hub.back_up()
    hub_restore.restore(path, tmp_path / "two", url)
    before = rows_in(url)

    with pytest.raises(UsageError, match="holds a registry already"):
        hub_restore.restore(path, tmp_path / "three", url)
    assert before == rows_in(url)
    assert [] == [*tmp_path.glob("three*")]


def test_an_interrupted_restore_leaves_no_rows(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, url = BusyHub(tmp_path / "one").fill(), server.new_database()
    path = hub.back_up()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(hub_restore, "_place", stop)
        with pytest.raises(KeyboardInterrupt):
            hub_restore.restore(path, tmp_path / "two", url)
    assert {0} == {len(rows) for rows in rows_in(url).values()}
    assert [] == [*tmp_path.glob("two*")]

    hub_restore.restore(path, tmp_path / "two", url)  # the tables are there, without rows
    assert rows_in(tmp_path / "one/out/registry.sqlite") == rows_in(url)


def test_the_role_of_a_hub_that_is_bound_by_policies_can_back_up_and_expire(
    server: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, owner = BusyHub(tmp_path / "one").fill(), server.new_database()
    hub.add_rows()
    hub_restore.restore(hub.back_up(), tmp_path / "two", owner)
    monkeypatch.setenv(DATABASE, server.bound_role(owner, "keeper"))
    folder, path = str(tmp_path / "two/hub"), tmp_path / "three.tar"
    said = hub.accredit("hub", "doctor", "--hub", folder)
    assert "the role of the hub is bound by it" in said
    hub.accredit("hub", "backup", "--hub", folder, "--out", str(path))
    hub.change(tmp_path / "two/hub/hub.yaml", lambda one: one.update(retention={"bundles": "1d"}))
    (bundle,) = (tmp_path / "two/hub").glob("bundles/*/*.zip")
    os.utime(bundle, (0, 0))
    assert "bundles: 1 removed" in hub.accredit("hub", "expire", "--hub", folder)
    monkeypatch.delenv(DATABASE)

    hub_restore.restore(path, tmp_path / "three")
    left = {name: rows for name, rows in rows_in(owner).items() if name != "stream_events"}
    again = rows_in(tmp_path / "three/results/registry.sqlite")
    assert left.keys() | {"stream_events"} == again.keys()
    assert left["hub_items"] == again["hub_items"]
    assert len(rows_in(owner)["stream_events"]) == len(again["stream_events"]) + 1
