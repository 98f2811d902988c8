"""What a campaign left out of the items that its scheme asks for is named."""

from __future__ import annotations

import pytest

from harness.assess.items_left_out import left_out_of
from harness.schemes.load import load_scheme

BECTA = load_scheme("becta-2008")
ROWS = {one.id: one for one in BECTA.requirements}


@pytest.mark.parametrize(
    ("row", "tried", "left"),
    [
        ("URL-04", {"DRUG"}, ()),
        ("URL-04", {"DRUG.SALE"}, ()),
        ("URL-04", {"PORN"}, ("DRUG",)),
        ("URL-05", {"CRIM"}, ("PIRA", "MALW.HACK")),
        ("URL-05", {"CRIM", "PIRA", "MALW.HACK"}, ()),
        ("URL-05", {"CRIM", "PIRA", "MALW"}, ("MALW.HACK",)),
    ],
)
def test_named_categories_need_an_item_each(
    row: str, tried: set[str], left: tuple[str, ...]
) -> None:
    assert left_out_of(ROWS[row], BECTA.policy, "ks2", tried, tried) == left


def test_without_names_what_the_packs_hold_is_asked_for() -> None:
    named = ROWS["URL-04"]
    row = named.model_copy(update={"measure": named.measure.model_copy(update={"categories": ()})})
    held = {"DRUG", "PORN", "ALW", "CTRL"}

    assert left_out_of(row, BECTA.policy, "ks2", {"DRUG"}, held) == ("PORN",)
    assert left_out_of(row, BECTA.policy, "ks2", held, held) == ()
