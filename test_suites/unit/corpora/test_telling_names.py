"""Names tell by codes, by words of categories, and by roles."""

from __future__ import annotations

import pytest

from corpora.lint import revealing_word
from harness.model.sentinel import Sentinels

ZONE = "accredit.test"


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("porn-nude-017.canary", "porn"),
        ("x.gamb", "gamb"),
        ("drug7", "drug"),
        ("mygamblingplace", "gambling"),
        ("blue.violence-9", "violence"),
        ("amber-01.twin", "twin"),
        ("sentinel-1", "sentinel"),
        ("NUDE", "nude"),
    ],
)
def test_what_tells(label: str, word: str) -> None:
    assert revealing_word(f"{label}.{ZONE}", ZONE) == word


@pytest.mark.parametrize(
    "host",
    [
        f"amber-lantern-07.{ZONE}",
        f"crimson-discovery.{ZONE}",
        ZONE,
        "porn.example",
        f"porn{ZONE}",
        *Sentinels().hosts("must_allow"),
        *Sentinels().hosts("must_block"),
    ],
)
def test_what_does_not_tell(host: str) -> None:
    assert revealing_word(host, ZONE) == ""
