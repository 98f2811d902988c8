"""Writes a sample of a pack as a pack of its own, with what its rates are worth.

Which items are in it is drawn by lot (``corpora.stratified_sample``), so that whoever learns the
seed can derive the sample again. The weight of an item is what it stands for (Horvitz and
Thompson 1952).
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from corpora import hostnames
from corpora.item_table import COLUMNS
from corpora.pack_reader import Pack, open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.stratified_sample import Drawn, Lots, draw
from harness.errors import FaultyDocument, UsageError
from harness.model.corpus import KNOWN_TO_SUPPLIERS, Audience

OTHER_FRAME = ":popular"
"""Ends the ids of a popularity frame: there an item stands for something else, and counts apart."""


def sample_pack(
    pack: Pack,
    *,
    out: Path,
    use_limit: int | None = None,
    audience: Audience | None = None,
    **wanted: Any,
) -> Pack:
    """Draw a sample as ``wanted`` says (see ``Lots``) and write it to the new directory ``out``.

    Only the SHA-256 of the seed is written. ``use_limit`` and ``audience`` are those of the
    pack, unless told. Raises UsageError if ``out`` is there already, or something drawn is
    faulty: the rows of ``pack`` need not have been checked before.
    """
    lots = Lots(**wanted)
    audience = audience or pack.reference.audience
    _check_audience(pack, audience)
    drawn = draw(pack, lots)
    details = _details(pack, lots, drawn)
    details = replace(
        details,
        use_limit=use_limit or details.use_limit,
        audience=audience,
    )
    write_pack(out, _rows(drawn, lots), details)
    try:
        sample = open_pack(str(out))
        _check_hosts(sample)
    except FaultyDocument:
        shutil.rmtree(out)
        msg = f"{pack.directory}: what was drawn is faulty; 'accredit corpus lint' says where"
        raise UsageError(msg) from None
    except UsageError:
        shutil.rmtree(out)
        raise
    return sample


def _check_audience(pack: Pack, audience: Audience) -> None:
    """Raises UsageError for a hidden sample of items that suppliers are told."""
    if audience not in KNOWN_TO_SUPPLIERS and pack.reference.kind == "agreed":
        msg = (
            f"pack {pack.reference.name!r} holds agreed items, whose names suppliers load before a "
            f"campaign, so no sample of it is {audience!r}; sample a pack of real or content items"
        )
        raise UsageError(msg)


def _check_hosts(sample: Pack) -> None:
    """Raises UsageError if a hidden sample holds a name that suppliers are told."""
    if not sample.reference.is_hidden:
        return
    for item in sample.items():
        if hostnames.is_agreed(item.host):
            msg = (
                f"{item.host} lies in the agreed zone, which suppliers load before a campaign: "
                "it cannot be in a hidden sample"
            )
            raise UsageError(msg)


def _rows(drawn: Drawn, lots: Lots) -> Iterator[Mapping[str, str]]:
    """The rows of the sample; an item whose twin is not in it is no half of a pair."""
    pair_at = COLUMNS.index("pair_id")
    pairs = Counter(lot.row[pair_at] for lot in drawn.lots)
    has_own = lots.by == ("category",)
    ending = OTHER_FRAME if lots.frame == "popularity" else ""
    for lot in drawn.lots:
        row = dict(zip(COLUMNS, lot.row, strict=True))
        weight = _number(row["weight"]) * lot.weight
        yield row | {
            "id": row["id"] + ending,
            "weight": f"{weight:.6g}",
            "stratum": row["stratum"] if has_own else lot.stratum,
            "pair_id": row["pair_id"] if pairs[row["pair_id"]] > 1 else "",
        }


def _number(text: str) -> float:
    """The weight that a cell tells; 0, which no weight is, if it tells none."""
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def _details(pack: Pack, lots: Lots, drawn: Drawn) -> PackDetails:
    manifest = pack.manifest
    is_popular = lots.frame == "popularity"
    return PackDetails(
        name=f"{manifest.name}-{'popular' if is_popular else 'sample'}"[:64],
        version=manifest.version,
        title=f"Sample of: {manifest.title}",
        created=manifest.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        description=manifest.description,
        licence=manifest.licenses[0].name,
        sources=tuple(
            {"title": source.title, "x-licence": source.licence} for source in manifest.sources
        ),
        purpose=manifest.accredit.purpose,
        kind=manifest.accredit.kind,
        sensitivity=manifest.accredit.sensitivity,
        frame=_frame(pack, lots, drawn),
        frame_size=drawn.frame.total(),
        design="popularity_weighted" if is_popular else "stratified",
        method=lots.method,
        seed=lots.seed,
        strata=_strata(drawn.lots),
        label_method=manifest.accredit.labels.method,
        max_age_days=manifest.accredit.freshness.max_age_days,
        audience=manifest.accredit.release.audience,
        use_limit=manifest.accredit.release.use_limit,
        prohibitions=manifest.accredit.prohibitions,
    )


def _strata(lots: Collection[Any]) -> tuple[str, ...]:
    return tuple(sorted({lot.stratum for lot in lots}))


def _frame(pack: Pack, lots: Lots, drawn: Drawn) -> str:
    """What was drawn from, by name and digest."""
    reference = pack.reference
    frame = f"{reference.name} {reference.version} {reference.sha256}"
    if lots.ranks is not None:
        frame += f"; ranks: {lots.ranks.title} {lots.ranks.sha256}"
    if drawn.unranked:
        frame += f"; {drawn.unranked} items without a rank are no part of it"
    return frame
