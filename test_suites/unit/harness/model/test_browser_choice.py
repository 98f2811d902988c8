"""An attempt's browser is drawn from the seed, and is the same on every line."""

from __future__ import annotations

import msgspec

from harness.model.marker import browser_number
from harness.model.observation import AttemptKey

KEY = AttemptKey(campaign="c", item="a", probe="web", line="proxy", profile="ks2")


def test_control_and_line_look_alike() -> None:
    assert browser_number("seed", KEY) == browser_number("seed", KEY.on("control"))


def test_items_rounds_probes_profiles_and_seeds_differ() -> None:
    others = [
        msgspec.structs.replace(KEY, **{name: value})
        for name, value in (("item", "b"), ("round", 2), ("probe", "web_https"), ("profile", "ks4"))
    ]
    numbers = {browser_number("seed", each) for each in (KEY, *others)}

    assert len(numbers | {browser_number("other", KEY)}) == 6


def test_all_numbers_come_about_equally_often() -> None:
    counts = [0] * 5
    for item in range(5000):
        counts[browser_number("s", msgspec.structs.replace(KEY, item=str(item))) % 5] += 1

    assert all(850 < count < 1150 for count in counts)
