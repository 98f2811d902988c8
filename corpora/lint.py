"""Check a valid pack for weaknesses that make its figures less reliable.

Filters decide per domain, so items of one registrable domain are not independent (METHOD:
"one URL per registrable domain"); a pair needs both items; lists go stale; and host names of a
hidden pack must not reveal their category (``revealing_word``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain

from corpora import hostnames
from corpora.item_table import TableEntry
from corpora.manifest import FILE
from corpora.pack_reader import Pack
from corpora.rater_agreement import RELIABLE, TENTATIVE
from corpora.taxonomy import shipped
from harness.errors import Fault
from harness.model.corpus import VECTOR, Item

ROLES = frozenset(
    {"canary", "sentinel", "twin", "block", "blocked", "allow", "allowed", "special", "filter"}
)
"""Words in host names that reveal the purpose of an item."""

SHORTEST, LONG = 3, 5
"""Length of the shortest word that reveals something, and of one looked for inside words."""

NEUTRAL = frozenset({"site", "sites", "page", "pages", "online", "services", "other"})
"""Words of category names that reveal nothing by themselves."""

_LETTERS = re.compile(r"[a-z]+")


def revealing_word(host: str, zone: str) -> str:
    """The word in a host name of ``zone`` that reveals a category or role; empty if none does.

    Names outside the zone are not checked: the author of the pack does not choose them.
    """
    name = host.lower().rstrip(".")
    if name != zone and not name.endswith("." + zone):
        return ""
    labels: list[list[str]] = [_LETTERS.findall(one) for one in name.removesuffix(zone).split(".")]
    words = _words()
    for part in chain.from_iterable(labels):
        if part in words:
            return part
    joined = ["".join(parts) for parts in labels]
    inside = (word for word in sorted(words) if len(word) >= LONG)
    return next((word for word in inside if any(word in one for one in joined)), "")


@cache
def _words() -> frozenset[str]:
    """The parts of all codes, and the words of all categories' names."""
    codes = {part for each in shipped() for part in _LETTERS.findall(each.code.lower())}
    names = {word for each in shipped() for word in _LETTERS.findall(each.name.lower())}
    revealing = {word for word in codes | names if len(word) >= SHORTEST}
    return frozenset((revealing - NEUTRAL) | ROLES)


ZONE = "accredit.test"
"""The zone of our own pages."""

_RANKS = ("S0", "S1", "S2", "S3", "S4")
_MOST_SHOWN = 3


def lint(pack: Pack, now: datetime | None = None) -> list[Fault]:
    """The weaknesses of a pack, each with file, line and remedy; empty if there are none."""
    entries = list(pack.entries())
    faults = [*_check_manifest(pack, now or datetime.now(UTC))]
    faults += _check_labels(pack)
    faults += _check_kind(pack, entries)
    faults += _check_domains(pack, entries)
    faults += _check_pairs(pack, entries)
    faults += _check_values(pack, entries)
    faults += _check_sensitivity(pack, entries)
    faults += _check_names(pack, entries)
    return faults


def _check_manifest(pack: Pack, now: datetime) -> Iterator[Fault]:
    profile = pack.manifest.accredit
    fresh = profile.freshness
    if fresh.checked_at + timedelta(days=fresh.max_age_days) < now:
        problem = f"was checked {(now - fresh.checked_at).days} days ago"
        remedy = f"check it again: at most {fresh.max_age_days} days"
        yield _in_manifest(pack, "accredit.freshness", problem, remedy)
    if profile.taxonomy.hash != f"sha256:{pack.taxonomy.sha256}":
        problem = f"was labelled with another taxonomy ({profile.taxonomy.version})"
        remedy = f"known: {pack.taxonomy.name} {pack.taxonomy.version}"
        yield _in_manifest(pack, "accredit.taxonomy", problem, remedy)
    if profile.purpose == "accreditation" and not pack.reference.signed:
        problem = "is for accreditation, but the pack is not signed"
        yield _in_manifest(
            pack, "accredit.purpose", problem, "sign the pack, or change the purpose to 'self-test'"
        )


