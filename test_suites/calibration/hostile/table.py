"""The table of hostile suppliers in ``docs/reference/hostile-services.md``.

Regenerate it with ``python -m test_suites.calibration.hostile --write``.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.model.outcome import Conformity
from test_suites.calibration.hostile.areas.area_table import area_sections
from test_suites.calibration.hostile.everyone import all_suppliers
from test_suites.calibration.hostile.short_run import FEW
from test_suites.calibration.hostile.supplier import EVERYTHING, HARMFUL, Supplier

TABLE = Path(__file__).parents[3] / "docs" / "reference" / "hostile-services.md"

KINDS = {"proxy": "Proxies", "gateway": "Gateways", "name server": "Name servers"}

_START = """# Hostile and broken services

{number} services that do not filter web pages correctly, or hide that they do not: {proxies} explicit
proxies, {gateways} transparent gateways and {names} name servers. Each is measured by a complete
campaign on loopback, and so is a good service of the same kind. The tests require that

- none of the requirements that the service breaks conforms;
- every other requirement has the same outcome as with the good service;
- the good service conforms in every requirement.

The outcome of {failing} services must be *does not conform*. For the other {open}, the evidence allows
only *insufficient*; the second table of each kind says why.

The requirements are `ILL-01` (every entry of the illegal list is blocked), `URL-04` (drugs), `URL-06`
(the worst of two categories), `DYN-06` (harmful text on a host that no list has), `URL-13` (the
same verdict for every way to a page), `URL-15` (filtering is active throughout), `OVB-01` (what
should pass is not blocked), `PRF-03` (the filter adds little delay) and `TQ-10` (pupils are treated
like the test). *Harmful pages* means the first four, *all* means every requirement. Where the items
of the test are undecided, they cannot be compared with what a pupil gets, so `TQ-10` is
*insufficient* too.

A service without a dagger (†) is measured in `make test`, all of them in `make hostile`, and with many more items in
`tox run -e hostile`.

This page is generated: `python -m test_suites.calibration.hostile --write`. The same command
without `--write` measures all services of the first tables and prints the outcome of each;
`python -m test_suites.calibration.hostile.areas` does so for [the areas](#services-of-single-areas).
"""


def table() -> str:
    """The whole page."""
    suppliers = tuple(all_suppliers().values())
    kinds = Counter(each.kind for each in suppliers)
    answers = Counter(each.answer for each in suppliers)
    parts = [
        _START.format(
            number=len(suppliers),
            proxies=kinds["proxy"],
            gateways=kinds["gateway"],
            names=kinds["name server"],
            failing=answers[Conformity.DOES_NOT_CONFORM],
            open=answers[Conformity.INSUFFICIENT],
        )
    ]
    for kind, heading in KINDS.items():
        here = [each for each in suppliers if each.kind == kind]
        failing = [each for each in here if not each.why]
        parts.append(f"## {heading}: *does not conform*\n\n{_rows(failing, with_why=False)}")
        parts.append(f"## {heading}: *insufficient*\n\n{_rows(here, with_why=True)}")
    parts += area_sections()
    return "\n".join(parts)


def _rows(suppliers: list[Supplier], *, with_why: bool) -> str:
    names = ("service", "what it does", "breaks") + (("why only *insufficient*",) * with_why)
    shown = [each for each in suppliers if bool(each.why) == with_why]
    rows = [names, ("---",) * len(names)]
    for each in shown:
        why = (each.why,) if with_why else ()
        mark = " †" if each.id not in FEW else ""
        rows.append((f"`{each.id}`{mark}", each.does, _broken(each), *why))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _broken(supplier: Supplier) -> str:
    """The requirements that a supplier breaks, in few words."""
    broken = supplier.breaks
    if broken >= EVERYTHING - {"DYN-06"}:
        return "all"
    harmful = HARMFUL if supplier.kind != "name server" else HARMFUL - {"DYN-06"}
    words = ["harmful pages"] if broken >= harmful else []
    words += [f"`{each}`" for each in sorted(broken - harmful if words else broken)]
    return ", ".join(words)
