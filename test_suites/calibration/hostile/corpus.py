"""The items that hostile suppliers are tried with, written as packs, and known to the suppliers.

Agreed items have canary names, which say their category. Real items stand for names of a
vendor's list, and content items for pages that no list has: their names say nothing. What must
be let through stands among the real items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from corpora.item_table import COLUMNS
from corpora.pack_writer import PackDetails, write_pack
from harness.model.content_form import PageContent
from probes.range.zone import ZONE
from test_suites.calibration.hostile.knowledge import Kind, Knowledge, Known
from test_suites.calibration.hostile.sizes import Size

LIST, DRUGS, GAMBLING, MALWARE, HARM, LESSON = (
    "ILL.CSAM",
    "DRUG",
    "GAMB",
    "MALW",
    "HARM",
    "ALW.DRUGED",
)
PACKS: dict[Kind, str] = {"agreed": "public", "real": "assessor", "content": "assessor"}
"""The packs, and who may know the items of each."""


def known_hosts(size: Size) -> Knowledge:
    """Every host of the test."""
    return Knowledge.of(_hosts(size))


def contents(knowledge: Knowledge) -> dict[str, PageContent]:
    """What pages show whose hosts' names do not tell their category."""
    return {
        each.host: PageContent(code=each.category)
        for each in knowledge.hosts.values()
        if each.kind == "content"
    }


def write_packs(folder: Path, knowledge: Knowledge) -> tuple[str, ...]:
    """Write the packs, each into a folder of its own; gives their paths."""
    paths = []
    for name, audience in PACKS.items():
        rows = [_row(each) for each in knowledge.hosts.values() if _pack(each) == name]
        details = PackDetails(
            name=f"hostile-{name}",
            version="1.0.0",
            title=f"Items for hostile suppliers: {name}",
            created="2026-03-02T12:00:00Z",
            audience=audience,
            kind=name,
        )
        write_pack(folder / name, rows, details)
        paths.append(str(folder / name))
    return tuple(paths)


def _pack(known: Known) -> Kind:
    return "real" if known.kind == "ordinary" else known.kind


def _hosts(size: Size) -> Iterator[Known]:
    wanted: tuple[tuple[str, Kind, int], ...] = (
        (LIST, "agreed", size.listed),
        (DRUGS, "agreed", size.agreed),
        (DRUGS, "real", size.real),
        (GAMBLING, "real", size.real),
        (MALWARE, "real", size.real),
        (HARM, "content", size.content),
        (LESSON, "ordinary", size.ordinary),
    )
    for category, kind, number in wanted:
        for each in range(1, number + 1):
            yield _known(category, kind, each)


def _known(category: str, kind: Kind, number: int) -> Known:
    if kind == "agreed":
        host = f"{category.lower().replace('.', '-')}-{number:03d}.canary.{ZONE}"
    else:
        digest = hashlib.blake2b(f"{kind} {category} {number}".encode(), digest_size=5)
        host = f"s{digest.hexdigest()}.sites.{ZONE}"
    return Known(host=host, category=category, kind=kind, number=number)


def _row(known: Known) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {
        "id": known.host.partition(".")[0],
        "value": known.host,
        "kind": "host",
        "registrable": known.host,
        "labels": known.category,
        "stratum": known.category,
        "applies_to": "content" if known.kind == "content" else "",
        "sensitivity": "S0",
    }
