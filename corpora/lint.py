"""Looks for what is not wrong in a pack, but makes its figures worth less.

Filters decide per domain, so items of one registrable domain are not independent (METHOD:
"one URL per registrable domain"); a pair wants both its halves; and lists go stale.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from corpora import hostnames
from corpora.item_table import TableEntry
from corpora.manifest import FILE
from corpora.pack_reader import Pack
from corpora.rater_agreement import RELIABLE, TENTATIVE
from corpora.taxonomy import shipped
from harness.errors import Fault
from harness.model.corpus import Item

ROLES = frozenset(
    {"canary", "sentinel", "twin", "block", "blocked", "allow", "allowed", "special", "filter"}
)
"""Labels that tell what the test is up to."""

SHORTEST, LONG = 3, 5
"""Letters of the shortest word that tells, and of one that is looked for inside others too."""

NEUTRAL = frozenset({"site", "sites", "page", "pages", "online", "services", "other"})
"""Words of category names that tell nothing by themselves."""

_LETTERS = re.compile(r"[a-z]+")


def telling_word(host: str, zone: str) -> str:
    """The word in a host name of ``zone`` that tells of a category or role, or nothing.

    Names outside the zone are what they are.
    """
    name = host.lower().rstrip(".")
    if name != zone and not name.endswith("." + zone):
        return ""
    parts: list[str] = _LETTERS.findall(name.removesuffix(zone))
    words = _words()
    for part in parts:
        if part in words:
            return part
    joined = "".join(parts)
    return next((word for word in sorted(words) if len(word) >= LONG and word in joined), "")


@cache
def _words() -> frozenset[str]:
    """The parts of all codes, and the words of all categories' names."""
    codes = {part for each in shipped() for part in _LETTERS.findall(each.code.lower())}
    names = {word for each in shipped() for word in _LETTERS.findall(each.name.lower())}
    told = {word for word in codes | names if len(word) >= SHORTEST}
    return frozenset((told - NEUTRAL) | ROLES)


ZONE = "accredit.test"
"""The zone of our own pages."""

_RANKS = ("S0", "S1", "S2", "S3", "S4")
_MOST_SHOWN = 3


def lint(pack: Pack, now: datetime | None = None) -> list[Fault]:
    """What to mend in a pack, each with file, line and remedy; empty if nothing."""
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
        found = f"was checked {(now - fresh.checked_at).days} days ago"
        remedy = f"check it again: at most {fresh.max_age_days} days"
        yield _in_manifest(pack, "accredit.freshness", found, remedy)
    if profile.taxonomy.hash != f"sha256:{pack.taxonomy.sha256}":
        found = f"was labelled by another taxonomy ({profile.taxonomy.version})"
        remedy = f"known: {pack.taxonomy.name} {pack.taxonomy.version}"
        yield _in_manifest(pack, "accredit.taxonomy", found, remedy)
    if profile.purpose == "accreditation" and not pack.reference.signed:
        found = "claims to serve accreditation, but is not signed"
        yield _in_manifest(pack, "accredit.purpose", found, "sign it, or say 'self-test'")


def _check_labels(pack: Pack) -> Iterator[Fault]:
    """Labels that several people gave must agree beyond chance (see ``agreement``)."""
    labels, purpose = pack.manifest.accredit.labels, pack.manifest.accredit.purpose
    needed = RELIABLE if purpose == "accreditation" else TENTATIVE
    alpha = labels.krippendorff_alpha
    if labels.method in ("double_blind", "adjudicated") and alpha is None:
        found = "says nothing of the raters' agreement"
        yield _in_manifest(pack, "accredit.labels.krippendorff_alpha", found, f"at least {needed}")
    elif alpha is not None and alpha < needed:
        remedy = f"at least {needed} for {purpose}"
        yield _in_manifest(pack, "accredit.labels.krippendorff_alpha", f"is {alpha:.3f}", remedy)


def _check_kind(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """A hidden pack holds real or content items: a name that was announced is not hidden."""
    if not pack.reference.is_hidden:
        return
    audience = pack.reference.audience
    if pack.reference.kind == "agreed":
        found = f"holds agreed items, which suppliers load beforehand, and is for {audience!r}"
        remedy = "say real or content if suppliers were not told its names, or make it public"
        yield _in_manifest(pack, "accredit.kind", found, remedy)
    for line, item, _ in entries:
        if hostnames.is_agreed(item.host):
            found = f"{item.host} lies in the agreed zone, and the pack is for {audience!r}"
            yield _in_table(pack, line, "value", found, "leave it out")


def _check_domains(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Every item after the first of one registrable domain."""
    first: dict[str, int] = {}
    for line, item, _ in entries:
        if item.registrable and item.registrable in first:
            shown = repr(item.registrable) if item.sensitivity != "S4" else "a hidden domain"
            found = f"{shown} is already on line {first[item.registrable]}"
            yield _in_table(pack, line, "registrable", found, "one item a registrable domain")
        first.setdefault(item.registrable, line)


def _check_pairs(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Each pair holds two items of different kinds of content."""
    pairs: dict[str, list[TableEntry]] = defaultdict(list)
    for entry in entries:
        if entry.item.pair_id:
            pairs[entry.item.pair_id].append(entry)
    for pair, members in pairs.items():
        line = members[0].line
        if len(members) == 1:
            found = f"{pair!r} has one item only"
            yield _in_table(pack, line, "pair_id", found, "add its twin, or leave it empty")


def _check_values(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Values that only differ in what makes no difference: case, www, scheme, a last slash."""
    first: dict[str, int] = {}
    for line, item, _ in entries:
        key = _essence(item)
        if key in first:
            found = f"item {item.id!r} is a near-duplicate of line {first[key]}"
            yield _in_table(pack, line, "value", found, "keep one")
        first.setdefault(key, line)


def _essence(item: Item) -> str:
    text = item.value or item.value_hmac
    return re.sub(r"^(https?://)?(www\.)?", "", text.lower()).rstrip("/")


def _check_sensitivity(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    most = pack.manifest.accredit.sensitivity
    above = [one for one in entries if _RANKS.index(one.item.sensitivity) > _RANKS.index(most)]
    for line, item, _ in above[:_MOST_SHOWN]:
        found = f"{item.sensitivity} is above what the manifest says"
        yield _in_table(pack, line, "sensitivity", found, f"at most {most}")


def _check_names(pack: Pack, entries: list[TableEntry]) -> Iterator[Fault]:
    """Hosts of a hidden pack on our own zone whose names tell what they are."""
    if not pack.reference.is_hidden:
        return
    told = ((line, telling_word(item.host, ZONE)) for line, item, _ in entries)
    telling = [(line, word) for line, word in told if word]
    for line, word in telling[:_MOST_SHOWN]:
        found = f"the host name says {word!r}, and the pack is hidden ({len(telling)} such items)"
        yield _in_table(pack, line, "value", found, "names that say nothing of a category")


def _in_table(pack: Pack, line: int, key: str, found: str, remedy: str) -> Fault:
    return Fault(where=str(pack.table), line=line, key=key, found=found, known=remedy)


def _in_manifest(pack: Pack, key: str, found: str, remedy: str) -> Fault:
    where = str(pack.directory / FILE)
    return Fault(where=where, line=None, key=key, found=found, known=remedy)
