"""The part of ``docs/reference/hostile-services.md`` about the areas."""

from __future__ import annotations

from test_suites.calibration.hostile.areas.area import Area, areas
from test_suites.calibration.hostile.areas.area_runner import SHORT_RUN, all_area_suppliers
from test_suites.calibration.hostile.areas.area_supplier import AreaSupplier

_START = """## Services of single areas

{number} services are measured with the packs that an origin writes: lists of illegal pages, addresses,
searches, pages in many forms, harmless pages, files, uploads, users, block pages, logs, alerts, mail, speed,
outages, moments of devices, names and ways round the filter. Each knows every item of its area, and filters the sentinels as it should, unless its
sentence says more. A good service is measured in each area, and the same three rules hold.

What cannot be seen from the client's side is not in these tables, but in
[limits](limits.md#what-a-client-cannot-see).
"""


def area_sections() -> list[str]:
    """The sections of the page: a heading, and a table for each area."""
    suppliers = all_area_suppliers().values()
    parts = [_START.format(number=len(suppliers))]
    for area in areas().values():
        here = [each for each in suppliers if each.area == area.name]
        tried = ", ".join(f"`{each['id']}`" for each in area.requirements)
        parts.append(f"### {area.title}\n\nRequirements: {tried}.\n\n{_rows(area, here)}")
    return parts


def _rows(area: Area, suppliers: list[AreaSupplier]) -> str:
    rows = [("service", "what it does", "breaks", "why only *insufficient*"), ("---",) * 4]
    every = {each["id"] for each in area.requirements}
    for each in suppliers:
        mark = "" if each.id in SHORT_RUN else " †"
        broken = ", ".join(f"`{name}`" for name in sorted(each.breaks))
        broken = "all" if each.breaks == every and len(every) > 1 else broken
        rows.append((f"`{each.id}`{mark}", each.does, broken, each.why))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
