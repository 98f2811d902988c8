"""Ratings are read whole, or every fault is told with its line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora.rater_agreement import read_ratings
from harness.errors import FaultyDocument, UsageError


def written(folder: Path, text: str) -> Path:
    path = folder / "ratings.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_item_has_the_labels_of_its_raters(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "rater,item,label,note\nann,i1,GAMB,x\nbob,i1,DRUG,\nann,i2,GAMB,\nbob,i2,,not seen\n",
    )

    assert read_ratings(path) == {"i1": ["GAMB", "DRUG"], "i2": ["GAMB"]}


def test_every_fault_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "item,rater,label\n,ann,GAMB\ni1,ann,DICE\ni2,bob,GAMB\ni2,bob,DRUG\n")

    with pytest.raises(FaultyDocument) as caught:
        read_ratings(path)

    lines = [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]
    assert lines[0].startswith("2: the item or the rater is missing")
    assert lines[1].startswith("3: label: 'DICE' is not a category")
    assert lines[2].startswith("5: rater: 'bob' has already rated 'i2'")


def test_without_the_columns_there_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultyDocument, match="known: item, rater, label"):
        read_ratings(written(tmp_path, "a,b\n1,2\n"))


def test_without_a_file_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_ratings(tmp_path / "none.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(raw=st.binary(max_size=200))
def test_nothing_but_its_own_errors_gets_out(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_bytes(b"item,rater,label\n" + raw)

    with suppress(FaultyDocument, UsageError):
        read_ratings(path)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("LINE_BYTES", "2: the line is longer than 20"),
        ("TOTAL_BYTES", "the file is longer than 20"),
    ],
)
def test_ratings_are_read_up_to_a_limit(
    limit: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"corpora.rater_agreement.{limit}", 20)
    path = written(tmp_path, "item,rater,label\n" + "a" * 30 + ",b,GAMB\n")

    with pytest.raises(UsageError, match=said):
        read_ratings(path)
