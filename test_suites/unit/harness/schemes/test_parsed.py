"""Shipped documents are kept parsed; one that was changed, or a file that is lost, is parsed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import FaultyDocument
from harness.schemes import parsed
from harness.schemes.parsed import PARSED, digest_of, read_quickly, shipped_files
from harness.yaml_reader import read_document
from test_suites.documentation.parsed_schemes import parsed_text


def test_what_is_kept_is_what_parsing_gives() -> None:
    assert PARSED.read_text(encoding="utf-8") == parsed_text(), (
        "run python -m test_suites.documentation.parsed_schemes"
    )


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_each_shipped_document_is_the_same_both_ways(path: Path) -> None:
    assert read_quickly(path).data == read_document(path).data


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of schemes with one document; what is kept of it says something else."""
    text = "id: from-yaml\n"
    (tmp_path / "a.yaml").write_text(text)
    kept = {"a.yaml": {"sha256": digest_of(text), "data": {"id": "kept"}}}
    (tmp_path / "parsed.json").write_text(json.dumps(kept))
    monkeypatch.setattr(parsed, "FOLDER", tmp_path)
    monkeypatch.setattr(parsed, "PARSED", tmp_path / "parsed.json")
    parsed._parsed.cache_clear()
    return tmp_path


def test_an_unchanged_document_is_not_parsed_again(folder: Path) -> None:
    assert read_quickly(folder / "a.yaml").data == {"id": "kept"}


def test_a_changed_document_is_parsed(folder: Path) -> None:
    (folder / "a.yaml").write_text("id: changed\n")
    assert read_quickly(folder / "a.yaml").data == {"id": "changed"}


@pytest.mark.parametrize("damage", ["", "{", '{"a.yaml": 1}', None])
def test_without_what_was_kept_every_document_is_parsed(folder: Path, damage: str | None) -> None:
    if damage is None:
        (folder / "parsed.json").unlink()
    else:
        (folder / "parsed.json").write_text(damage)
    assert read_quickly(folder / "a.yaml").data == {"id": "from-yaml"}


def test_a_file_elsewhere_is_parsed_whatever_its_name(folder: Path) -> None:
    other = folder.parent / "elsewhere"
    other.mkdir(exist_ok=True)
    (other / "a.yaml").write_text("id: from-yaml\n")
    assert read_quickly(other / "a.yaml").data == {"id": "from-yaml"}
    (other / "a.yaml").write_text("a: [")
    with pytest.raises(FaultyDocument):
        read_quickly(other / "a.yaml")


@pytest.fixture(autouse=True)
def _forget() -> object:
    yield
    parsed._parsed.cache_clear()
