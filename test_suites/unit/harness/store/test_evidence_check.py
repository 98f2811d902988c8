"""Each body is what its name says, and those that are named are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.model.observation import Evidence
from harness.store.evidence import EvidenceFolder
from harness.store.evidence_check import changed_bodies, held_files, missing_bodies

PAGES = [Evidence(media_type="text/html", body=f"page {n}".encode()) for n in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for page in PAGES:
        EvidenceFolder(tmp_path / "evidence").keep(page)
    return tmp_path / "evidence"


def body(folder: Path, page: Evidence) -> Path:
    name = page.digest.removeprefix("sha256:")
    return folder / name[:2] / name[2:4] / name


def changed(folder: Path) -> list[str]:
    return list(changed_bodies(folder, held_files(folder)))


def test_what_was_kept_is_unchanged_and_there(folder: Path) -> None:
    assert changed(folder) == []
    assert missing_bodies(held_files(folder), [page.digest for page in PAGES]) == []


@pytest.mark.parametrize("content", [b"", b"page 1", b"page 0 "])
def test_a_body_with_another_content_is_named(folder: Path, content: bytes) -> None:
    path = body(folder, PAGES[0])
    path.write_bytes(content)

    assert changed(folder) == [f"{path}: its SHA-256 does not match its name: it was changed"]


def test_a_body_or_its_media_type_that_is_gone_is_missing(folder: Path) -> None:
    body(folder, PAGES[0]).unlink()
    body(folder, PAGES[2]).with_suffix(".type").unlink()

    missing = missing_bodies(held_files(folder), [page.digest for page in PAGES])

    assert missing == sorted((PAGES[0].digest, PAGES[2].digest))
    assert changed(folder) == []


def test_a_body_in_the_place_of_another_is_no_evidence(folder: Path) -> None:
    path = body(folder, PAGES[0])
    moved = folder / "ff" / "ff" / path.name
    moved.parent.mkdir(parents=True)
    path.rename(moved)

    assert changed(folder) == [f"{moved}: is no evidence: this file was added"]


def test_what_a_killed_process_leaves_and_hidden_files_are_passed_over(folder: Path) -> None:
    path = body(folder, PAGES[0])
    for name in (f"{path.name}.12.tmp", f"{path.name}.type.12.tmp", ".DS_Store"):
        (path.parent / name).write_bytes(b"half")

    assert changed(folder) == []


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert held_files(tmp_path / "none") == set()
