"""How many techniques of each class a campaign left out of those in its packs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from harness.campaign.item_selection import SelectedItems, techniques_not_chosen
from harness.model.corpus import Item
from harness.ports.corpora import Corpus


@dataclass
class Listed:
    """A pack of a few items."""

    listed: list[Item]

    def items(self) -> list[Item]:
        return self.listed


def packs(*several: list[Item]) -> list[Corpus]:
    return [cast("Corpus", Listed(each)) for each in several]


def technique(name: str, case: str) -> Item:
    return Item(
        id=name, value="http1 GET", kind="vector", labels=("MALW.BYPASS",),
        stratum=f"MALW.BYPASS/way:{case}:http", registrable=f"{name}.test",
    )  # fmt: skip


A, B, C = technique("a", "quic:h3"), technique("b", "quic:h3"), technique("c", "name:absent")
PAGE = Item(id="page", value="x.test", labels=("DRUG",))


def test_those_that_were_not_chosen_are_counted_by_their_class() -> None:
    known = packs([A, B, PAGE], [C])

    assert techniques_not_chosen(SelectedItems([[A]]), known) == {"name:absent": 1, "quic:h3": 1}
    assert techniques_not_chosen(SelectedItems([[A, B, C]]), known) == {}


def test_without_any_technique_nothing_was_left_out() -> None:
    assert techniques_not_chosen(SelectedItems([[PAGE]]), packs([A, PAGE])) == {}
