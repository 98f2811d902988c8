"""The lines that plain twins are tried over: those of the campaign, as a pupil uses them."""

from __future__ import annotations

from collections.abc import Mapping

from harness.model.plain_twin import PlainTwins
from harness.ports.network import Line, PupilClient


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
