"""Of a campaign that was not measured to its end nothing is granted, and nothing held against it.

Items are tried in the order of the seed, so a part of them is a fair sample; but whoever may end
a measurement when its figures please him, or begin it anew when they do not, has chosen the
outcome. Rates of a part have bounds for a number of items that was fixed beforehand, and it was
not. What was seen item by item stays seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.model.batch import batches_planned
from harness.model.campaign import Campaign
from harness.model.outcome import Measurement
from harness.model.retrial import DONE
from harness.ports.storage import Journal


def grant_nothing_unfinished(
    measurements: Iterable[Measurement], campaign: Campaign, journal: Journal
) -> tuple[Measurement, ...]:
    """The measurements, barred where batches of the campaign are missing from the journal."""
    planned = batches_planned(campaign, journal.header)
    missing = planned - len(journal.batches() & set(range(1, planned + 1)))
    if missing:
        why = f"the campaign is not measured to its end: {missing} of {planned} batches are missing"
    elif journal.header.get("retrials") and DONE not in journal.batches():
        why = "the campaign is not measured to its end: what was blocked was not tried again"
    else:
        return tuple(measurements)
    return tuple(replace(one, barred=why) for one in measurements)
