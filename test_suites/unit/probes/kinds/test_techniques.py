"""The probe of techniques fetches sentinels in their plain form, and leaves facts of its own."""

from __future__ import annotations

from pathlib import Path

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import SentStep, TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, ControlOptions
from probes.range.testbed import RangeTestbed

HOST = "copper-meadow.accredit.test"


async def test_a_sentinel_is_fetched_in_its_plain_form(tmp_path: Path) -> None:
    item = Item(id="sentinel", value=HOST, kind="host", labels=("CTRL",), registrable=HOST)
    key = AttemptKey(
        campaign="c", item="sentinel", probe="techniques", line="control", profile="ks2"
    )
    async with RangeTestbed(tmp_path) as testbed:
        origin = testbed.origin
        marker = mark(origin.key, key, HOST)
        attempt = Attempt(key=key, item=item, limits=Limits(), timeout=60, marker=marker)
        async with Control("control", ControlOptions(), origin, Limits()) as line:
            result = await Techniques().try_item(attempt, line)

    assert isinstance(result.facts, TechniqueFacts)
    assert "seen" == result.facts.canary
    assert (SentStep(step="plain", to=HOST, data=f"http://{HOST}/"),) == result.facts.sent
