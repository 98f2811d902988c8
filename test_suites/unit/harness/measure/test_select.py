"""Selection can be derived again by anybody who knows the seed, whatever the order of the file."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.campaign.item_selection import SelectedItems, select_campaign_items, select_items
from harness.errors import UsageError
from harness.measure.batch_plan import (
    missing_batches,
    own_half,
    plan_batches,
    repeat_batch,
    repeat_batches,
)
from harness.model.batch import Half, count_batches, ways
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.corpus import Audience, CorpusReference, Item
from harness.model.sampler import order_key

HALVES: tuple[Half, ...] = ("all", "straight", "swapped")


class Pack:
    """A corpus in memory."""

    def __init__(
        self, items: list[Item], name: str = "pack", audience: Audience = "public"
    ) -> None:
        self._items = items
        self.reference = CorpusReference(
            name=name, version="1.0.0", sha256="0" * 64, audience=audience
        )

    @property
    def size(self) -> int:
        return len(self._items)

    def items(self, start: int = 0) -> Iterator[Item]:
        return iter(self._items[start:])


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
        UsageError, match=r"pack 'pack' has no category 'GAMB'; known: DRUG, PORN, PORN.NUDE"
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
    batches = list(plan_batches(campaign(), SelectedItems([tuple(ITEMS)])))
    tried = Counter((item.id, batch.way) for batch in batches for item in batch.items)

    assert count_batches(campaign(), len(ITEMS)) == len(batches)
    assert list(range(1, len(batches) + 1)) == [batch.number for batch in batches]
    assert {1} == set(tried.values())
    assert len(ITEMS) * len(ways(campaign())) == len(tried)


@given(st.integers(1, 50))
def test_a_plan_may_be_taken_up_at_any_batch(first: int) -> None:
    whole = list(plan_batches(campaign(), SelectedItems([Pack(ITEMS)])))

    assert whole[first - 1 :] == list(plan_batches(campaign(), SelectedItems([Pack(ITEMS)]), first))


@given(st.integers(0, 130))
def test_chosen_items_may_be_taken_up_anywhere(place: int) -> None:
    chosen = SelectedItems([tuple(ITEMS[:50]), Pack(ITEMS[50:])])

    assert ITEMS[place:] == list(chosen.starting_at(place))
    assert len(ITEMS) == len(chosen)


def test_a_whole_pack_is_streamed_and_several_selections_are_merged() -> None:
    pack = Pack(ITEMS)
    whole = select_campaign_items([(CorpusSelection(pack="pack"), pack)], "s")
    merged = select_campaign_items(
        [
            (CorpusSelection(pack="pack", categories=("DRUG",)), pack),
            (CorpusSelection(pack="pack", categories=("DRUG", "PORN")), pack),
        ],
        "s",
    )

    assert ITEMS == list(whole)
    assert sorted(item.id for item in ITEMS) == sorted(item.id for item in merged)


def test_two_packs_may_not_use_one_id_for_two_things() -> None:
    other = Pack([Item(id="DRUG-1", value="elsewhere.test", labels=("DRUG",))])
    both = [(CorpusSelection(pack="a"), Pack(ITEMS)), (CorpusSelection(pack="b"), other)]

    with pytest.raises(UsageError, match="pack 'b': another pack uses the id 'DRUG-1' already"):
        select_campaign_items(both, "s")


def test_a_batch_that_is_tried_again_has_keys_of_its_own() -> None:
    batch = next(plan_batches(campaign(), SelectedItems([tuple(ITEMS)])))
    again = repeat_batch(batch, 40)

    assert (41, batch.items) == (again.number, again.items)
    assert again.way.round != batch.way.round


@given(st.lists(st.sampled_from(ITEMS), unique=True), st.integers(1, 40), st.text(max_size=3))
def test_a_sample_is_the_smallest_keys_of_each_stratum(
    items: list[Item], size: int, seed: str
) -> None:
    expected = {
        item.id
        for stratum in {item.stratum or item.category for item in items}
        for item in sorted(
            (one for one in items if (one.stratum or one.category) == stratum),
            key=lambda one: order_key(seed, one.id),
        )[:size]
    }
    chosen = select_items(CorpusSelection(pack="p", sample=size), Pack(items), seed)

    assert expected == {item.id for item in chosen}
    assert list(chosen) == sorted(chosen, key=lambda one: order_key(seed, one.id))


def test_void_batches_are_known_only_when_the_others_are_done() -> None:
    items = SelectedItems([tuple(ITEMS)])
    plan = {batch.number: batch for batch in plan_batches(campaign(), items)}
    total = count_batches(campaign(), len(items))
    void = [2, 3]
    again = repeat_batches(campaign(), items, void, held={2 + total})
    void += [7, 3 + total]  # a second trial that failed as well is not tried a third time

    assert list(again) == [repeat_batch(plan[number], total) for number in (3, 7)]
    assert list(repeat_batches(campaign(), items, (), ())) == []


def test_an_item_that_has_no_name_is_never_tried() -> None:
    secret = Item(
        id="S", value="", value_hmac="hmac-sha256:k:00", labels=("ILL.CSAM",), sensitivity="S4"
    )

    assert [()] * 4 == [
        batch.items for batch in plan_batches(campaign(), SelectedItems([(secret,)]))
    ]


def test_items_of_several_packs_bear_the_mark_of_theirs() -> None:
    one, two = Pack(ITEMS[:2], "one"), Pack(ITEMS[2:4], "two")
    several = select_campaign_items(
        [(CorpusSelection(pack="a"), one), (CorpusSelection(pack="b"), two)], "s"
    )
    single = select_campaign_items([(CorpusSelection(pack="a", items=("DRUG-1",)), one)] * 2, "s")

    assert {"DRUG-0": "one 00000000", "DRUG-3": "two 00000000"}.items() <= {
        item.id: item.pack for item in several
    }.items()
    assert [""] == [item.pack for item in single]


def test_an_item_that_a_supplier_may_know_is_not_hidden() -> None:
    hidden, known = Pack(ITEMS[:3], "hidden", "sealed"), Pack(ITEMS[2:4], "known")
    selections = [(CorpusSelection(pack="h"), hidden), (CorpusSelection(pack="k"), known)]

    marks = {item.id: item.pack.split()[0] for item in select_campaign_items(selections, "s")}

    assert {"DRUG-0": "hidden", "DRUG-1": "hidden", "DRUG-2": "known", "DRUG-3": "known"} == marks


def test_the_kinds_of_a_streamed_pack_are_told_by_its_first_item() -> None:
    made = Item(id="v", value="smtp", kind="vector", labels=("CTRL",))

    assert SelectedItems([Pack([made, *ITEMS])]).kinds == {"vector"}
    assert SelectedItems([(ITEMS[0], made)]).kinds == {"host", "vector"}
    assert SelectedItems([]).kinds == frozenset()


def test_a_whole_pack_is_streamed_unless_the_order_of_the_seed_is_wanted() -> None:
    whole = ((CorpusSelection(pack="pack"), Pack(ITEMS)),)

    assert list(select_campaign_items(whole, "s")) == ITEMS
    assert list(select_campaign_items(whole, "s", seeded=True)) == sorted(
        ITEMS, key=lambda item: order_key("s", item.id)
    )


def test_only_what_is_not_held_is_missing() -> None:
    items = SelectedItems([tuple(ITEMS)])
    numbers = [batch.number for batch in plan_batches(campaign(), items)]
    held = {1, 2, 5}

    missing = list(missing_batches(campaign(), items, held))

    assert [one.number for one in missing] == [each for each in numbers if each not in held]
    assert not list(missing_batches(campaign(), items, set(numbers)))


def test_a_half_is_every_other_round_and_its_second_trials() -> None:
    batches = list(plan_batches(campaign(rounds=2), SelectedItems([ITEMS[:20]])))
    again = [repeat_batch(batch, len(batches)) for batch in batches]
    halves = {
        half: [batch.way.round for batch in own_half(half, [*batches, *again])] for half in HALVES
    }

    assert {1, 1001} == set(halves["straight"])
    assert {2, 1002} == set(halves["swapped"])
    assert 2 * len(batches) == len(halves["all"]) == 2 * len(halves["straight"])


def test_items_bear_marks_even_if_all_come_from_one_of_two_packs() -> None:
    """Else nobody could tell whether they are of the hidden pack or of the other."""
    one, two = Pack(ITEMS, name="a"), Pack([], name="b", audience="sealed")

    chosen = select_campaign_items(
        [(CorpusSelection(pack="a"), one), (CorpusSelection(pack="b"), two)], "s"
    )

    assert {item.pack for item in chosen} == {one.reference.mark}