def _check_labels(pack: Pack) -> Iterator[Fault]:
    """Labels from several raters must agree beyond chance (see ``corpora.rater_agreement``)."""
    labels, purpose = pack.manifest.accredit.labels, pack.manifest.accredit.purpose
    needed = RELIABLE if purpose == "accreditation" else TENTATIVE
    alpha = labels.krippendorff_alpha
    if labels.method in ("double_blind", "adjudicated") and alpha is None:
        problem = "is missing, although several raters labelled the items"
        yield _in_manifest(
            pack, "accredit.labels.krippendorff_alpha", problem, f"at least {needed}"
        )
    elif alpha is not None and alpha < needed:
        remedy = f"at least {needed} for {purpose}"
        yield _in_manifest(pack, "accredit.labels.krippendorff_alpha", f"is {alpha:.3f}", remedy)


def _check_kind(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """A hidden pack must hold real or content items: announced names are not hidden."""
    if not pack.reference.is_hidden:
        return
    audience = pack.reference.audience
    if pack.reference.kind == "agreed":
        problem = f"the items are agreed, so suppliers know them, but the audience is {audience!r}"
        remedy = (
            "set kind to real or content if suppliers were not told the names, or make it public"
        )
        yield _in_manifest(pack, "accredit.kind", problem, remedy)
    for line, item, _ in entries:
        if hostnames.is_agreed(item.host):
            problem = f"{item.host} is in the agreed zone, but the audience is {audience!r}"
            yield _in_table(pack, line, "value", problem, "leave it out")


def _check_domains(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Report every item but the first of each registrable domain."""
    first: dict[str, int] = {}
    for line, item, _ in entries:
        if item.registrable and item.registrable in first:
            shown = repr(item.registrable) if item.sensitivity != "S4" else "a hidden domain"
            problem = f"{shown} is already on line {first[item.registrable]}"
            yield _in_table(
                pack, line, "registrable", problem, "keep one item per registrable domain"
            )
        first.setdefault(item.registrable, line)


def _check_pairs(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Report pairs that have one item only."""
    pairs: dict[str, list[TableEntry]] = defaultdict(list)
    for entry in entries:
        if entry.item.pair_id:
            pairs[entry.item.pair_id].append(entry)
    for pair, members in pairs.items():
        line = members[0].line
        if len(members) == 1:
            problem = f"{pair!r} has one item only"
            yield _in_table(pack, line, "pair_id", problem, "add its twin, or leave it empty")


def _check_values(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Report values that differ only in case, www, scheme or a trailing slash.

    Vectors are written exactly as they are meant: for each, letter case may be the point.
    """
    first: dict[str, int] = {}
    for line, item, _ in entries:
        if item.kind == VECTOR and item.host:
            continue
        key = _normalised(item)
        if key in first:
            problem = f"item {item.id!r} is a near-duplicate of line {first[key]}"
            yield _in_table(pack, line, "value", problem, "keep one")
        first.setdefault(key, line)


def _normalised(item: Item) -> str:
    text = item.value or item.value_hmac
    return re.sub(r"^(https?://)?(www\.)?", "", text.lower()).rstrip("/")


def _check_sensitivity(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    most = pack.manifest.accredit.sensitivity
    above = [
        entry for entry in entries if _RANKS.index(entry.item.sensitivity) > _RANKS.index(most)
    ]
    for line, item, _ in above[:_MOST_SHOWN]:
        problem = f"{item.sensitivity} is above the sensitivity in the manifest"
        yield _in_table(pack, line, "sensitivity", problem, f"at most {most}")


def _check_names(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Report hosts of a hidden pack in our own zone whose names reveal what they are."""
    if not pack.reference.is_hidden:
        return
    words = ((line, revealing_word(item.host, ZONE)) for line, item, _ in entries)
    revealing = [(line, word) for line, word in words if word]
    for line, word in revealing[:_MOST_SHOWN]:
        problem = f"the host name of a hidden item contains {word!r} ({len(revealing)} such items)"
        yield _in_table(pack, line, "value", problem, "names that do not reveal a category")


def _in_table(pack: Pack, line: int, key: str, problem: str, remedy: str) -> Fault:
    return Fault(where=str(pack.table), line=line, key=key, found=problem, known=remedy)


def _in_manifest(pack: Pack, key: str, problem: str, remedy: str) -> Fault:
    where = str(pack.directory / FILE)
    return Fault(where=where, line=None, key=key, found=problem, known=remedy)
