"""A sample is a pack of its own that says what each item stands for."""

import hashlib
from pathlib import Path

import pytest

from corpora.lint import lint
from corpora.pack import open_pack
from corpora.sampling import write_sample
from harness.errors import UsageError

CHOSEN = ["gamb-001", "gamb-001-twin", "gamb-002", "gamb-100", "drug-005"]


def test_items_stand_for_those_that_were_not_taken(tmp_path: Path) -> None:
    count = write_sample(open_pack("canary"), CHOSEN, seed="secret", out=tmp_path / "sample")

    sample = open_pack(str(tmp_path / "sample"))
    items = {item.id: item for item in sample.items()}
    assert count == 5
    assert set(items) == set(CHOSEN)
    assert items["gamb-001"].weight == 40
    assert items["gamb-001-twin"].weight == 60
    assert items["drug-005"].weight == 120


def test_half_a_pair_is_no_pair(tmp_path: Path) -> None:
    write_sample(open_pack("canary"), CHOSEN, seed="secret", out=tmp_path / "sample")

    sample = open_pack(str(tmp_path / "sample"))
    pairs = {item.id: item.pair_id for item in sample.items()}
    assert pairs["gamb-001"] == pairs["gamb-001-twin"] == "gamb-001"
    assert pairs["gamb-002"] == pairs["drug-005"] == ""
    assert not [fault for fault in lint(sample) if fault.key == "pair_id"]


def test_the_seed_is_committed_to_and_not_written(tmp_path: Path) -> None:
    write_sample(open_pack("canary"), CHOSEN, seed="secret", out=tmp_path / "sample")

    sampling = open_pack(str(tmp_path / "sample")).manifest.accredit.sampling
    assert sampling.seed_commitment == "sha256:" + hashlib.sha256(b"secret").hexdigest()
    assert sampling.design == "stratified"
    assert sampling.frame_size == 9210
    for path in (tmp_path / "sample").iterdir():
        assert "secret" not in path.read_text()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("precious")

    with pytest.raises(UsageError, match="is there already"):
        write_sample(open_pack("canary"), CHOSEN, seed="s", out=tmp_path / "x")


def test_a_sample_is_bound_as_its_pack_was_unless_told(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    write_sample(open_pack("canary"), CHOSEN, seed="s", out=first, use_limit=3)
    write_sample(open_pack(str(first)), CHOSEN[:3], seed="s", out=second)
    write_sample(open_pack(str(first)), CHOSEN[:3], seed="s", out=third, use_limit=1)

    assert [open_pack(str(one)).reference.use_limit for one in (first, second, third)] == [3, 3, 1]
