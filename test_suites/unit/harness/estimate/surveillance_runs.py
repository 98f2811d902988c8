"""Readings of surveillance runs for tests."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.conformity import Conformity
from harness.model.surveillance_reading import PartCount, RequirementReading


def run_of(
    *counts: tuple[float, int], at_least: float | None = 0.9, at_most: float | None = None
) -> RequirementReading:
    """A run with a part "a", "b", ... for each pair of missed and tested items."""
    return RequirementReading(
        requirement="URL-01",
        profile="ks2",
        line="proxy",
        metric="block_rate",
        unit="share",
        conformity=Conformity.CONFORMS,
        at_least=at_least,
        at_most=at_most,
        parts=tuple(
            PartCount(group="abcdefgh"[place], tested=tested, missed=missed)
            for place, (missed, tested) in enumerate(counts)
        ),
    )


def runs_of(
    missed: Sequence[float],
    tested: int = 60,
    *,
    at_least: float | None = 0.9,
    at_most: float | None = None,
) -> list[RequirementReading]:
    """Runs of one part with so many missed items each."""
    return [run_of((one, tested), at_least=at_least, at_most=at_most) for one in missed]
