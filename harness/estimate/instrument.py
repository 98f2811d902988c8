"""Whether it is on record what a campaign was measured with (TQ-13)."""

from __future__ import annotations

from collections import Counter

from harness.estimate.item_selection import Selection
from harness.estimate.rates import Taken
from harness.model.metric import Metric


def instrument_record(selection: Selection) -> Taken:
    """The share of the journal's instrument records in which nothing is missing.

    Without a record nothing was counted. What is missing is named among the reasons; a clock that
    is not synchronised counts as missing.
    """
    records = selection.instrument
    whole = sum(not record.missing for record in records)
    value = whole / len(records) if records else None
    metric = Metric(
        name="instrument_record",
        unit="share",
        value=value,
        k=whole,
        n=len(records),
        indeterminate=0,
        lower=value,
        upper=value,
        method="census of the journal's instrument records",
        alpha=selection.alpha,
        left_out=dict(Counter(fact for record in records for fact in record.missing)),
    )
    return Taken(metric=metric)
