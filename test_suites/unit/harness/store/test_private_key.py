"""A campaign's key is made once, readable by its owner alone, and refused if damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.store.private_files import LENGTH, private_key


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "campaign" / "sketch.key"
    key = private_key(path)

    assert len(key) == LENGTH
    assert key == private_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key != private_key(tmp_path / "other.key")


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sketch.key"
    path.write_bytes(b"short")

    with pytest.raises(InstrumentError, match="5 bytes instead of 32"):
        private_key(path)


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match="cannot be read"):
        private_key(tmp_path)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InstrumentError, match="cannot be"):
        private_key(tmp_path / "file" / "sketch.key")
