"""What one surveillance run showed of one requirement, for one profile and line.

Surveillance measures an accredited service again and again between accreditations (ISO/IEC
17065:2012, 7.9). Readings of successive runs are what ``harness.estimate.surveillance_evidence``
adds up and ``harness.estimate.control_charts`` draws.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from harness.model.conformity import Conformity

MOST_MISSED = 20
"""How many missed items a reading names at most."""


class ReadingKey(NamedTuple):
    """What is followed over runs: a requirement for a profile and line."""

    requirement: str
    profile: str
    line: str


class PartCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many independent items of one part were tested, and how many of them were missed.

    ``group`` names the category or stratum with the source of its items ("GAMB, hidden real
    items"), empty if the requirement has no parts. Undecided items are tested and not missed.
    ``missed`` has a fraction where a registrable domain counts once with the share of its items.
    """

    group: str
    tested: int
    missed: float


class RequirementReading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of one requirement in one surveillance run, with the counts behind it.

    ``rule`` is the requirement's decision rule. ``value`` is in ``unit``, as are ``at_least`` and
    ``at_most``, the threshold. ``parts`` are empty if it is no rate of items, or if nothing was
    counted, as in a run that a failed precondition voids. ``undecided`` of the tested items could
    not be decided, and are not missed. ``missed_items`` are the ids of at most ``MOST_MISSED`` of
    the items that were missed.
    """

    requirement: str
    profile: str
    line: str
    metric: str
    unit: str
    conformity: Conformity
    severity: str = ""
    rule: str = ""
    value: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    parts: tuple[PartCount, ...] = ()
    undecided: int = 0
    missed_items: tuple[str, ...] = ()
    is_binding: bool = True

    @property
    def key(self) -> ReadingKey:
        """What is followed over runs."""
        return ReadingKey(self.requirement, self.profile, self.line)

    @property
    def most_missed(self) -> float | None:
        """The largest share of missed items that the threshold allows; ``None`` without one.

        Where a threshold has two sides it is that of ``at_least``, by which items are counted.
        """
        return self.at_most if self.at_least is None else 1 - self.at_least

    @property
    def is_open(self) -> bool:
        """Whether nothing was counted, or the undecided items alone would decide the outcome."""
        tested = sum(part.tested for part in self.parts)
        if self.conformity is not Conformity.INSUFFICIENT:
            return False
        if not tested or self.most_missed is None:
            return self.value is None
        missed = sum(part.missed for part in self.parts)
        allowed = self.most_missed * tested
        return missed <= allowed < missed + self.undecided

    @property
    def is_rate(self) -> bool:
        """Whether items were counted against a rate of which some may be missed."""
        most = self.most_missed
        return bool(self.parts) and most is not None and 0 < most < 1

    @property
    def allows_no_miss(self) -> bool:
        """Whether items were counted and none may be missed: at least 100 %, or at most 0 %."""
        return bool(self.parts) and self.most_missed == 0
