"""A crossover exchanges what line and control leave by, and says what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from harness.campaign.crossover import half_of, with_swapped_connections
from harness.campaign.item_selection import SelectedItems
from harness.errors import UnfinishedError, UsageError
from harness.measure.batch_plan import require_both_halves, require_first_half
from harness.model.campaign import Campaign
from harness.model.corpus import Item
from harness.ports.storage import Journal

ITEMS = SelectedItems([[Item(id=f"i{n}", value=f"i{n}.test", labels=("DRUG",)) for n in range(15)]])
"""Two batches of ten in each of two rounds: 1 and 3 before the swap, 2 and 4 after it."""


def bound(name: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "type": "interface", "options": options}


CONTROL = {"type": "interface", "options": {"device": "eth2", "resolver": "192.0.2.53"}}


def campaign(**changes: object) -> Campaign:
    declared = {
        "campaign": "c",
        "service": {"name": "s"},
        "control": CONTROL,
        "lines": (bound("school", device="eth1", netns="room", resolver="10.0.0.1"),),
        "profiles": {"ks2": {}},
        "corpora": ({"pack": "pack"},),
        "limits": {"batch": 10},
        "rounds": 2,
        "crossover": True,
    }
    return Campaign.model_validate(declared | changes)


class Held:
    """A journal that holds some batches."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = frozenset(numbers)

    def batches(self) -> frozenset[int]:
        return self._numbers


def held(*numbers: int) -> Journal:
    return cast("Journal", Held(numbers))


def test_connections_are_exchanged_and_name_servers_are_not() -> None:
    crossed = with_swapped_connections(campaign())

    assert {"device": "eth2", "resolver": "10.0.0.1"} == crossed.lines[0].options
    assert {
        "device": "eth1", "netns": "room", "resolver": "192.0.2.53"
    } == crossed.control.options  # fmt: skip
    assert campaign() == with_swapped_connections(crossed)


def test_which_half_is_measured() -> None:
    assert "straight" == half_of(campaign())
    assert "swapped" == half_of(campaign(), swapped=True)
    assert "all" == half_of(campaign(crossover=False))
    with pytest.raises(UsageError, match="--swapped needs 'crossover: true'"):
        half_of(campaign(crossover=False), swapped=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rounds": 3}, "needs an even number of 'rounds', not 3"),
        ({"control": {}}, "one line and a control, both of type 'interface'"),
        ({"lines": ({"name": "p", "type": "pac"},)}, "both of type 'interface'"),
        ({"lines": (bound("a"), bound("b"))}, "needs exactly one line and a control"),
        (
            {"lines": (bound("a", device="eth2"),)},
            "must differ in one of 'address', 'device', 'netns'",
        ),
        (
            {"lines": (bound("a") | {"by_profile": {"ks2": {"device": "eth3"}}},)},
            "needs one connection for all profiles",
        ),
        (
            {"stopping": {"plans": ({"categories": ("DRUG",), "bad": 0.9, "good": 0.98},)}},
            "cannot be combined with 'stopping'",
        ),
    ],
)
def test_what_cannot_be_crossed_over_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        half_of(campaign(**changes))


def test_the_cables_are_swapped_after_the_first_half_alone() -> None:
    with pytest.raises(UsageError, match="measure them first, without --swapped"):
        require_first_half("swapped", campaign(), ITEMS, held(1, 2, 4))

    require_first_half("swapped", campaign(), ITEMS, held(1, 3))
    require_first_half("straight", campaign(), ITEMS, held())


def test_what_comes_next_is_said_until_both_halves_are_there() -> None:
    with pytest.raises(UnfinishedError, match="swap the two cables") as caught:
        require_both_halves(campaign(), ITEMS, held(1, 3))

    assert 3 == caught.value.exit_code
    require_both_halves(campaign(), ITEMS, held(1, 2, 3, 4))
    require_both_halves(campaign(crossover=False), ITEMS, held(1))
