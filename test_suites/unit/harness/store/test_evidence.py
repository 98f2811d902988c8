"""Evidence is kept once, by digest."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InstrumentError, UsageError
from harness.model.observation import Evidence
from harness.store.evidence import EvidenceFolder

PAGE = Evidence(media_type="text/html", body=b"<p>This page is blocked")
ABSENT = "sha256:" + "0" * 64


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_keeps_a_body_once_under_its_digest(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)

    digest = store.keep(PAGE)

    assert digest == PAGE.digest
    assert store.read(digest) == PAGE.body
    assert store.media_type(digest) == "text/html"
    name = digest.removeprefix("sha256:")
    assert tmp_path / name[:2] / name[2:4] / name in files(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    store.keep(PAGE)
    assert before == {path: path.stat().st_mtime_ns for path in files(tmp_path)}


def test_a_changed_body_is_noticed_and_mended_when_kept_again(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)
    digest = store.keep(PAGE)
    body = next(path for path in files(tmp_path) if not path.suffix)
    body.write_bytes(b"")

    with pytest.raises(InstrumentError, match="the evidence was changed"):
        store.read(digest)
    store.keep(PAGE)

    assert store.read(digest) == PAGE.body


@pytest.mark.parametrize(
    ("digest", "why"),
    [
        (ABSENT, "no evidence sha256:000"),
        ("../../etc/passwd", "not a digest"),
        ("", "not a digest"),
    ],
)
def test_unknown_digests_are_the_users_mistake(tmp_path: Path, digest: str, why: str) -> None:
    store = EvidenceFolder(tmp_path)

    with pytest.raises(UsageError, match=why):
        store.read(digest)
    with pytest.raises(UsageError, match=why):
        store.media_type(digest)


def test_a_disk_that_does_not_take_it_is_our_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InstrumentError, match="evidence cannot be stored"):
        EvidenceFolder(tmp_path / "file").keep(PAGE)
