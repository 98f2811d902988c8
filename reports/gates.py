"""The gates of an assessment in words, which reports show before anything about the service."""

from __future__ import annotations

from typing import NamedTuple

from harness.assess.gates import is_failed
from harness.model.gate import gate_of, named_gate
from harness.model.outcome import Assessment, Conformity, Outcome


class GateState(NamedTuple):
    """A gate with one result: its words, and how many outcomes it leaves undecided.

    ``where`` are the profiles and lines; ``is_met`` says that what it guards may count.
    """

    id: str
    subject: str
    is_met: bool
    words: str
    where: tuple[str, ...]
    undecided: int


def gate_states(assessment: Assessment) -> tuple[GateState, ...]:
    """Return the gates of the scheme, unmet ones first, with one entry for each result."""
    grouped: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in assessment.outcomes:
        if gate_of(outcome.requirement) is not None:
            grouped.setdefault((outcome.requirement.id, _words(outcome)), []).append(outcome)
    states = [
        GateState(
            id=name,
            subject=outcomes[0].requirement.subject,
            is_met=outcomes[0].conformity is Conformity.CONFORMS,
            words=words,
            where=tuple(f"{one.profile} on {one.line}" for one in outcomes),
            undecided=sum(_undecided(assessment, one) for one in outcomes),
        )
        for (name, words), outcomes in grouped.items()
    ]
    return tuple(sorted(states, key=lambda one: (one.is_met, -one.undecided)))


def consequence(state: GateState) -> str:
    """Return what an unmet gate does to outcomes, in words; empty if it is met."""
    if state.is_met:
        return ""
    if not state.undecided:
        return "it leaves no outcome undecided"
    noun = "outcome" if state.undecided == 1 else "outcomes"
    return f"it leaves {state.undecided} {noun} undecided"


def _words(outcome: Outcome) -> str:
    if outcome.conformity is Conformity.CONFORMS:
        return "met"
    state = "not met" if is_failed(outcome) else "not shown"
    return f"{state}: {'; '.join(outcome.reasons[:2])}" if outcome.reasons else state


def _undecided(assessment: Assessment, gate: Outcome) -> int:
    beginning = named_gate(gate.requirement)
    return sum(
        any(reason.startswith(beginning) for reason in one.reasons)
        for one in assessment.outcomes
        if (one.line, one.profile) == (gate.line, gate.profile)
    )
