"""The buyers' guide: what the catalogue requires, and which shipped schemes require it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from harness.schemes.load import load_scheme, shipped, whole_catalogue
from reports.words import AREAS, SCHEMES, SEVERITIES


class GuideRow(NamedTuple):
    """A requirement in words; ``schemes`` are the names of those that bind it."""

    code: str
    title: str
    severity: str
    schemes: tuple[str, ...]


class GuideArea(NamedTuple):
    """The requirements of a subject."""

    code: str
    name: str
    rows: tuple[GuideRow, ...]


@cache
def guide_areas() -> tuple[GuideArea, ...]:
    """The whole catalogue, subject by subject, by name."""
    binding = _binding()
    grouped: dict[str, list[GuideRow]] = {}
    for row in whole_catalogue():
        schemes = tuple(binding.get(row.id, ()))
        severity = SEVERITIES.get(row.severity, row.severity)
        grouped.setdefault(row.area, []).append(GuideRow(row.id, row.title, severity, schemes))
    found = (GuideArea(code, AREAS.get(code, code), tuple(rows)) for code, rows in grouped.items())
    return tuple(sorted(found, key=lambda area: area.name))


def _binding() -> dict[str, list[str]]:
    """The names of the schemes that bind each requirement, by its id."""
    found: dict[str, list[str]] = {}
    for name, code in _bound():
        found.setdefault(code, []).append(name)
    return found


def _bound() -> Iterator[tuple[str, str]]:
    for scheme in shipped():
        for row in load_scheme(scheme).requirements:
            if row.binding and row.rule != "report":
                yield SCHEMES.get(scheme, scheme), row.id
