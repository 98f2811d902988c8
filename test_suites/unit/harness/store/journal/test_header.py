"""Headers are written whole, and say what differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InstrumentError, UsageError
from harness.store.journal.header import read_header, require_same, write_header


def test_is_written_for_people_and_read_back(tmp_path: Path) -> None:
    write_header(tmp_path / "a" / "b", {"campaign": "spring", "corpora": ["canary"]})

    text = read_header(tmp_path / "a" / "b")

    assert (
        text
        == b'{\n  "journal_format": 2,\n  "campaign": "spring",\n  "corpora": [\n    "canary"\n  ]\n}\n'
    )


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff"])
def test_a_wrong_header_is_the_users_mistake(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "header.json").write_bytes(text)

    with pytest.raises(UsageError, match=r"header.json: not the header of a journal"):
        read_header(tmp_path)


def test_a_missing_header_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no journal here.*'accredit measure' makes one"):
        read_header(tmp_path)


def test_a_file_is_no_folder_of_a_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("words")

    with pytest.raises(UsageError, match=r"file: no journal here: this is a file; give the folder"):
        read_header(tmp_path / "file")


def test_a_folder_that_cannot_be_made_is_our_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(InstrumentError, match="no journal can be started here"):
        write_header(tmp_path / "file" / "journal", {})


def test_names_each_difference_also_inside_a_json_text(tmp_path: Path) -> None:
    held = {"campaign": '{"seed":"a","limits":{"batch":1}}', "items": "x", "gone": 1}
    wanted = {"campaign": '{"seed":"a","limits":{"batch":2}}', "items": "y", "new": ("b",)}

    with pytest.raises(UsageError, match=r"\(changed: campaign\.limits\.batch, gone, items, new\)"):
        require_same(tmp_path, held, wanted)
    require_same(tmp_path, {"a": [1]}, {"a": (1,)})
