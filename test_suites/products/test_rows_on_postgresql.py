"""Rows of pages in a real PostgreSQL behind row-level security, made by several projectors."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.model.hub_access import Role, Viewer
from harness.store.hub.hub_tables import CAMPAIGNS
from harness.store.hub.repository import Repository
from test_suites.kit.hubs.hub_result_pages import SUPPLIER, ResultPages
from test_suites.kit.hubs.projected_example import projected
from test_suites.kit.hubs.site_example import example_views
from test_suites.products.postgresql import PostgreSql

pytestmark = pytest.mark.product("initdb", "postgres")

NORTHGATE, BRIGHTWATER = (view.name for view in example_views())


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


@pytest.fixture
def url(server: PostgreSql) -> str:
    """The URL of the role of a hub, of a database behind row-level security."""
    return server.bound_role(server.new_registry())


def test_rows_are_those_that_sqlite_holds(url: str, tmp_path: Path) -> None:
    with projected(tmp_path / "sqlite") as example:
        example.projector.catch_up()
        expected = example.rows()
    with projected(tmp_path / "postgresql", database=url) as example:
        assert {NORTHGATE, BRIGHTWATER} == set(example.projector.catch_up())
        assert expected == example.rows()


def test_projectors_at_one_time_make_each_row_once(url: str, tmp_path: Path) -> None:
    with projected(tmp_path / "sqlite") as example:
        example.projector.catch_up()
        expected = example.rows()
    with (
        projected(tmp_path / "postgresql", database=url) as example,
        ThreadPoolExecutor(4) as threads,
    ):
        projectors = [example.another() for _ in range(4)]
        list(threads.map(lambda each: each.catch_up(), projectors))
        assert [] == example.told
        assert expected == example.rows()


def test_pages_show_a_supplier_its_own_rows(url: str, tmp_path: Path) -> None:
    with projected(tmp_path, database=url) as example:
        example.projector.catch_up()
        page = ResultPages(example, frozenset({BRIGHTWATER})).get("/overview", SUPPLIER)
        assert 200 == page.status_code
        assert "Harbour Filter" in page.text
        assert "SchoolShield" not in page.text
        viewer = Viewer(role=Role.SUPPLIER, streams=frozenset({BRIGHTWATER}))
        with Repository(example.registry).reading(viewer) as reading:
            assert {BRIGHTWATER} == {row.stream for row in reading.rows(CAMPAIGNS)}
