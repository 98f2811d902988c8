"""A pack is written whole, or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpora.pack_reader import open_pack
from corpora.pack_writer import PackDetails, write_pack
from harness.errors import UsageError

DETAILS = PackDetails(
    name="mine", version="1.0.0", title="Mine", created="2026-11-24T00:00:00Z", seed="s"
)


def rows(count: int = 3) -> Iterator[dict[str, str]]:
    for number in range(count):
        host = f"a{number}.example"
        yield {"id": f"a-{number}", "value": host, "kind": "host", "labels": "GAMB"}


def test_what_is_written_opens(tmp_path: Path) -> None:
    count = write_pack(tmp_path / "deep" / "mine", rows(), DETAILS)

    pack = open_pack(str(tmp_path / "deep" / "mine"))
    assert count == len(list(pack.items())) == 3
    assert pack.manifest.accredit.sampling.frame_size == 3


def test_the_seed_is_committed_to_and_not_shown(tmp_path: Path) -> None:
    write_pack(tmp_path / "mine", rows(), DETAILS)

    commitment = open_pack(str(tmp_path / "mine")).manifest.accredit.sampling.seed_commitment
    assert commitment == "sha256:043a718774c572bd8a25adbeb1bfcd5c0256ae11cecf9f9c3f925d0e52beaf89"


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    write_pack(tmp_path / "one", rows(), DETAILS)
    write_pack(tmp_path / "two", rows(), DETAILS)

    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_nothing_is_left_of_a_pack_that_failed(tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, str]]:
        yield from rows(1)
        raise UsageError("no more")

    with pytest.raises(UsageError, match="no more"):
        write_pack(tmp_path / "mine", broken(), DETAILS)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("x")

    with pytest.raises(UsageError, match="the directory exists already; name a new one"):
        write_pack(tmp_path / "mine", rows(), DETAILS)

    assert (tmp_path / "mine" / "precious").read_text() == "x"


def test_an_impossible_place_is_a_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(UsageError, match=r"Not a directory|File exists"):
        write_pack(tmp_path / "file" / "mine", rows(), DETAILS)
