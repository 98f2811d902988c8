"""What an outcome rests on, and what was counted of each of its parts, in words."""

from __future__ import annotations

from harness.model.metric import Metric
from harness.model.outcome import Outcome
from reports.phrases import RATES, limit_of, quantity


def rests_on(outcome: Outcome) -> str:
    """The kind of items that an outcome rests on: "real items"; empty if it is about none."""
    return f"{outcome.kind} items" if outcome.kind else ""


def apart(outcome: Outcome) -> tuple[str, ...]:
    """What was counted of each part, the smallest first, where there are several; else nothing."""
    parts = outcome.metric.parts
    if len(parts) < 2:  # noqa: PLR2004 - several
        return ()
    ordered = sorted(parts, key=lambda part: (part.metric.n, part.name))
    return tuple(f"{part.name}: {_share(outcome, part.metric)}" for part in ordered)


def _share(outcome: Outcome, metric: Metric) -> str:
    found = f"{metric.k}/{metric.n}"
    found += f" +{metric.indeterminate}?" if metric.indeterminate else ""
    if metric.unit not in RATES or metric.value is None:
        return found
    limit = limit_of(outcome.requirement.threshold)
    return f"{found} ({quantity(metric.value, metric.unit, limit)})"
