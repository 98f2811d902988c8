"""What a block page says of itself."""

from __future__ import annotations

import pytest

from harness.judge.block_page_check import claimed_category
from harness.model.facts import Hop
from test_suites.kit.campaigns.trials import foreign


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Category: Gambling", "Gambling"),
        ("Category: Games URL: http://x.example/ User: -", "Games"),
        ('The category "Adult/Mature Content" is not allowed', "Adult/Mature Content"),
        ("Categori: Gamblo. Gofynnwch i'ch athro", "Gamblo"),
        ("content that falls into the category Pornography, which your settings", "Pornography"),
        ("This page is blocked.", ""),
        ("", ""),
    ],
)
def test_a_category_is_taken_as_the_page_states_it(text: str, category: str) -> None:
    assert category == claimed_category(foreign(title="Blocked", text=text))


def test_a_category_may_stand_in_the_address() -> None:
    hop = Hop(url="http://a.example/", status=302, location="http://block.test/?cat=web+chat&u=a")

    assert claimed_category(foreign(title="", text="", hops=(hop,))) == "web chat"


def test_no_page_claims_nothing() -> None:
    assert claimed_category(None) == ""
