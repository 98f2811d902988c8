"""Lists are made from the agreed items, with the mistakes that a test wants."""

from __future__ import annotations

from harness.model.corpus import Item
from test_suites.products.blocklist import BlockList, lists_from


def item(name: str, code: str) -> Item:
    return Item(id=name, value=f"{name}.canary.accredit.test", labels=(code,))


def test_a_list_per_category_with_misses_and_over_blocks() -> None:
    items = [item("porn-001", "PORN"), item("porn-002", "PORN"), item("alw-001", "ALW.EDU")]

    lists = lists_from(
        items,
        {"PORN": "403", "VIOL": "451"},
        spare=["porn-002.canary.accredit.test"],
        add={"VIOL": ["alw-001.canary.accredit.test"]},
    )

    assert (
        BlockList(name="porn", hosts=("porn-001.canary.accredit.test",), reply="403"),
        BlockList(name="viol", hosts=("alw-001.canary.accredit.test",), reply="451"),
    ) == lists
