"""SQL is written in few places: the repository of the hub, the registry, verdicts and migrations."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from test_suites.kit.rooms import modules, syntax

PLACES = ("harness/store/hub/", "harness/store/registry/")
"""Where SQLAlchemy may be imported; nothing else reaches the database of a hub."""

FILES = frozenset({
    "harness/cli/monitor_on_postgresql.py", "harness/cli/monitor_queue.py",
    "harness/verdicts/cached_verdicts.py", "harness/verdicts/count_outcomes.py",
})  # fmt: skip
"""Where a library brings its own tables (procrastinate's queue of jobs), and verdicts are counted."""

TABLES = "harness.store.hub.hub_tables"
"""Who has the tables can ask without the condition on the viewer."""

LIBRARIES = frozenset({"sqlalchemy", "alembic", "psycopg", "sqlite3"})
DUCKDB = "harness/store/parquet.py"
"""Where Parquet files are written and read; DuckDB is an extra."""


def _imports(path: Path) -> set[str]:
    """The packages that a module imports while it runs, not for its types alone."""
    found = set()
    for node in _run(syntax(path)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def _run(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below one, without what stands in ``if TYPE_CHECKING``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _run(child)


def test_a_database_is_reached_from_few_places() -> None:
    found = {
        str(path)
        for path in modules("harness", "corpora", "probes", "reports")
        if _imports(path) & LIBRARIES and not str(path).startswith(PLACES)
    }

    assert {*FILES} == found


def test_no_page_has_the_tables_of_the_hub() -> None:
    found = {
        str(path)
        for path in modules("harness", "corpora", "probes", "reports")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ImportFrom) and node.module == TABLES
        if not str(path).startswith(PLACES)
    }

    assert set() == found


def test_duckdb_is_used_for_parquet_files_alone() -> None:
    found = {
        str(path)
        for path in modules("harness", "corpora", "probes", "reports")
        if "duckdb" in _imports(path)
    }

    assert {DUCKDB} == found
