"""Packs and sentinels of the test range on the hosts of a campaign's own origin.

The shipped packs name hosts of the range. With another origin the same items are measured on hosts
of its zones; the packs, their digests and the ids of their items stay what they are.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from harness.errors import UsageError, known
from harness.model.campaign import Campaign, Sentinel, Sentinels
from harness.model.corpus import NAMED, CorpusReference, Item, covers, is_among
from harness.model.listed_page import is_for_lists
from harness.model.network_signal import signal_name
from harness.model.origin_zone import RANGE_ZONE, is_in, with_host
from harness.ports.corpora import Corpus
from harness.ports.network import Origin

FIRST = 1000
"""Items of a pack that are looked at for the range, whose packs may have millions."""


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """A corpus whose hosts of the range's zone are replaced by those of an origin."""

    corpus: Corpus
    origin: Origin

    @property
    def reference(self) -> CorpusReference:
        """The pack as it was shipped."""
        return self.corpus.reference

    @property
    def size(self) -> int:
        """How many items there are."""
        return self.corpus.size

    def items(self, start: int = 0) -> Iterator[Item]:
        """The items from ``start`` on, on the origin's hosts."""
        if self.size > KEPT:
            return (on_own_host(item, self.origin) for item in self.corpus.items(start))
        return iter(self._kept()[start:])

    def _kept(self) -> tuple[Item, ...]:
        """All items, moved once for all campaigns of this process on the origin."""
        origin = self.origin
        place = (self.reference.identity, origin.zone_names, origin.twin_zone, origin.key)
        if place not in _MOVED:
            _MOVED[place] = tuple(on_own_host(item, origin) for item in self.corpus.items())
            while len(_MOVED) > PACKS:
                _MOVED.popitem(last=False)
        return _MOVED[place]


PACKS, KEPT = 16, 20_000
"""How many packs are kept with moved items, each of up to so many."""
_MOVED: OrderedDict[tuple[str, tuple[str, ...], str, bytes], tuple[Item, ...]] = OrderedDict()


def on_own_host(item: Item, origin: Origin) -> Item:
    """Return an item on the origin's host, which is a cluster of its own; others are returned."""
    host = item.host
    if not is_in(host, RANGE_ZONE):
        return item
    own = origin.home_of(host)
    if own == host:
        return item
    return replace(item, value=with_host(item.value, host, own), registrable=own)


def with_own_sentinels(campaign: Campaign, origin: Origin) -> Campaign:
    """Return a campaign whose sentinels in the range's zone are hosts of the origin."""

    def moved(sentinel: Sentinel) -> Sentinel:
        host = sentinel.host
        own = origin.home_of(host)
        return sentinel.model_copy(update={"at": with_host(sentinel.at, host, own)})

    sentinels = campaign.sentinels
    own = Sentinels(
        must_allow=tuple(map(moved, sentinels.must_allow)),
        must_block=tuple(map(moved, sentinels.must_block)),
    )
    return campaign.model_copy(update={"sentinels": own})


def require_served(corpus: Corpus, origin: Origin) -> None:
    """Raise UsageError for an agreed or content pack with a host that the origin does not serve.

    Such items are pages of an origin; no other server answers for them. For the range only the
    first items are looked at, which show for which origin the pack was made.
    """
    if corpus.reference.kind == "real":
        return
    for item in islice(corpus.items(), None if origin.zones else FIRST):
        if is_elsewhere(item, origin):
            msg = (
                f"pack {corpus.reference.name!r}: the host {item.host} is in none of the origin's "
                f"zones ({', '.join(origin.zone_names)}); use the origin that the pack was made "
                "for, or a pack of kind 'real'"
            )
            raise UsageError(msg)


def is_elsewhere(item: Item, origin: Origin) -> bool:
    """Whether an item names a host outside of the origin's zones; agreed names of signals may."""
    is_page = item.kind in NAMED and bool(item.host) and not signal_name(item.host)
    return is_page and not origin.covers(item.host)


def on_own_hosts(corpus: Corpus, origin: Origin) -> Corpus:
    """Return a pack on the hosts of an origin; the pack itself if the origin is the range."""
    return corpus if origin.covers(RANGE_ZONE) else OwnHosts(corpus, origin)


def listed_items(corpus: Corpus, categories: Collection[str]) -> list[Item]:
    """Return the items of categories and of their sub-categories; all items without categories.

    Benign neighbours of a category are not in it, and pages that only lead to a listed page are on
    no list. Raises UsageError for a category without items.
    """
    listed, codes = list[Item](), set[str]()
    for item in corpus.items():
        codes.add(item.category)
        is_wanted = not categories or is_among(item.category, categories)
        if is_wanted and is_for_lists(item):
            listed.append(item)
    for wanted in categories:
        if not any(covers(code, wanted) for code in codes):
            msg = f"pack {corpus.reference.name!r} has no items of {wanted}; {known(codes)}"
            raise UsageError(msg)
    return listed


def categories_in(campaign: Campaign, path: Path, pack: str) -> tuple[str, ...]:
    """Return the categories that a campaign file tries of a pack; empty: all.

    Raises UsageError if the campaign does not name the pack.
    """
    chosen = [one for one in campaign.corpora if _is_pack(one.pack, path, pack)]
    if not chosen:
        named = known({one.pack for one in campaign.corpora})
        msg = f"{path}: the campaign does not use the pack {pack!r}; {named}"
        raise UsageError(msg)
    if not all(one.categories for one in chosen):
        return ()
    return tuple(dict.fromkeys(code for one in chosen for code in one.categories))


def _is_whole_site(item: Item) -> bool:
    """Whether a list entry of an item covers all pages of its host."""
    rest = item.value.partition("://")[2] or item.value
    return item.kind != "url" or not rest.partition("/")[2].strip("/")


def _is_pack(named: str, path: Path, pack: str) -> bool:
    beside = path.parent / named
    return named == pack or (beside.is_dir() and beside.resolve() == Path(pack).resolve())


def with_must_block(items: Iterable[Item], campaign: Campaign) -> list[Item]:
    """Return items and the must-block sentinels of their campaign, which have the same categories.

    Nothing tells a sentinel from an item.
    """
    listed = list(items)
    counts = Counter(item.category for item in listed)
    usual = min(counts, key=lambda code: (-counts[code], code)) if counts else "CTRL"
    listed += (
        Item(id=f"sentinel-{place}", value=one.at, labels=(usual,), kind=one.item_kind)
        for place, one in enumerate(campaign.sentinels.must_block, 1)
    )
    return listed


def refuse_blocked_allowed(items: Iterable[Item], campaign: Campaign) -> None:
    """Raise UsageError if a list of items would block a must-allow sentinel of the campaign."""
    allowed = campaign.sentinels.hosts("must_allow")
    for item in items:
        blocked = next((host for host in allowed if is_in(host.lower(), item.host)), "")
        if blocked and _is_whole_site(item):
            msg = (
                f"the list would block the must-allow sentinel {blocked} (by {item.value}); choose "
                "another sentinel"
            )
            raise UsageError(msg)
