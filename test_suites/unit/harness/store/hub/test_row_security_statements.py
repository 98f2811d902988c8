"""The statements of row-level security, without a database; test_row_security.py has a real one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import UsageError
from harness.model.hub_access import Role, Viewer
from harness.store.hub.hub_tables import METADATA
from harness.store.hub.row_security import (
    PAGE_TABLES,
    PAGES,
    WITHOUT_POLICY,
    read_as,
    require_secured,
    secure,
)
from harness.store.registry.tables import METADATA as REGISTRY_TABLES
from test_suites.kit.rooms import ROOT


def test_every_table_has_policies_or_a_reason_for_none() -> None:
    """A new table has to be put into one of the two, and onto the page of the hub."""
    connection: Any = Recorded(standing=GOOD)
    secure(connection, "site_hub")
    secured = {each.split()[2] for each in connection.asked if "FORCE ROW LEVEL SECURITY" in each}
    bare = {table.name for tables in WITHOUT_POLICY.values() for table in tables}

    assert not secured & bare
    assert {*METADATA.tables, *REGISTRY_TABLES.tables} == secured | bare
    page = (ROOT / "docs/reference/hub.md").read_text(encoding="utf-8")
    assert not [name for name in sorted(secured | bare) if f"`{name}`" not in page]
    rights = [each for each in connection.asked if each.startswith("GRANT SELECT ON")]
    assert not [each for each in rights for name in bare if f" {name} TO {PAGES}" in each]


class Recorded:
    """A connection to PostgreSQL that records what it is asked, and answers as it was told."""

    def __init__(
        self, *, standing: Any = None, owned: tuple[str, ...] = (), forced: int = 8
    ) -> None:
        self.dialect = SimpleNamespace(name="postgresql")
        self.asked: list[str] = []
        self.given: list[Any] = []
        self._standing, self._owned, self._forced = standing, owned, forced

    def execute(self, statement: Any, values: Any = None) -> Any:
        self.asked.append(str(statement))
        self.given.append(values)
        return SimpleNamespace(one_or_none=lambda: self._standing)

    def scalar(self, statement: Any) -> str:
        self.asked.append(str(statement))
        return "site_hub"

    def scalars(self, statement: Any, values: Any) -> Any:
        found = self._owned if "relowner" in str(statement) else values["names"][: self._forced]
        return SimpleNamespace(all=lambda: list(found))


GOOD = SimpleNamespace(is_above=False, is_member=True)


def test_every_page_table_gets_a_forced_policy_and_reading_alone() -> None:
    connection: Any = Recorded(standing=GOOD)
    secure(connection, "site_hub")

    text = "\n".join(connection.asked)
    for table in PAGE_TABLES:
        assert f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY" in text
        assert f"GRANT SELECT ON {table.name} TO accredit_pages" in text
        assert f"CREATE POLICY accredit_pages ON {table.name} FOR SELECT" in text
    assert "GRANT accredit_pages, accredit_work TO site_hub" in text
    assert "DELETE ON stream_events" not in text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"standing": None}, "the database has no role"),
        ({"standing": SimpleNamespace(is_above=True, is_member=True)}, "is above row-level"),
        ({"standing": GOOD, "owned": ("hub_items",)}, "owns hub_items"),
        ({"standing": SimpleNamespace(is_above=False, is_member=False)}, "is no member of"),
        ({"standing": GOOD, "forced": 7}, "a table has no row-level security"),
    ],
)
def test_a_hub_that_is_not_bound_is_refused(changes: dict[str, Any], why: str) -> None:
    connection: Any = Recorded(**changes)

    with pytest.raises(UsageError, match=why):
        require_secured(connection)
    with pytest.raises(UsageError, match=why):
        secure(connection, "site_hub")


@pytest.mark.parametrize("name", ["", "A", "a b", "a;drop", "1a", "x" * 64])
def test_what_is_no_name_of_a_role_is_refused(name: str) -> None:
    connection: Any = Recorded(standing=GOOD)

    with pytest.raises(UsageError, match="is no name of a role"):
        secure(connection, name)
    assert connection.asked == []


def test_a_page_reads_as_the_role_of_pages_with_the_streams_of_its_viewer() -> None:
    connection: Any = Recorded()
    read_as(connection, Viewer(role=Role.SUPPLIER, person="p", streams=frozenset({"b", "a"})))
    read_as(connection, Viewer(role=Role.ASSESSOR, person="p", streams=None))

    assert {"streams": '["a","b"]', "sees_all": "off"} == connection.given[0]
    assert {"streams": "[]", "sees_all": "on"} == connection.given[1]
    assert all("set_config('role', 'accredit_pages', true)" in each for each in connection.asked)


def test_sqlite_needs_nothing() -> None:
    connection: Any = SimpleNamespace(dialect=SimpleNamespace(name="sqlite"))

    require_secured(connection)
    read_as(connection, Viewer())
