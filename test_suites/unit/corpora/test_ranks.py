"""Ranks of domains, and the bands that they fall in."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from corpora.ranks import read_ranks
from harness.errors import UsageError


def test_domains_have_ranks_and_bands(tmp_path: Path) -> None:
    lines = ["1,a.example", "1000,b.example", "1001,c.example", "2000000,d.example"]
    path = tmp_path / "ranks.csv"
    path.write_text("\n".join(lines))

    ranks = read_ranks(path)

    assert (ranks.of("a.example"), ranks.of("z.example")) == (1, None)
    assert [ranks.band(f"{name}.example") for name in "abcdz"] == [
        "top1k", "top1k", "top10k", "unranked", "unranked",
    ]  # fmt: skip
    assert ranks.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "empty list"), ("<html>", "HTML page"), ("x,y\n", "no line has the form")],
)
def test_what_is_no_ranked_list_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "ranks.csv"
    path.write_text(text)

    with pytest.raises(UsageError, match=told):
        read_ranks(path)
