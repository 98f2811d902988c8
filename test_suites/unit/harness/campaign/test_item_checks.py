"""Items that no probe of a campaign can try are told, each kind with its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from harness.campaign.item_selection import SelectedItems, items_without_probe
from harness.model.corpus import Item
from harness.plugins import PROBES

PLAIN = Item(id="p", value="http://a.test/", labels=("DRUG",), kind="url")
SECURE = Item(id="s", value="https://a.test/", labels=("DRUG",), kind="url")
HOST = Item(id="h", value="a.test", labels=("DRUG",))
MADE = Item(id="m", value="x", labels=("DRUG",), kind="vector")


@pytest.mark.parametrize(
    ("items", "probes", "told"),
    [
        ((PLAIN, HOST), ("web",), []),
        ((PLAIN, SECURE), ("web", "web_https"), []),
        ((SECURE, HOST), ("dns",), []),
        ((HOST,), ("web_https",), []),
        ((SECURE,), (), []),
        ((SECURE,), ("web",), ["add 'web_https' to 'probes'"]),
        ((PLAIN, SECURE), ("web_https", "dns"), ["add 'web' to 'probes'"]),
        ((MADE,), ("web",), ["the probes can try host, ip, suffix, url"]),
    ],
)
def test_what_no_probe_tries(items: tuple[Item, ...], probes: Any, told: list[str]) -> None:
    found = list(
        items_without_probe(SelectedItems([items]), {name: PROBES.find(name)() for name in probes})
    )

    assert [remedy for _, remedy in found] == told
