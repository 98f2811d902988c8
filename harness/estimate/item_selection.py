"""Which items a measure counts: by category, stratum, phase, and what the policy expects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harness.estimate.outcome_groups import Cell, Lot
from harness.estimate.sources import Basis, Sources, bears_on
from harness.model.corpus import Item, covers, is_among
from harness.model.instrument_record import InstrumentRecord
from harness.model.outcome import Precondition
from harness.model.outcome_group import Fate, MakeUp
from harness.model.plain_twin import TwinPair
from harness.model.scheme import Expectation, Measure, Policy, Requirement
from harness.ports.counts import Folded

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
    ``twins`` are items beside their plain twins there, ``ran`` the probes that ran there,
    ``instrument`` is what the campaign was measured with.
    ``sources`` knows where items come from, by the mark of their pack.
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
    twins: tuple[TwinPair, ...] = ()
    ran: frozenset[str] = frozenset()
    instrument: tuple[InstrumentRecord, ...] = ()
    sources: Sources = field(default_factory=Sources)

    @property
    def basis(self) -> Basis:
        """The sources that a favourable outcome rests on, of those that the items come from."""
        present = {self.sources.of(lot.fate.pack) for lot in self.lots}
        return self.sources.basis(self.requirement.rests_on, present)

    @property
    def measure(self) -> Measure:
        """What is taken."""
        return self.requirement.measure


def selected(
    requirement: Requirement, policy: Policy, cell: Cell, phase: str, sources: Sources
) -> tuple[Lot, ...]:
    """The lots that a requirement counts for a school phase."""
    measure, rests_on = requirement.measure, requirement.rests_on
    return tuple(
        lot
        for lot in cell.lots
        if counts_category(measure, policy, lot.category, phase)
        and counts_item(measure, lot.fate, phase)
        and bears_on(sources.of(lot.fate.pack), rests_on)
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


def is_wanted(
    measure: Measure,
    codes: Iterable[str],
    expects: Callable[[str], Expectation | None],
    wanted: str,
) -> bool:
    """Whether the policy expects of a named category, or of one below it, what is measured."""
    if measure.expectation is None:
        return True
    return any(
        expects(code) == measure.expectation for code in {*codes, wanted} if covers(code, wanted)
    )


def is_asked(measure: Measure, policy: Policy, seen: tuple[str, ...], phase: str) -> bool:
    """Whether the policy of a phase expects of any wanted category what the measure counts."""
    if measure.expectation is None or not measure.categories:
        return True
    codes = {*policy.rows, *seen, *measure.categories}
    return any(counts_category(measure, policy, code, phase) for code in codes)
