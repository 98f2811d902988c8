"""Gathers outcomes by requirement, so that a demand is said once and its outcomes below it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.outcome import Outcome
from harness.model.scheme import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One requirement with its outcomes, in the order of the scheme."""

    requirement: Requirement
    outcomes: tuple[Outcome, ...]

    @property
    def unit(self) -> str:
        """The unit in which the requirement was measured."""
        return self.outcomes[0].metric.unit


def groups_of(outcomes: Iterable[Outcome]) -> tuple[Group, ...]:
    """Outcomes gathered by requirement, requirements in the order in which they first come."""
    gathered: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        gathered.setdefault(outcome.requirement.id, []).append(outcome)
    return tuple(
        Group(requirement=each[0].requirement, outcomes=tuple(each)) for each in gathered.values()
    )
