"""The seal of cached verdicts: made with a key that only the user can read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.outcome_group import Counts
from harness.model.verdict_basis import VerdictBasis
from harness.store.private_folder import LENGTH
from harness.verdicts.cache_seal import (
    KEY,
    Description,
    Sealed,
    described,
    has_seal_of,
    id_of,
    own_key,
    read_sealed,
    sealed,
)

KEPT = Description(
    made_of="m",
    sha256="s",
    basis=VerdictBasis(observations=1, rules_version="1", preconditions=()),
    counts=Counts(mechanisms={"reset": 1}),
)
MINE, OTHER = b"m" * LENGTH, b"o" * LENGTH


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's state; it does not exist yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/accredit"


def test_the_key_is_made_once_and_only_the_user_can_read_it(state: Path) -> None:
    first, again = own_key(), own_key()

    assert first is not None
    assert (first, len(first)) == (again, LENGTH)
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (state, state / KEY)]
    assert modes == [0o700, 0o600]


@pytest.mark.skipif(os.name == "nt", reason="files have no modes")
def test_a_key_that_others_can_read_is_none(state: Path) -> None:
    assert own_key() is not None
    (state / KEY).chmod(0o640)

    assert own_key() is None


@pytest.mark.parametrize("content", [b"", b"short", b"k" * (LENGTH + 1)])
def test_a_key_of_another_length_is_none(state: Path, content: bytes) -> None:
    state.mkdir(parents=True)
    (state / KEY).write_bytes(content)
    (state / KEY).chmod(0o600)

    assert own_key() is None
    assert (state / KEY).read_bytes() == content


def test_where_no_key_can_be_made_there_is_none(state: Path) -> None:
    state.parent.write_text("a file")

    assert own_key() is None


def read(text: bytes, folder: Path) -> Sealed:
    (folder / "kept.json").write_bytes(text)
    return read_sealed(folder / "kept.json")


def test_a_seal_is_of_its_key_and_its_text(tmp_path: Path) -> None:
    text = read(sealed(KEPT, MINE), tmp_path)

    assert described(text) == KEPT
    assert has_seal_of(text, MINE)
    assert not has_seal_of(text, OTHER)
    assert text.key == id_of(MINE) != id_of(OTHER)
    other = msgspec.structs.replace(KEPT, counts=Counts())
    moved = msgspec.structs.replace(text, kept=msgspec.Raw(msgspec.json.encode(other)))
    assert not has_seal_of(moved, MINE)


def test_the_key_does_not_follow_from_what_is_written() -> None:
    assert MINE.hex() not in sealed(KEPT, MINE).decode()
    assert MINE.decode() not in sealed(KEPT, MINE).decode()


@given(content=st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_any_other_text_is_a_value_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    with pytest.raises(ValueError, match=r".*"):
        described(read(content, folder))


def test_what_earlier_versions_wrote_has_no_seal(tmp_path: Path) -> None:
    text = read(b'{"sha256":"0","kept":{}}', tmp_path)

    assert (text.key, text.seal) == ("", "")
    assert not has_seal_of(text, MINE)
