"""What was measured is read by the user alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.model.observation import Evidence, Observation
from harness.store.evidence import EvidenceFolder
from harness.store.journal.journal import SegmentJournal
from harness.store.private_files import make_private
from harness.store.registry.registry import open_registry


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A user whose files everybody may read and write, unless a program says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_journal_evidence_and_registry_are_private(
    tmp_path: Path, observe_batch: Callable[[int, int], list[Observation]]
) -> None:
    journal = SegmentJournal.create(tmp_path / "journal", {"campaign": "spring"})
    journal.append(1, observe_batch(1, 3))
    journal.seal()
    journal.append(2, observe_batch(2, 3))
    journal.close()
    EvidenceFolder(tmp_path / "evidence").keep(Evidence(body=b"body", media_type="text/html"))
    open_registry(tmp_path / "registry.sqlite", create=True).close()

    assert 0o700 == mode(tmp_path / "journal") == mode(tmp_path / "evidence")
    assert 0o600 == mode(tmp_path / "registry.sqlite")
    files = [path for path in (tmp_path / "journal").iterdir() if path.is_file()]
    assert {0o600} == {mode(path) for path in files}
    assert len(files) > 4


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_others_can_read_is_closed(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o750)

    make_private(tmp_path / "open")
    make_private(tmp_path / "deep/new")

    assert 0o700 == mode(tmp_path / "open") == mode(tmp_path / "deep/new")


def test_one_that_belongs_to_somebody_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)

    make_private(tmp_path)

    assert 0o755 == mode(tmp_path)
