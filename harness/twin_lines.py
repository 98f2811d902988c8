"""The lines that plain twins are tried over: those of the campaign, as a pupil uses them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from harness.model.plain_twin import PlainTwins
from harness.plugins import find
from harness.ports.asking import Line, PupilClient


class TwinInstruments(TypedDict):
    """What instruments hold for plain twins."""

    pupil: PupilClient
    twin_lines: dict[tuple[str, str], Line]


def twin_instruments(
    lines: Mapping[tuple[str, str], Line], declared: PlainTwins
) -> TwinInstruments:
    """The pupil's client, and those lines that it can use, by name and profile."""
    client: PupilClient = find("clients", "pupil")()
    return {"pupil": client, "twin_lines": twin_lines(lines, declared, client)}


def twin_lines(
    lines: Mapping[tuple[str, str], Line], declared: PlainTwins, client: PupilClient
) -> dict[tuple[str, str], Line]:
    """Those lines that a pupil's browser can use, by name and profile; none if none is wanted."""
    if not declared.number:
        return {}
    made: dict[int, Line | None] = {}
    for line in lines.values():
        if id(line) not in made:
            made[id(line)] = client.line_for(line, declared.source)
    found = {place: made[id(line)] for place, line in lines.items()}
    return {place: line for place, line in found.items() if line is not None}
