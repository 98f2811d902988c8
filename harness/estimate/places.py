"""The places of a campaign: each line for each profile, with what was folded there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.estimate.outcome_groups import Cell, cells_of
from harness.estimate.sources import Sources
from harness.model.instrument_record import InstrumentRecord
from harness.model.outcome import Precondition
from harness.model.plain_twin import TwinPair
from harness.ports.counts import Folded


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a profile, with what was folded there; ``beside`` are all of its line."""

    line: str
    profile: str
    phase: str
    cell: Cell
    folded: Folded
    preconditions: tuple[Precondition, ...]
    sources: Sources
    twins: tuple[TwinPair, ...]
    beside: list[Place]
    instrument: tuple[InstrumentRecord, ...] = ()


def places_of(
    folded: Folded,
    phases: Mapping[str, str],
    preconditions: tuple[Precondition, ...],
    sources: Sources,
    twins: tuple[TwinPair, ...],
    instrument: tuple[InstrumentRecord, ...] = (),
) -> list[Place]:
    """Every line for every profile, even where nothing was seen; ``phases`` by profile."""
    cells = cells_of(folded.counts)
    places: list[Place] = []
    for line in sorted({line for line, _ in cells}) or ["none"]:
        beside: list[Place] = []
        for profile in sorted({profile for _, profile in cells} | set(phases)):
            cell, phase = cells.get((line, profile), Cell()), phases.get(profile, profile)
            here = tuple(one for one in preconditions if one.concerns(line, profile))
            own = tuple(one for one in twins if (one.line, one.profile) == (line, profile))
            place = Place(
                line, profile, phase, cell, folded, here, sources, own, beside, instrument
            )
            beside.append(place)
        places += beside
    return places
