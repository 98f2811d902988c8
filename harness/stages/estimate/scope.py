"""Which items a measure counts: by category, stratum, phase, and what the policy expects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.model.corpus import Item, is_among
from harness.model.fate import Fate, MakeUp
from harness.model.outcome import Precondition
from harness.model.scheme import Expectation, Measure, Policy, Requirement
from harness.ports.counting import Folded
from harness.stages.estimate.fold import Cell, Lot

REAGENT = "CTRL"
"""The category of items that test the instrument; they count only where a measure names it."""

EVERY_PHASE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The items that a requirement counts for one profile, beside those of other profiles."""

    profile: str
    phase: str
    lots: tuple[Lot, ...]
    expects: Callable[[str], Expectation | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The items that one requirement counts on one line for one profile.

    ``expects`` is what the policy says of a category there, ``codes`` are its rows. ``sides``
    gives all profiles of the line, this one among them; ``preconditions`` are those of the place.
    ``domains`` says how many domains of the line have which make-up; ``folded`` knows times.
    """

    requirement: Requirement
    lots: tuple[Lot, ...]
    alpha: float
    folded: Folded
    domains: Sequence[tuple[MakeUp, int]] = ()
    expects: Callable[[str], Expectation | None] = lambda _: None
    codes: tuple[str, ...] = ()
    profile: str = ""
    sides: Callable[[], tuple[Side, ...]] = tuple
    preconditions: tuple[Precondition, ...] = ()

    @property
    def measure(self) -> Measure:
        """What is taken."""
        return self.requirement.measure


def selected(measure: Measure, policy: Policy, cell: Cell, phase: str) -> tuple[Lot, ...]:
    """The lots that a measure counts for a school phase."""
    return tuple(
        lot
        for lot in cell.lots
        if counts_category(measure, policy, lot.category, phase)
        and counts_item(measure, lot.fate, phase)
    )


def counts_category(measure: Measure, policy: Policy, category: str, phase: str) -> bool:
    """Whether items of ``category`` count: named, or not named at all, and as expected."""
    named = is_among(category, measure.categories)
    if not named and (measure.categories or category == REAGENT):
        return False
    return measure.expectation is None or policy.expects(category, phase) == measure.expectation


def counts_item(measure: Measure, item: Item | Fate, phase: str) -> bool:
    """Whether an item (or all of one fate) concerns the phase, in a stratum that is wanted."""
    if measure.strata and item.stratum not in measure.strata:
        return False
    return EVERY_PHASE in item.phases or phase in item.phases


def is_asked(measure: Measure, policy: Policy, seen: tuple[str, ...], phase: str) -> bool:
    """Whether the policy of a phase expects of any wanted category what the measure counts."""
    if measure.expectation is None or not measure.categories:
        return True
    codes = {*policy.rows, *seen, *measure.categories}
    return any(counts_category(measure, policy, code, phase) for code in codes)
