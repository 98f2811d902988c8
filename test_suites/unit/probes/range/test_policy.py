"""A policy knows categories by item or by name, and settles the sentinels."""

from __future__ import annotations

import pytest

from harness.model.campaign import Sentinels
from harness.model.corpus import Item
from probes.range.filter import FilterPolicy

SENTINELS = (
    ("amber-lantern.accredit.test", "copper-meadow.accredit.test"),
    ("sentinel-allow.canary.accredit.test", "sentinel-block.canary.accredit.test"),
)


def item(host: str, code: str) -> Item:
    return Item(id=host, value=host, labels=(code, "CTRL"))


@pytest.mark.parametrize(("allow", "block"), SENTINELS)
def test_sentinels_are_settled_without_being_told(allow: str, block: str) -> None:
    policy = FilterPolicy()

    assert policy.is_blocked(block, "ks2")
    assert not policy.is_blocked(allow, "ks2")


def test_campaigns_have_the_newer_names_unless_they_declare_others() -> None:
    declared = Sentinels()

    assert SENTINELS[0] == (*declared.hosts("must_allow"), *declared.hosts("must_block"))


def test_the_category_and_the_profile_decide() -> None:
    policy = FilterPolicy.from_items(
        [item("a.accredit.test", "GAMB"), item("b.accredit.test", "ALW.NEWS")],
        lambda code, profile: code == "GAMB" and profile != "staff",
    )

    assert policy.is_blocked("A.accredit.test.", "ks2")
    assert not policy.is_blocked("a.accredit.test", "staff")
    assert not policy.is_blocked("b.accredit.test", "ks2")
    assert not policy.is_blocked("unknown.accredit.test", "ks2")
    assert policy.category_of("a.accredit.test") == "GAMB"
    assert policy.category_of("www.a.accredit.test") == "GAMB"


def test_a_canary_that_nobody_listed_has_the_category_in_its_name() -> None:
    policy = FilterPolicy()

    assert policy.category_of("porn-nude-001.canary.accredit.test") == "PORN.NUDE"
    assert policy.is_blocked("porn-nude-001.canary.accredit.test", "ks2")
    assert not policy.is_blocked("porn-nude-001.twin.accredit.test", "ks2")


def test_other_sentinels_may_be_agreed() -> None:
    policy = FilterPolicy.from_items(
        [item("x.accredit.test", "GAMB")], must_allow=["x.accredit.test"], must_block=["Y.test."]
    )

    assert not policy.is_blocked("x.accredit.test", "ks2")
    assert policy.is_blocked("y.test", "ks2")
    assert not policy.is_blocked(SENTINELS[0][1], "ks2")


def test_the_filter_s_own_categories_come_after_what_it_was_told() -> None:
    policy = FilterPolicy.from_items(
        [item("a.accredit.test", "GAMB")],
        own={"a.accredit.test": "ALW.NEWS", "calm-bay.sites.accredit.test": "PORN"},
    )

    assert policy.category_of("a.accredit.test") == "GAMB"
    assert policy.category_of("www.calm-bay.sites.accredit.test") == "PORN"
    assert policy.category_of("calm-quay.sites.accredit.test") == ""


def test_names_below_a_listed_one_have_its_category_and_the_nearest_decides() -> None:
    policy = FilterPolicy(
        suffixes={"a.accredit.test": "GAMB", "c.a.accredit.test": "ALW.NEWS"},
        categories={"b.a.accredit.test": "DRUG"},
    )

    assert policy.category_of("x.y.a.accredit.test") == "GAMB"
    assert policy.category_of("x.c.a.accredit.test") == "ALW.NEWS"
    assert policy.category_of("b.a.accredit.test") == "DRUG"
    assert policy.category_of("a.accredit.test") == ""
