"""The seed lies apart from the header, and only the one that was committed to is taken."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import InstrumentError
from harness.store.journal.header import keep_seed, seed_of, with_seed, without_seed
from harness.store.journal.journal import SegmentJournal, open_journal


def header_of(seed: str) -> dict[str, Any]:
    return {
        "campaign": json.dumps({"campaign": "spring", "seed": seed}),
        "seed_commitment": hashlib.sha256(seed.encode()).hexdigest(),
    }


@given(seed=st.text(min_size=1, max_size=60))
def test_what_is_shown_has_no_seed_and_the_file_gives_it_back(
    seed: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, header = tmp_path_factory.mktemp("seed"), header_of(seed)
    if "\r" in seed or seed.endswith("\n"):
        return

    shown = without_seed(header)
    keep_seed(folder, seed)

    assert "" == seed_of(shown)
    assert seed == seed_of(with_seed(shown, folder))


def test_a_journal_says_its_seed_only_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    SegmentJournal.create(folder, header_of("hush-hush")).close()

    assert "hush-hush" == seed_of(open_journal(folder).document)
    files = [path for path in folder.iterdir() if b"hush-hush" in path.read_bytes()]
    assert [folder / "seed"] == files
    assert 0o600 == stat.S_IMODE((folder / "seed").stat().st_mode)

    (folder / "seed").unlink()
    assert "" == seed_of(open_journal(folder).document)


def test_another_seed_than_was_committed_to_is_damage(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    SegmentJournal.create(folder, header_of("hush-hush")).close()
    keep_seed(folder, "another")

    with pytest.raises(InstrumentError, match="the seed does not match seed_commitment"):
        open_journal(folder)


def test_a_header_of_before_keeps_what_it_says(tmp_path: Path) -> None:
    keep_seed(tmp_path, "new")
    for header in (header_of("old"), {"campaign": "spring"}, {"campaign": "{"}, {}):
        assert header == with_seed(header, tmp_path)


def test_a_file_that_is_no_text_is_our_trouble(tmp_path: Path) -> None:
    (tmp_path / "seed").write_bytes(b"\xff")

    with pytest.raises(InstrumentError, match="the seed of this journal cannot be read"):
        with_seed(without_seed(header_of("x")), tmp_path)
