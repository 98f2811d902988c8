"""A sample can be drawn again from its seed, and its weights stand for the whole frame."""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpora.item_table import COLUMNS
from corpora.pack_reader import Pack, open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.ranks import Ranks
from corpora.sampler import ANY_ITEM, BY_POPULARITY, ONE_PER_DOMAIN, SamplePlan, draw_sample
from harness.errors import UsageError

DETAILS = PackDetails(name="pack", version="1.0.0", title="t", created="2026-01-01T00:00:00Z")
RANKS = Ranks(
    title="r.csv",
    sha256="0" * 64,
    by_domain={f"d{n}.example": n + 1 for n in range(30)} | {"d30.example": 5000},
)
Cells = dict[str, str]


def item(number: int, code: str = "GAMB", **cells: str) -> Cells:
    domain = f"d{number % 40}.example"
    told = {"id": f"i{number}", "value": f"h{number}.{domain}", "kind": "host", "labels": code}
    return told | {"registrable": domain} | cells


ITEMS = [
    item(number, ("GAMB", "DRUG")[number % 2], lang=("en-GB", "cy", "")[number % 3])
    for number in range(100)
]


def pack_of(folder: Path, rows: list[Cells]) -> Pack:
    out = folder / str(len(list(folder.iterdir())))
    write_pack(out, rows, DETAILS)
    return open_pack(str(out), rows=False)


def place(seed: str, text: str) -> bytes:
    """The derivation as the reference page tells it."""
    return hashlib.blake2b(text.encode(), key=seed.encode()[:64], digest_size=16).digest()


def ids(pack: Pack, **wanted: object) -> list[str]:
    return [row.row[0] for row in draw_sample(pack, SamplePlan(**wanted)).rows]  # type: ignore[arg-type]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.randoms(use_true_random=False), st.text(min_size=1, max_size=9), st.integers(1, 60))
def test_the_first_of_each_stratum_are_drawn_whatever_their_order(
    tmp_path: Path, order: random.Random, seed: str, size: int
) -> None:
    strata: dict[str, list[Cells]] = defaultdict(list)
    for row in sorted(ITEMS, key=lambda row: place(seed, row["id"])):
        stratum = strata[row["labels"]]
        if row["registrable"] not in {one["registrable"] for one in stratum}:
            stratum.append(row)
    expected = {row["id"] for stratum in strata.values() for row in stratum[:size]}
    shuffled = ITEMS.copy()
    order.shuffle(shuffled)

    drawn = ids(pack_of(tmp_path, shuffled), seed=seed, size=size)

    assert set(drawn) == expected
    assert drawn == sorted(drawn, key=lambda one: place(seed, one))


def test_several_items_of_a_domain_may_be_asked_for(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, ITEMS)
    first = sorted((row["id"] for row in ITEMS), key=lambda one: place("s", one))
    codes = {row["id"]: row["labels"] for row in ITEMS}
    expected = [
        one
        for place_, one in enumerate(first)
        if [codes[other] for other in first[:place_]].count(codes[one]) < 30
    ]

    assert ids(pack, seed="s", size=30, one_per_domain=False) == expected
    assert len(ids(pack, seed="s", size=50)) == 40  # as many as there are domains


def test_the_derivation_has_a_version() -> None:
    assert SamplePlan(seed="s", size=1).method == ONE_PER_DOMAIN
    assert SamplePlan(seed="s", size=1, one_per_domain=False).method == ANY_ITEM
    assert SamplePlan(seed="s", size=1, frame="popularity").method == BY_POPULARITY


def test_strata_are_made_of_category_popularity_and_language(tmp_path: Path) -> None:
    rows = [
        item(0, lang="en-GB"),
        item(30, lang="cy"),
        item(39, labels="DRUG"),
        item(1, "ALW.SEXED", stratum="twin:PORN", lang="en"),
    ]
    plan = SamplePlan(
        seed="s", size=9, by=("language", "category", "popularity"), ranks=RANKS, categories=()
    )

    drawn = draw_sample(pack_of(tmp_path, rows), plan)

    assert {row.row[0]: row.stratum for row in drawn.rows} == {
        "i0": "GAMB/top1k/en",
        "i30": "GAMB/top10k/cy",
        "i39": "DRUG/unranked/und",
        "i1": "twin:PORN/top1k/en",
    }
    assert all(row.weight == 1 for row in drawn.rows)


def test_weights_add_up_to_the_rows_of_the_frame(tmp_path: Path) -> None:
    drawn = draw_sample(
        pack_of(tmp_path, ITEMS), SamplePlan(seed="s", size=7, categories=("GAMB",))
    )

    assert len(drawn.rows) == 7
    assert math.isclose(sum(row.weight for row in drawn.rows), 50)
    assert drawn.frame == {"GAMB": 50}


def test_a_domain_is_drawn_as_often_as_it_is_visited(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, [item(number) for number in range(40)])
    whole = sum(1 / rank for rank in RANKS.by_domain.values())
    shares, totals = defaultdict[str, int](int), []
    for number in range(300):
        drawn = draw_sample(
            pack, SamplePlan(seed=str(number), size=5, frame="popularity", ranks=RANKS)
        )
        totals.append(sum(row.weight for row in drawn.rows))
        for row in drawn.rows:
            shares[row.row[0]] += 1

    assert drawn.unranked == 9
    assert shares["i0"] > 200 > shares["i3"] > shares["i29"]
    # the weights of a draw estimate the popularity of the whole frame without bias
    spread = math.sqrt(sum((one - whole) ** 2 for one in totals)) / len(totals)
    assert abs(sum(totals) / len(totals) - whole) < 4 * spread


def test_a_whole_frame_of_popularity_is_weighed_by_rank(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, [item(0), item(40), item(3)])

    drawn = draw_sample(pack, SamplePlan(seed="s", size=9, frame="popularity", ranks=RANKS))

    assert {row.row[COLUMNS.index("registrable")]: row.weight for row in drawn.rows} == {
        "d0.example": 1,
        "d3.example": 1 / 4,
    }


def test_a_table_without_registrable_domains_is_looked_through(tmp_path: Path) -> None:
    rows = [item(number, registrable="") for number in (1, 41)]
    rows.append(item(2, registrable="", value="", value_hmac="hmac-sha256:k:" + "0" * 64))

    assert len(ids(pack_of(tmp_path, rows), seed="s", size=9)) == 2


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"categories": ("VIOL",)}, "has no category 'VIOL'; known: DRUG, GAMB"),
        ({"by": ("colour",)}, "no dimension 'colour' of strata; known: category"),
        ({"by": ("popularity",)}, "name one with --ranks"),
        ({"frame": "popularity"}, "name one with --ranks"),
        ({"frame": "odd"}, "no frame 'odd'; known: popularity, uniform"),
        (
            {"frame": "popularity", "ranks": Ranks(title="other.csv", sha256="", by_domain={})},
            "none of its items has a rank in other.csv",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, wanted: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        ids(pack_of(tmp_path, ITEMS), seed="s", size=1, **wanted)
