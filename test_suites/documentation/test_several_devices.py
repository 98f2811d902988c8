"""The guide on several devices names those that are asked as, and items that exist."""

from __future__ import annotations

import re

from corpora.pack_reader import open_pack
from harness.model.technique import DEVICE, GROUPS, case_of_item
from probes.net.device_profiles import DEVICES
from test_suites.kit.rooms import ROOT

TEXT = (ROOT / "docs/how-to/test-several-devices.md").read_text(encoding="utf-8")
CLASSES = {
    item.id: case.name
    for item in open_pack("circumvention").items()
    if (case := case_of_item(item)) is not None and case.group == DEVICE
}


def test_the_table_holds_each_device_with_its_profile() -> None:
    rows = re.findall(r"^\| `([\w-]+)`: ([^|]+) \| `(\w+)`", TEXT, re.MULTILINE)

    assert rows == [
        (name, words, DEVICES[name].handshake) for name, words in GROUPS[DEVICE].classes.items()
    ]


def test_the_rehearsal_tries_each_kind_of_device() -> None:
    (chosen,) = re.findall(r"items: \[(.*?)\]", TEXT)

    assert {CLASSES[one] for one in chosen.split(", ")} == set(GROUPS[DEVICE].classes)
    assert f"The requests are {len(CLASSES)} items" in TEXT
