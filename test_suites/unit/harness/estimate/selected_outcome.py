"""The outcome of a requirement, from the items or records that are selected for it."""

from __future__ import annotations

from harness.assess.outcomes import assess
from harness.estimate.estimate import function_of
from harness.estimate.item_selection import Selection
from harness.model.metric_spec import spec_of
from harness.model.outcome import Measurement, Outcome
from harness.model.scheme import Decision


def measured(chosen: Selection) -> Measurement:
    """The measurement of the selection's requirement."""
    found = function_of(spec_of(chosen.requirement.measure.metric))(chosen)
    return Measurement(
        requirement=chosen.requirement,
        profile=chosen.profile,
        line=chosen.line,
        metric=found.metric,
        witnesses=found.witnesses,
        barred=found.barred,
        conditions=found.conditions,
    )


def outcome(chosen: Selection) -> Outcome:
    """The outcome of the selection's requirement, decided alone."""
    return assess([measured(chosen)], Decision())[0]
