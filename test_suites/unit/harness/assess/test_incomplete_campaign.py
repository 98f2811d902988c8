"""A part of a campaign grants nothing; the whole of it, and other people's data, do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from harness.assess.outcomes import bar_incomplete
from harness.model.campaign import Campaign
from harness.model.journal_header import JournalHeader
from harness.model.outcome import Measurement
from harness.model.plain_twin import DONE
from harness.ports.storage import Journal

CAMPAIGN = Campaign.model_validate(
    {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": ({"name": "proxy", "type": "simulated", "probes": ("web",)},),
        "profiles": {"ks2": {"phase": "ks2"}},
        "corpora": ({"pack": "canary"},),
        "limits": {"batch": 10},
    }
)


class Held:
    """A journal that holds some batches."""

    def __init__(self, numbers: Iterable[int], **header: Any) -> None:
        self._numbers = frozenset(numbers)
        self.header = JournalHeader(campaign=CAMPAIGN, **header)

    def batches(self) -> frozenset[int]:
        return self._numbers


def barred(journal: Held) -> str:
    """Why nothing is granted, where one measurement was taken."""
    taken = Measurement(
        requirement=cast("Any", None), profile="ks2", line="proxy", metric=cast("Any", None)
    )
    [settled] = bar_incomplete([taken], cast("Journal", journal))
    return settled.barred


@pytest.mark.parametrize("numbers", [(), (1, 2), (2, 3), (1, 3), (1, 2, 1003)])
def test_a_part_grants_nothing(numbers: tuple[int, ...]) -> None:
    missing = 3 - len({1, 2, 3} & {*numbers})

    said = f"the campaign is incomplete: {missing} of 3 batches are missing"
    assert said == barred(Held(numbers, items=21))


@pytest.mark.parametrize("numbers", [(1, 2, 3), (1, 2, 3, 1002)])
def test_the_whole_is_not_barred(numbers: tuple[int, ...]) -> None:
    assert not barred(Held(numbers, items=21))


def test_what_others_measured_was_not_planned_here() -> None:
    assert not barred(Held((1,), items=21, foreign="ooni"))


def test_a_campaign_whose_blocked_items_were_not_tried_again_is_not_done() -> None:
    whole = (1, 2, 3)

    said = "the campaign is incomplete: blocked items were not tried again"
    assert said == barred(Held(whole, items=21, retrials=True))
    assert not barred(Held((*whole, DONE), items=21, retrials=True))
