"""The sentinels of a campaign as items, and which of them a probe tries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from harness.model.campaign import Campaign
from harness.model.corpus import AGREED, Item
from harness.model.sentinel import Sentinel
from harness.ports.network import Probe, address_of


def sentinels_for(
    campaign: Campaign, role: Literal["must_allow", "must_block"], name: str, probe: Probe
) -> Iterator[tuple[int, Sentinel]]:
    """The sentinels that a probe (called ``name``) tries, each with its place in the file."""
    for place, one in enumerate(campaign.sentinels.of(role), 1):
        if one.is_for(name, address_of(probe, item_of(one, "sentinel"))):
            yield place, one


def item_of(one: Sentinel, name: str) -> Item:
    """A sentinel as an item, under a name."""
    agreed = (f"{AGREED}{one.mechanism.value}",) if one.mechanism is not None else ()
    return Item(id=name, value=one.at, labels=("CTRL", *agreed), kind=one.item_kind)
