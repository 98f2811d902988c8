"""Ratings are checked line by line, and agreement is Krippendorff's alpha with its interval."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora.rater_agreement import measure_agreement, read_ratings
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


RATERS = {
    "A": ["1", "2", "3", "3", "2", "1", "4", "1", "2", ".", ".", "."],
    "B": ["1", "2", "3", "3", "2", "2", "4", "1", "2", "5", ".", "3"],
    "C": [".", "3", "3", "3", "2", "3", "4", "2", "2", "5", "1", "."],
    "D": ["1", "2", "3", "3", "2", "4", "4", "1", "2", "5", "1", "."],
}
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers,
twelve units, missing data; nominal alpha is 0.743."""


def of(raters: dict[str, list[str]]) -> dict[str, list[str]]:
    width = len(next(iter(raters.values())))
    return {
        str(unit): [labels[unit] for labels in raters.values() if labels[unit] != "."]
        for unit in range(width)
    }


def test_the_published_value_is_met() -> None:
    agreement = measure_agreement(of(RATERS))

    assert agreement.alpha == pytest.approx(0.743, abs=0.0005)
    assert agreement.units == 11
    assert agreement.standing == "tentative"


def test_the_published_binary_value_is_met() -> None:
    """Section A of the same paper: two observers, ten units, alpha is 0.095."""
    jon = ["0", "1", "0", "0", "0", "0", "0", "0", "1", "0"]
    meg = ["1", "1", "1", "0", "0", "1", "0", "0", "0", "0"]

    assert measure_agreement(of({"jon": jon, "meg": meg})).alpha == pytest.approx(0.095, abs=0.0005)


def test_the_interval_holds_alpha_and_is_the_same_each_time() -> None:
    one, two = measure_agreement(of(RATERS)), measure_agreement(of(RATERS))

    assert one == two
    assert one.alpha is not None
    assert one.lower is not None
    assert one.upper is not None
    assert one.lower <= one.alpha <= one.upper
    assert measure_agreement(of(RATERS), seed="other") != one


@pytest.mark.parametrize(
    "ratings", [{}, {"a": ["X"]}, {"a": ["X"], "b": ["Y"]}, {"a": ["X", "X"], "b": ["X", "X"]}]
)
def test_where_nothing_can_be_said_nothing_is(ratings: dict[str, list[str]]) -> None:
    agreement = measure_agreement(ratings)

    assert (agreement.alpha, agreement.lower, agreement.upper) == (None, None, None)
    assert agreement.standing == "unknown"


def test_standings() -> None:
    same = {str(n): ["X", "X"] if n % 2 else ["Y", "Y"] for n in range(10)}
    apart = {str(n): ["X", "Y"] for n in range(10)}

    assert measure_agreement(same).standing == "reliable"
    assert measure_agreement(same).percent == 1
    assert measure_agreement(apart).standing == "unreliable"
    assert measure_agreement(apart).percent == 0


@given(
    st.dictionaries(st.text(max_size=3), st.lists(st.sampled_from("XYZ"), max_size=5), max_size=8),
)
def test_order_does_not_matter_and_alpha_is_at_most_one(
    ratings: dict[str, list[str]],
) -> None:
    shuffled = {item: labels[::-1] for item, labels in reversed(ratings.items())}

    one, two = measure_agreement(ratings, resamples=20), measure_agreement(shuffled, resamples=20)

    assert one.alpha == two.alpha
    assert one.alpha is None or one.alpha <= 1
