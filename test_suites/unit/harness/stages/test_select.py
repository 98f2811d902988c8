"""Selection can be derived again by anybody who knows the seed, whatever the order of the file."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.corpus import CorpusReference, Item
from harness.stages.select import plan_batches, select_items, ways


class Pack:
    """A corpus in memory."""

    reference = CorpusReference(name="pack", version="1.0.0", sha256="0" * 64)

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    def items(self) -> Iterator[Item]:
        return iter(self._items)


ITEMS = [
    Item(id=f"{code}-{n}", value=f"{code}-{n}.test", labels=(code,))
    for code in ("DRUG", "PORN", "PORN.NUDE")
    for n in range(30)
]
ITEMS += [
    Item(id=f"T-{n}", value=f"t-{n}.test", labels=("ALW.SEXED",), stratum="twin:PORN")
    for n in range(20)
]


def campaign(**changes: object) -> Campaign:
    """A campaign with two lines, two profiles and batches of ten."""
    declared = {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": (
            {"name": "a", "type": "t", "probes": ("web",)},
            {"name": "b", "type": "t", "probes": ("web", "dns")},
        ),
        "profiles": {"ks2": {}, "staff": {}},
        "corpora": ({"pack": "pack"},),
        "limits": {"batch": 10},
    }
    return Campaign.model_validate(declared | changes)


@given(st.randoms(use_true_random=False), st.text(min_size=1, max_size=20))
def test_the_order_of_the_file_does_not_matter(order: random.Random, seed: str) -> None:
    shuffled = ITEMS.copy()
    order.shuffle(shuffled)
    selection = CorpusSelection(pack="pack", sample=7)

    assert select_items(selection, Pack(ITEMS), seed) == select_items(
        selection, Pack(shuffled), seed
    )


def test_each_stratum_gives_its_sample_and_a_category_brings_what_lies_below_and_its_twins() -> (
    None
):
    chosen = select_items(
        CorpusSelection(pack="pack", categories=("PORN",), sample=7), Pack(ITEMS), "s"
    )

    assert {"PORN": 7, "PORN.NUDE": 7, "ALW.SEXED": 7} == Counter(item.category for item in chosen)


def test_another_seed_gives_another_sample() -> None:
    selection = CorpusSelection(pack="pack", categories=("DRUG",), sample=10)

    assert select_items(selection, Pack(ITEMS), "one") != select_items(
        selection, Pack(ITEMS), "two"
    )


def test_an_unknown_category_tells_what_is_known() -> None:
    with pytest.raises(
        UsageError, match="pack 'pack' has no category 'GAMB'; known: DRUG, PORN, PORN.NUDE"
    ):
        select_items(CorpusSelection(pack="pack", categories=("GAMB",)), Pack(ITEMS), "s")


def test_named_items_are_taken_as_named() -> None:
    chosen = select_items(
        CorpusSelection(pack="pack", items=("PORN-3", "DRUG-1")), Pack(ITEMS), "s"
    )

    assert ("PORN-3", "DRUG-1") == tuple(item.id for item in chosen)
    with pytest.raises(UsageError, match="pack 'pack' has no item NONE-1"):
        select_items(CorpusSelection(pack="pack", items=("NONE-1",)), Pack(ITEMS), "s")


def test_lines_that_carry_a_probe_share_its_batches() -> None:
    assert [
        ("web", ("a", "b"), "ks2"),
        ("dns", ("b",), "ks2"),
        ("web", ("a", "b"), "staff"),
        ("dns", ("b",), "staff"),
    ] == [(way.probe, way.lines, way.profile) for way in ways(campaign())]


def test_every_item_is_tried_every_way_exactly_once() -> None:
    batches = list(plan_batches(campaign(), ITEMS))
    tried = Counter((item.id, batch.way) for batch in batches for item in batch.items)

    assert list(range(1, len(batches) + 1)) == [batch.number for batch in batches]
    assert {1} == set(tried.values())
    assert len(ITEMS) * len(ways(campaign())) == len(tried)


def test_an_item_that_has_no_name_is_never_tried() -> None:
    secret = Item(
        id="S", value="", value_hmac="hmac-sha256:k:00", labels=("ILL.CSAM",), sensitivity="S4"
    )

    assert [] == list(plan_batches(campaign(), [secret]))
