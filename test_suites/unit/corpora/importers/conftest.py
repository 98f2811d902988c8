"""Reads a list given as text or bytes, and gives the rows of its report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from corpora.read_list import ReportRow, import_list

Read = Callable[[str, str | bytes], list[ReportRow]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(form: str, content: str | bytes) -> list[ReportRow]:
        path = tmp_path / "list.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(import_list(form, path))

    return read_text
