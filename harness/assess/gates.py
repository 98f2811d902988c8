"""Gates are decided first; what an unmet gate guards is insufficient, never a failure.

A gate is *failed* if something was measured that does not meet it, and *not shown* if too little
was measured to tell. A failed gate always acts. One that is not shown acts if the scheme binds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.model.coverage import misses_threshold
from harness.model.gate import Gate, gate_of, named_gate
from harness.model.metric import Span
from harness.model.outcome import Conformity, Outcome
from harness.model.scheme import ITEM_BY_ITEM


def apply_gates(outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes in order; those under an unmet gate are insufficient, and name it.

    A gate concerns its own line and profile.
    """
    given = tuple(outcomes)
    unmet = [(outcome, gate) for outcome in given if (gate := _acting(outcome)) is not None]
    for gated, gate in unmet:
        given = tuple(_under(outcome, gated, gate) for outcome in given)
    return given


def _acting(outcome: Outcome) -> Gate | None:
    """Return the gate that an outcome is, if it is not met and acts on others."""
    gate = gate_of(outcome.requirement)
    if gate is None or outcome.conformity is Conformity.CONFORMS:
        return None
    return gate if outcome.requirement.binding or is_failed(outcome) else None


def is_failed(outcome: Outcome) -> bool:
    """Whether a gate was measured and is not met; else it is met, or was not shown."""
    requirement, metric = outcome.requirement, outcome.metric
    if outcome.conformity is Conformity.CONFORMS or not metric.n:
        return False
    threshold, bounds = requirement.threshold, Span(metric.lower, metric.upper)
    is_missed = threshold is not None and misses_threshold(threshold, bounds)
    return is_missed or metric.counted >= requirement.n_min


def _under(outcome: Outcome, gated: Outcome, gate: Gate) -> Outcome:
    """Return an outcome as it stands under a gate that is not met."""
    if (outcome.line, outcome.profile) != (gated.line, gated.profile) or not outcome.metric.n:
        return outcome
    if not gate.is_over(outcome.requirement, outcome.kind):
        return outcome
    is_failing = outcome.conformity is Conformity.DOES_NOT_CONFORM
    if is_failing and not _is_lifted(outcome, gate):
        return outcome
    why = f"{named_gate(gated.requirement)}: {'; '.join(gated.reasons[:2])}"
    leaning = {Conformity.CONFORMS: "pass", Conformity.DOES_NOT_CONFORM: "fail"}
    return replace(
        outcome,
        conformity=Conformity.INSUFFICIENT,
        leaning=leaning.get(outcome.conformity, outcome.leaning),
        reasons=(why, *outcome.reasons),
        qualifier="",
    )


def _is_lifted(outcome: Outcome, gate: Gate) -> bool:
    """Whether a failure rests on what the gate guards."""
    if gate.lifts == "sampled":
        return outcome.requirement.rule not in ITEM_BY_ITEM
    return gate.lifts == "all"
