"""A hub that has measured, with accounts and rows for pages, for tests of its upkeep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from harness.cli import hub_backup
from harness.cli.monitor_run import CarriedOut, carry_out, monitored
from harness.monitor.monitoring_file import read_monitoring
from harness.store.hub.hub_tables import DOCUMENTS, ITEMS, METADATA, PEOPLE, SESSIONS, TOKENS
from harness.store.registry.opening import open_registry
from harness.store.registry.tables import METADATA as REGISTRY_TABLES
from harness.store.registry.tables import UtcDateTime
from test_suites.kit.hubs.hub_example import NOW, HubExample, missed

ACME = "supplier:acme"
KEY = "run:acme/safe net/hill school/daily/202603{day:02d}T0615Z"


class BusyHub(HubExample):
    """A hub with a campaign of its own, an agent with a report and an upload, and accounts."""

    def fill(self) -> BusyHub:
        self.make()
        with self.running():
            agent = self.agent()
            agent.ask(missed(self))
            agent.upload(b"bundle" * 1000)
            parts = self.hub / "uploads" / agent.id
            parts.mkdir(parents=True, exist_ok=True)
            (parts / f"{hashlib.sha256(b'x').hexdigest()}.part").write_bytes(b"half")
        return self

    def measure(self, day: int = 2) -> CarriedOut:
        """Carry out the run of a day in March 2026 with the hub's own results."""
        self.clock.at = max(self.clock.at, NOW.replace(day=day, hour=6, minute=15))
        declared = read_monitoring(self.service.file)
        return carry_out(monitored(declared, KEY.format(day=day), self.folder / "out"), self.clock)

    def add_rows(self, campaign: str = "c") -> None:
        """Write rows of pages and accounts."""
        at = self.clock.at
        item = {"campaign": campaign, "number": 1, "evidence": bytes(range(256)), "tried_at": at}
        rows = (
            (ITEMS, item),
            (DOCUMENTS, {"kind": "service", "id": "s", "body": '{"a":"β\\u0000"}'}),
            (PEOPLE, {"id": "p1", "email": "ann@example.org", "name": "Ann"}),
            (SESSIONS, {"digest": "d", "person": "p1"}),
            (TOKENS, {"id": "t", "digest": "e", "person": "p1"}),
        )
        with (
            open_registry(self.folder / "out/registry.sqlite", create=True) as registry,
            registry.transaction(is_writing=True) as connection,
        ):
            for table, values in rows:
                connection.execute(insert(table).values(filled(table, values, at)))

    def back_up(self, *words: str) -> Path:
        """Write a backup beside everything."""
        path = self.folder / "backup.tar"
        before, hub_backup.clock = hub_backup.clock, self.clock
        try:
            self.accredit("hub", "backup", "--hub", str(self.hub), "--out", str(path), *words)
        finally:
            hub_backup.clock = before
        return path


def filled(table: Table, values: Mapping[str, object], at: datetime) -> dict[str, object]:
    """A row of a table, with values for the columns that must have one."""
    found: dict[str, object] = {"stream": ACME} if "stream" in table.c else {}
    for column in table.c:
        if column.name not in found and not column.nullable:
            is_time = isinstance(column.type, UtcDateTime)
            found[column.name] = at if is_time else column.type.python_type()
    return found | dict(values)


def rows_in(where: Path | str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of a registry, in order of their keys."""
    with open_registry(where) as registry, registry.transaction() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in (*REGISTRY_TABLES.sorted_tables, *METADATA.sorted_tables)
        }


def files_in(folder: Path) -> dict[str, bytes]:
    """The files below a folder, without databases and locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(("registry.sqlite", "lock"))
    }
