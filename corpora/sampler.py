"""Draws lots among the rows of a pack: stratified, seeded, and the same whatever their order.

One pass over the table, holding twice what is drawn. Rows that are passed over are counted, not
checked; those that are drawn are checked when the sample is opened. The exact derivation is in
``docs/reference/sampling.md``.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from corpora import hostnames
from corpora.item_table import COLUMNS, ItemTable
from corpora.pack_reader import Pack, open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.ranks import Ranks
from harness.errors import FaultyDocument, UsageError, known
from harness.model.corpus import (
    KNOWN_TO_SUPPLIERS,
    TWIN,
    Audience,
    Item,
    ItemKind,
    bare_code,
    covers,
    is_among,
)
from harness.model.sampler import DIGEST_BYTES, Smallest, ordering

Frame = Literal["uniform", "popularity"]
FRAMES: tuple[Frame, ...] = ("uniform", "popularity")
DIMENSIONS = ("category", "popularity", "language")

ANY_ITEM = "bottom-k v1: BLAKE2b-128 of the id, keyed with the seed"
ONE_A_DOMAIN = "bottom-k v2: as v1, one item a registrable domain"
BY_POPULARITY = "bottom-k popularity v1: -ln(u) * rank, u from BLAKE2b-128 of the domain"

Row = tuple[str, ...]
"""The cells of a row in the order of ``COLUMNS``."""

_AT = {name: place for place, name in enumerate(COLUMNS)}
_ID, _LABELS, _STRATUM = _AT["id"], _AT["labels"], _AT["stratum"]
_LANG, _DOMAIN = _AT["lang"], _AT["registrable"]
_VALUE, _KIND = _AT["value"], _AT["kind"]
_UNKNOWN_LANGUAGE = "und"  # BCP 47: undetermined
_SPAN = 256**DIGEST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """How lots are drawn: ``size`` of each stratum, in the order that ``seed`` makes.

    ``by`` names what strata are made of. In the frame ``uniform`` every item counts alike, in
    ``popularity`` as much as its domain is visited, which its rank stands for (Zipf: 1 / rank).
    """

    seed: str
    size: int
    categories: tuple[str, ...] = ()
    by: tuple[str, ...] = ("category",)
    frame: Frame = "uniform"
    ranks: Ranks | None = None
    one_a_domain: bool = True

    @property
    def method(self) -> str:
        """The version of the derivation, as the manifest of the sample names it."""
        if self.frame == "popularity":
            return BY_POPULARITY
        return ONE_A_DOMAIN if self.one_a_domain else ANY_ITEM


class Lot(NamedTuple):
    """One row that was drawn, its stratum, and how much it stands for."""

    row: Row
    stratum: str
    weight: float


class Drawn(NamedTuple):
    """What was drawn, in the order of the seed; how many rows each stratum of the frame has.

    ``unranked`` rows have no popularity, and are no part of a frame of popularity.
    """

    lots: tuple[Lot, ...]
    frame: Counter[str]
    unranked: int


def draw(pack: Pack, lots: Lots) -> Drawn:
    """Draw lots. Raises UsageError for what ``lots`` asks in vain, FaultyDocument for no table."""
    _check(lots)
    frame: Counter[str] = Counter()
    seen: set[str] = set()
    size = lots.size if lots.frame == "uniform" else lots.size + 1
    unit = _domain if lots.one_a_domain or lots.frame == "popularity" else None
    strata: defaultdict[str, Smallest[Row]] = defaultdict(lambda: Smallest(size, unit))
    stratum_of, key_of = _drawn_strata(lots), _keys(lots)
    unranked = 0
    for row in _wanted(pack, lots, seen):
        key = key_of(row)
        if key is None:
            unranked += 1
            continue
        stratum = stratum_of(row)
        frame[stratum] += 1
        strata[stratum].offer(key, row)
    for wanted in lots.categories:
        if not any(covers(code, wanted) for code in seen):
            msg = f"pack {pack.reference.name!r} has no category {wanted!r}; {known(seen)}"
            raise UsageError(msg)
    drawn = [
        (key, Lot(row, stratum, weight))
        for stratum, smallest in strata.items()
        for key, row, weight in _weighed(smallest.kept(), lots, frame[stratum])
    ]
    ordered = tuple(lot for _, lot in sorted(drawn, key=itemgetter(0)))
    if not ordered:
        msg = f"pack {pack.reference.name!r}: none of its items has a rank in {_title(lots)}"
        raise UsageError(msg)
    return Drawn(ordered, frame, unranked)


def _check(lots: Lots) -> None:
    for name in lots.by:
        if name not in DIMENSIONS:
            msg = f"no stratum is made by {name!r}; {known(DIMENSIONS)}"
            raise UsageError(msg)
    if lots.frame not in FRAMES:
        msg = f"no frame {lots.frame!r}; {known(FRAMES)}"
        raise UsageError(msg)
    if lots.ranks is None and (lots.frame == "popularity" or "popularity" in lots.by):
        msg = "popularity is told by a ranked list: name one with --ranks FILE (rank,domain)"
        raise UsageError(msg)


def _wanted(pack: Pack, lots: Lots, seen: set[str]) -> Iterator[Row]:
    """The rows of the wanted categories; all categories are noted in ``seen``."""
    wanted: dict[str, bool] = {}
    for row in ItemTable(pack.table, pack.taxonomy).cells():
        stratum = row[_STRATUM] or _category(row)
        if stratum not in wanted:
            code = bare_code(stratum)
            seen.add(code)
            wanted[stratum] = not lots.categories or is_among(code, lots.categories)
        if wanted[stratum]:
            yield row


def _category(row: Row) -> str:
    return row[_LABELS].partition("|")[0]


def _domain(row: Row) -> str:
    """The registrable domain, looked up where the table does not tell it; empty if none is."""
    value, kind = row[_VALUE], row[_KIND]
    if row[_DOMAIN] or not value or kind not in ("url", "host", "suffix"):
        return row[_DOMAIN]
    return hostnames.registrable(
        Item(id="", value=value, labels=(), kind=cast("ItemKind", kind)).host
    )


def _drawn_strata(lots: Lots) -> Callable[[Row], str]:
    """What names the stratum of a row; that of its own, if strata are by category alone."""
    if lots.by == ("category",):
        return lambda row: row[_STRATUM] or _category(row)
    ranks = lots.ranks

    def category(row: Row) -> str:
        is_twin = row[_STRATUM].startswith(TWIN)
        return row[_STRATUM].partition("/")[0] if is_twin else _category(row)

    def popularity(row: Row) -> str:
        return ranks.band(_domain(row)) if ranks else ""

    def language(row: Row) -> str:
        return row[_LANG].partition("-")[0].lower() or _UNKNOWN_LANGUAGE

    tell = {"category": category, "popularity": popularity, "language": language}
    parts = [tell[name] for name in DIMENSIONS if name in lots.by]
    return lambda row: "/".join(part(row) for part in parts)


def _keys(lots: Lots) -> Callable[[Row], Any]:
    """What gives a row its place; None if it is no part of the frame."""
    place, ranks = ordering(lots.seed), lots.ranks
    if lots.frame == "uniform" or ranks is None:
        return lambda row: place(row[_ID])

    def by_popularity(row: Row) -> tuple[float, bytes] | None:
        domain = _domain(row)
        rank = ranks.of(domain)
        if rank is None:
            return None
        share = (int.from_bytes(place(domain)) + 1) / _SPAN
        return -math.log(share) * rank, place(row[_ID])

    return by_popularity


def _weighed(
    kept: list[tuple[Any, Row]], lots: Lots, frame: int
) -> Iterator[tuple[Any, Row, float]]:
    """What each drawn row stands for: rows of the frame, or popularity (sum of 1 / rank).

    The latter is unbiased given the first that was not drawn: Cohen and Kaplan, "Summarizing
    data using bottom-k sketches", PODC 2007 (rank conditioning); Horvitz and Thompson 1952.
    """
    taken = kept[: lots.size]
    if lots.frame == "uniform" or lots.ranks is None:
        for key, row in taken:
            yield key, row, frame / len(taken)
        return
    limit = kept[lots.size][0][0] if len(kept) > lots.size else math.inf
    for key, row in taken:
        popularity = 1 / (lots.ranks.of(_domain(row)) or 1)
        yield key, row, popularity / -math.expm1(-popularity * limit)


def _title(lots: Lots) -> str:
    return lots.ranks.title if lots.ranks else "any list"


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
