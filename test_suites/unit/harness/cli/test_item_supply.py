"""Items are counted by group, as domains, and only where a probe can try them."""

from __future__ import annotations

from typing import Any

from harness.cli.item_supply import ItemCount, count_by_group, group_items
from harness.model.corpus import Item
from harness.model.scheme import Measure
from harness.plugins import PROBES
from harness.schemes.load import load_policy

POLICY = load_policy("uk-schools-2026")


def item(name: str, code: str = "DRUG", **changed: Any) -> Item:
    return Item(id=name, value=f"{name}.test", labels=(code,), **changed)


def count(items: list[Item], metric: str = "block_rate", **measure: Any) -> dict[str, ItemCount]:
    chosen = Measure.model_validate({"metric": metric, "expectation": "block", **measure})
    return count_by_group(chosen, POLICY, "ks2", group_items(items))


def test_pages_of_one_domain_are_one_domain() -> None:
    pages = [item(f"p{n}", registrable="one.test") for n in range(9)]

    assert {"": ItemCount(items=10, domains=2)} == count([*pages, item("q")])


def test_an_empty_domain_makes_each_item_its_own() -> None:
    assert {"": ItemCount(items=3, domains=3)} == count([item(name) for name in "abc"])


def test_what_the_policy_does_not_ask_does_not_count() -> None:
    assert {"": ItemCount(0, 0)} == count([item("a", "ALW.NEWS"), item("b", phases=("ks4",))])


def test_a_named_category_without_items_is_there_with_none() -> None:
    found = count(
        [item("a", "MALW.MAL")], "block_rate_by_category", categories=("MALW", "GAMB", "ALW.NEWS")
    )

    assert {"MALW": ItemCount(1, 1), "GAMB": ItemCount(0, 0)} == found


def test_strata_and_languages_stand_apart() -> None:
    items = [item("a", stratum="head", lang="en"), item("b", stratum="tail"), item("c")]

    assert {"head", "tail", "DRUG"} == set(count(items, "block_rate_by_stratum"))
    assert {"en", "no language"} == set(count(items, "block_rate_by_language"))


def test_frames_are_never_pooled() -> None:
    visited = item("a", pack="list 12345678 as visited")

    assert 2 == len(count([visited, item("b", pack="other 12345678")]))


def test_what_no_probe_can_try_or_see_is_left_out() -> None:
    probes = {name: PROBES.find(name)() for name in ("web", "dns")}
    items = [item("a"), item("b", applies_to="url"), item("c", kind="vector")]

    one, other = group_items(items, probes)
    assert [{"web", "dns"}, {"web"}] == [set(one.probes), set(other.probes)]
    assert not group_items([item("d", kind="cidr")], probes)
    assert other.can_be_tried_by(("web",))
    assert not other.can_be_tried_by(("dns",))
    assert other.can_be_tried_by(())


def test_an_item_without_a_name_is_never_tried() -> None:
    hidden = Item(id="x", value="", value_hmac="0" * 64, labels=("DRUG",))

    assert not group_items([hidden])
