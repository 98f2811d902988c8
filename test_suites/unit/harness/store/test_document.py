"""A document is there whole, or what was there before stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.store.document import write_document


def test_writes_into_a_folder_that_it_makes(tmp_path: Path) -> None:
    path = write_document(tmp_path / "out" / "deep" / "report.html", b"whole")

    assert path.read_bytes() == b"whole"
    assert [each.name for each in path.parent.iterdir()] == ["report.html"]


def test_a_disk_that_refuses_leaves_the_old_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_document(tmp_path / "report.html", b"old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.store.document.write_whole", refuse)
    with pytest.raises(InstrumentError, match=r"report\.html: cannot be written: No space left"):
        write_document(path, b"new")

    assert path.read_bytes() == b"old"


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    with pytest.raises(InstrumentError, match="cannot be written"):
        write_document(tmp_path / "out" / "report.html", b"new")
