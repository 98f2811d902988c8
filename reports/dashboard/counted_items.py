"""Which items of a campaign count for an outcome, as far as lists of items can be chosen by it."""

from __future__ import annotations

from typing import get_args

from harness.model.corpus import PackKind, is_among
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import CategoryRate, Outcome
from harness.store.hub.item_rows import TECHNIQUE

CONTROL_CATEGORY = "CTRL"
"""The category of items that test the instrument; counted only where a requirement names it."""

MISSED = {"were blocked": "allowed", "got through": "allowed", "were wrongly blocked": "blocked"}
"""The state of items that speak against the service, by what a metric counts."""


def missed_state(metric: Metric) -> str:
    """The state of items that speaks against the service; empty if no state does."""
    return MISSED.get(spec_of(metric.name).verb, "")


def counted_categories(outcome: Outcome, rates: tuple[CategoryRate, ...]) -> tuple[str, ...]:
    """The categories of which items count for an outcome; none for what counts no items."""
    measure = outcome.requirement.measure
    if not spec_of(measure.metric).counts_items or not (measure.categories or outcome.kind):
        return ()
    return tuple(
        dict.fromkeys(
            each.category
            for each in rates
            if (each.profile, each.line) == (outcome.profile, outcome.line)
            and is_among(each.category, measure.categories or (each.category,))
            and (measure.categories or each.category != CONTROL_CATEGORY)
            and (measure.expectation is None or each.expects == measure.expectation)
        )
    )


def counted_kinds(outcome: Outcome) -> tuple[str, ...]:
    """The kinds of items that may count: agreed and real ones together, content or techniques."""
    if spec_of(outcome.requirement.measure.metric).of_techniques:
        return (TECHNIQUE,)
    rests_on = outcome.requirement.rests_on
    if rests_on is None:
        return get_args(PackKind)
    return ("content",) if rests_on == "content" else ("agreed", "real")
