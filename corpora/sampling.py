"""Writes a sample of a pack as a pack of its own, with what its rates are worth.

Which items are in it is chosen elsewhere (``harness.stages.select``: bottom-k by keyed hash,
so that whoever learns the seed can derive the sample again). The weight of an item is the
number of items it stands for (Horvitz and Thompson 1952).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from corpora.item_table import COLUMNS
from corpora.pack import Pack
from corpora.packing import PackDetails, write_pack
from harness.plugins import register


@register("corpora", "sample")
def write_sample(
    pack: Pack, chosen: Collection[str], *, seed: str, out: Path, use_limit: int | None = None
) -> int:
    """Write the items with the ids ``chosen`` into the new directory ``out``; gives their number.

    Only the SHA-256 of ``seed`` is written. ``use_limit`` is that of the pack, unless told.
    Raises UsageError if ``out`` is there already.
    """
    ids = set(chosen)
    frame: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for item in pack.items():
        stratum = item.stratum or item.category
        frame[stratum] += 1
        if item.id in ids:
            taken[stratum] += 1
            pairs[item.pair_id] += 1
    stands_for = {stratum: frame[stratum] / count for stratum, count in taken.items()}
    whole_pairs = {pair for pair, count in pairs.items() if count > 1}
    rows = _rows(pack, ids, stands_for, whole_pairs)
    details = _details(pack, stands_for, seed, frame)
    return write_pack(out, rows, replace(details, use_limit=use_limit or details.use_limit))


def _rows(
    pack: Pack, ids: set[str], stands_for: dict[str, float], whole_pairs: set[str]
) -> Iterator[dict[str, str]]:
    """The rows of the sample; an item whose twin is not in it is no half of a pair."""
    with pack.table.open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["id"] in ids:
                stratum = row.get("stratum") or row["labels"].split("|")[0]
                weight = float(row.get("weight") or 1) * stands_for[stratum]
                pair = row.get("pair_id") or ""
                yield {name: row.get(name) or "" for name in COLUMNS} | {
                    "weight": f"{weight:.6g}",
                    "pair_id": pair if pair in whole_pairs else "",
                }


def _details(
    pack: Pack, stands_for: dict[str, float], seed: str, frame: Counter[str]
) -> PackDetails:
    manifest = pack.manifest
    return PackDetails(
        name=f"{manifest.name}-sample"[:64],
        version=manifest.version,
        title=f"Sample of: {manifest.title}",
        created=manifest.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        description=manifest.description,
        licence=manifest.licenses[0].name,
        sources=tuple(
            {"title": source.title, "x-licence": source.licence} for source in manifest.sources
        ),
        purpose=manifest.accredit.purpose,
        sensitivity=manifest.accredit.sensitivity,
        frame=f"{manifest.name} {manifest.version} {pack.reference.sha256}",
        frame_size=frame.total(),
        design="stratified",
        seed=seed,
        strata=tuple(sorted(stands_for)),
        label_method=manifest.accredit.labels.method,
        max_age_days=manifest.accredit.freshness.max_age_days,
        audience=manifest.accredit.release.audience,
        use_limit=manifest.accredit.release.use_limit,
        prohibitions=manifest.accredit.prohibitions,
    )
