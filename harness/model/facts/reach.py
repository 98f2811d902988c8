"""Whether the far end was reached, for probes of other protocols."""

from __future__ import annotations

import msgspec

from harness.model.facts.base import FactsBase


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A named number with its unit, as a probe of another kind reports it."""

    name: str
    value: float
    unit: str


class ReachFacts(FactsBase, frozen=True, kw_only=True, omit_defaults=True, tag="reach"):
    """For probes of other protocols: was the far end reached, and what stood in the way."""

    target: str
    reached: bool | None = None
    refusal: str = ""
    readings: tuple[Reading, ...] = ()
