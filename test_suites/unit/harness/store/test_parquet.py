"""DuckDB is kept on a short lead."""

from __future__ import annotations

from pathlib import Path

from harness.store.parquet import connect, quoted


def test_it_has_one_thread_and_fetches_nothing() -> None:
    with connect() as connection:
        question = (
            "SELECT current_setting('threads'), current_setting('autoinstall_known_extensions')"
        )

        assert [(1, False)] == connection.execute(question).fetchall()


def test_a_path_with_a_quote_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "O'Neill.parquet"
    with connect() as connection:
        connection.execute(f"COPY (SELECT 7 AS seven) TO {quoted(path)} (FORMAT parquet)")

        assert [(7,)] == connection.execute(f"FROM read_parquet({quoted(path)})").fetchall()
