"""Draw a seeded, stratified sample of a pack, and write it as a pack.

The sample does not depend on the order of rows. It takes one pass over the table and memory for
twice the sample. Rows that are not drawn are counted but not checked; drawn rows are checked when
the sample is opened. ``docs/reference/sampling.md`` gives the exact derivation.
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
ONE_PER_DOMAIN = "bottom-k v2: as v1, one item a registrable domain"
BY_POPULARITY = "bottom-k popularity v1: -ln(u) * rank, u from BLAKE2b-128 of the domain"

Cells = tuple[str, ...]
"""The cells of a row in the order of ``COLUMNS``."""

_COLUMN = {name: index for index, name in enumerate(COLUMNS)}
_ID, _LABELS, _STRATUM = _COLUMN["id"], _COLUMN["labels"], _COLUMN["stratum"]
_LANG, _DOMAIN = _COLUMN["lang"], _COLUMN["registrable"]
_VALUE, _KIND = _COLUMN["value"], _COLUMN["kind"]
_UNKNOWN_LANGUAGE = "und"  # BCP 47: undetermined
_SPAN = 256**DIGEST_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePlan:
    """What to draw: ``size`` rows of each stratum, in the order given by ``seed``.

    ``by`` names the dimensions of strata. In the frame ``uniform`` all items have equal weights; in
    ``popularity`` the weight is how often the domain is visited, estimated from its rank (Zipf:
    1 / rank).
    """

    seed: str
    size: int
    categories: tuple[str, ...] = ()
    by: tuple[str, ...] = ("category",)
    frame: Frame = "uniform"
    ranks: Ranks | None = None
    one_per_domain: bool = True

    @property
    def method(self) -> str:
        """The version of the derivation, as the manifest of the sample names it."""
        if self.frame == "popularity":
            return BY_POPULARITY
        return ONE_PER_DOMAIN if self.one_per_domain else ANY_ITEM


class SampledRow(NamedTuple):
    """A drawn row, its stratum and its weight."""

    row: Cells
    stratum: str
    weight: float


class Sample(NamedTuple):
    """The drawn rows in the order of the seed, and the size of each stratum of the frame.

    ``unranked`` rows have no popularity, so a popularity frame does not include them.
    """

    rows: tuple[SampledRow, ...]
    frame: Counter[str]
    unranked: int


def draw_sample(pack: Pack, plan: SamplePlan) -> Sample:
    """Draw a sample. Raises UsageError if the plan does not fit, FaultyDocument for a bad table."""
    _check(plan)
    frame: Counter[str] = Counter()
    categories: set[str] = set()
    size = plan.size if plan.frame == "uniform" else plan.size + 1
    unit = _domain if plan.one_per_domain or plan.frame == "popularity" else None
    strata: defaultdict[str, Smallest[Cells]] = defaultdict(lambda: Smallest(size, unit))
    stratum_of, key_of = _stratum_function(plan), _key_function(plan)
    unranked = 0
    for row in _wanted(pack, plan, categories):
        key = key_of(row)
        if key is None:
            unranked += 1
            continue
        stratum = stratum_of(row)
        frame[stratum] += 1
        strata[stratum].offer(key, row)
    for wanted in plan.categories:
        if not any(covers(code, wanted) for code in categories):
            msg = f"pack {pack.reference.name!r} has no category {wanted!r}; {known(categories)}"
            raise UsageError(msg)
    keyed = [
        (key, SampledRow(row, stratum, weight))
        for stratum, smallest in strata.items()
        for key, row, weight in _weighed(smallest.kept(), plan, frame[stratum])
    ]
    ordered = tuple(sampled for _, sampled in sorted(keyed, key=itemgetter(0)))
    if not ordered:
        msg = f"pack {pack.reference.name!r}: none of its items has a rank in {_title(plan)}"
        raise UsageError(msg)
    return Sample(ordered, frame, unranked)


def _check(plan: SamplePlan) -> None:
    for name in plan.by:
        if name not in DIMENSIONS:
            msg = f"no dimension {name!r} of strata; {known(DIMENSIONS)}"
            raise UsageError(msg)
    if plan.frame not in FRAMES:
        msg = f"no frame {plan.frame!r}; {known(FRAMES)}"
        raise UsageError(msg)
    if plan.ranks is None and (plan.frame == "popularity" or "popularity" in plan.by):
        msg = "popularity needs a ranked list: name one with --ranks FILE (rank,domain)"
        raise UsageError(msg)


def _wanted(pack: Pack, plan: SamplePlan, categories: set[str]) -> Iterator[Cells]:
    """The rows of the wanted categories; adds every category of the pack to ``categories``."""
    wanted: dict[str, bool] = {}
    for row in ItemTable(pack.table, pack.taxonomy).cells():
        stratum = row[_STRATUM] or _category(row)
        if stratum not in wanted:
            code = bare_code(stratum)
            categories.add(code)
            wanted[stratum] = not plan.categories or is_among(code, plan.categories)
        if wanted[stratum]:
            yield row


def _category(row: Cells) -> str:
    return row[_LABELS].partition("|")[0]


def _domain(row: Cells) -> str:
    """The registrable domain, from the table or looked up; empty if there is none."""
    value, kind = row[_VALUE], row[_KIND]
    if row[_DOMAIN] or not value or kind not in ("url", "host", "suffix"):
        return row[_DOMAIN]
    return hostnames.registrable(
        Item(id="", value=value, labels=(), kind=cast("ItemKind", kind)).host
    )


def _stratum_function(plan: SamplePlan) -> Callable[[Cells], str]:
    """The function that names the stratum of a row: its own stratum if only by category."""
    if plan.by == ("category",):
        return lambda row: row[_STRATUM] or _category(row)
    ranks = plan.ranks

    def category(row: Cells) -> str:
        is_twin = row[_STRATUM].startswith(TWIN)
        return row[_STRATUM].partition("/")[0] if is_twin else _category(row)

    def popularity(row: Cells) -> str:
        return ranks.band(_domain(row)) if ranks else ""

    def language(row: Cells) -> str:
        return row[_LANG].partition("-")[0].lower() or _UNKNOWN_LANGUAGE

    functions = {"category": category, "popularity": popularity, "language": language}
    parts = [functions[name] for name in DIMENSIONS if name in plan.by]
    return lambda row: "/".join(part(row) for part in parts)


def _key_function(plan: SamplePlan) -> Callable[[Cells], Any]:
    """The function that gives a row its sort key, or None if the frame does not include it."""
    key, ranks = ordering(plan.seed), plan.ranks
    if plan.frame == "uniform" or ranks is None:
        return lambda row: key(row[_ID])

    def by_popularity(row: Cells) -> tuple[float, bytes] | None:
        domain = _domain(row)
        rank = ranks.of(domain)
        if rank is None:
            return None
        share = (int.from_bytes(key(domain)) + 1) / _SPAN
        return -math.log(share) * rank, key(row[_ID])

    return by_popularity


def _weighed(
    kept: list[tuple[Any, Cells]], plan: SamplePlan, frame: int
) -> Iterator[tuple[Any, Cells, float]]:
    """The weight of each drawn row: a number of rows, or popularity (sum of 1 / rank).

    The latter is unbiased given the first row that was not drawn: Cohen and Kaplan, "Summarizing
    data using bottom-k sketches", PODC 2007 (rank conditioning); Horvitz and Thompson 1952.
    """
    drawn = kept[: plan.size]
    if plan.frame == "uniform" or plan.ranks is None:
        for key, row in drawn:
            yield key, row, frame / len(drawn)
        return
    limit = kept[plan.size][0][0] if len(kept) > plan.size else math.inf
    for key, row in drawn:
        popularity = 1 / (plan.ranks.of(_domain(row)) or 1)
        yield key, row, popularity / -math.expm1(-popularity * limit)


def _title(plan: SamplePlan) -> str:
    return plan.ranks.title if plan.ranks else "any list"


OTHER_FRAME = ":popular"
"""Suffix of ids in a popularity frame, where items have other weights and count separately."""


def sample_pack(
    pack: Pack,
    *,
    out: Path,
    use_limit: int | None = None,
    audience: Audience | None = None,
    **wanted: Any,
) -> Pack:
    """Draw a sample as ``wanted`` says (see ``SamplePlan``) and write it to the directory ``out``.

    Only the SHA-256 of the seed is written. ``use_limit`` and ``audience`` default to those of the
    pack. The rows of ``pack`` need not be checked. Raises UsageError if ``out`` exists, or a drawn
    row is faulty.
    """
    plan = SamplePlan(**wanted)
    audience = audience or pack.reference.audience
    _check_audience(pack, audience)
    sample = draw_sample(pack, plan)
    details = _details(pack, plan, sample)
    details = replace(
        details,
        use_limit=use_limit or details.use_limit,
        audience=audience,
    )
    write_pack(out, _rows(sample, plan), details)
    try:
        written = open_pack(str(out))
        _check_hosts(written)
    except FaultyDocument:
        shutil.rmtree(out)
        msg = f"{pack.directory}: a drawn row is faulty; 'accredit corpus lint' says where"
        raise UsageError(msg) from None
    except UsageError:
        shutil.rmtree(out)
        raise
    return written


def _check_audience(pack: Pack, audience: Audience) -> None:
    """Raise UsageError for a hidden sample of items that suppliers know."""
    if audience not in KNOWN_TO_SUPPLIERS and pack.reference.kind == "agreed":
        msg = (
            f"pack {pack.reference.name!r} holds agreed items, whose names suppliers load before a "
            f"campaign, so a sample cannot be {audience!r}; use a pack of real or content items"
        )
        raise UsageError(msg)


def _check_hosts(sample: Pack) -> None:
    """Raise UsageError if a hidden sample holds a name that suppliers know."""
    if not sample.reference.is_hidden:
        return
    for item in sample.items():
        if hostnames.is_agreed(item.host):
            msg = (
                f"{item.host} is in the agreed zone, which suppliers load before a campaign: "
                "it cannot be in a hidden sample"
            )
            raise UsageError(msg)


def _rows(sample: Sample, plan: SamplePlan) -> Iterator[Mapping[str, str]]:
    """The rows of the sample pack; an item whose twin was not drawn loses its pair id."""
    pair_at = COLUMNS.index("pair_id")
    pairs = Counter(sampled.row[pair_at] for sampled in sample.rows)
    has_own = plan.by == ("category",)
    ending = OTHER_FRAME if plan.frame == "popularity" else ""
    for sampled in sample.rows:
        row = dict(zip(COLUMNS, sampled.row, strict=True))
        weight = _number(row["weight"]) * sampled.weight
        yield row | {
            "id": row["id"] + ending,
            "weight": f"{weight:.6g}",
            "stratum": row["stratum"] if has_own else sampled.stratum,
            "pair_id": row["pair_id"] if pairs[row["pair_id"]] > 1 else "",
        }


def _number(text: str) -> float:
    """The weight in a cell; 0, which is never valid, if it is not a number."""
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def _details(pack: Pack, plan: SamplePlan, sample: Sample) -> PackDetails:
    manifest = pack.manifest
    is_popular = plan.frame == "popularity"
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
        frame=_frame(pack, plan, sample),
        frame_size=sample.frame.total(),
        design="popularity_weighted" if is_popular else "stratified",
        method=plan.method,
        seed=plan.seed,
        strata=_strata(sample.rows),
        label_method=manifest.accredit.labels.method,
        max_age_days=manifest.accredit.freshness.max_age_days,
        audience=manifest.accredit.release.audience,
        use_limit=manifest.accredit.release.use_limit,
        prohibitions=manifest.accredit.prohibitions,
    )


def _strata(rows: Collection[SampledRow]) -> tuple[str, ...]:
    return tuple(sorted({sampled.stratum for sampled in rows}))


def _frame(pack: Pack, plan: SamplePlan, sample: Sample) -> str:
    """The frame of the sample: pack and ranks by name and digest."""
    reference = pack.reference
    frame = reference.identity
    if plan.ranks is not None:
        frame += f"; ranks: {plan.ranks.title} {plan.ranks.sha256}"
    if sample.unranked:
        frame += f"; {sample.unranked} items without a rank are no part of it"
    return frame
