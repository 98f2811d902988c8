"""Whether the filter was on when an item passed: its must-block sentinels are tried beside it."""

from __future__ import annotations

from harness.measure.attempts import Manner, Try
from harness.measure.looks import look
from harness.measure.measurement_context import Instruments
from harness.measure.sentinels import item_of, sentinels_for
from harness.model.campaign import Campaign
from harness.model.trouble import is_answer


async def is_filter_off(this: Try, how: Manner, campaign: Campaign, tools: Instruments) -> bool:
    """Whether a must-block sentinel passes too, right after an item passed in a retrial.

    Then the filter was switched off, which voids batches, and says nothing of the item.
    """
    probe = tools.probes[this.key.probe]
    for place, one in sentinels_for(campaign, "must_block", this.key.probe, probe):
        name = f"sentinel-block-{place}@{this.batch}.{this.key.item}.{how.look}.{how.turn}"
        item = item_of(one, name)
        key = this.key.for_item(name)
        beside = Try(key=key, item=item, role="must_block", batch=this.batch)
        manner = Manner(look="first", patience=campaign.limits.timeout)
        if is_answer(await look(beside, manner, campaign.limits, tools)):
            return True
    return False
