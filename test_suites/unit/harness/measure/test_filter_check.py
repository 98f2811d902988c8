"""A filter that is off when an item passes says nothing of the item."""

from __future__ import annotations

import pytest

from harness.measure.attempts import AttemptOptions, PlannedAttempt
from harness.measure.repeated_attempts import is_filter_off
from harness.ports.network import Attempt, ProbeResult
from test_suites.unit.harness.scripted import CAMPAIGN, RESET, Played, item, key, tools

THIS = PlannedAttempt(key=key(), item=item(), role="retry", batch=9)


@pytest.mark.parametrize("blocks", [True, False])
async def test_the_must_block_sentinels_are_tried(*, blocks: bool) -> None:
    async def play(attempt: Attempt) -> ProbeResult | None:
        return RESET if blocks and attempt.item.host.startswith("copper-meadow") else None

    probe = Played(play)
    found = await is_filter_off(
        THIS, AttemptOptions(look="at_end", patience=1.0), CAMPAIGN, tools(probe)
    )

    assert found is not blocks
    assert ["sentinel-block-1@9.i.at_end.1"] == [each.item.id for each in probe.attempts]
