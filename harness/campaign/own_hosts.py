"""Packs and sentinels of the test range on the hosts of a campaign's own origin.

The shipped packs name hosts of the range. With another origin the same items are measured on hosts
of its zones; the packs, their digests and the ids of their items stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from harness.errors import UsageError
from harness.model.campaign import Campaign, Sentinel, Sentinels
from harness.model.corpus import NAMED, CorpusReference, Item
from harness.model.origin_zone import RANGE_ZONE, is_in, with_host
from harness.ports.network import Corpus, Origin


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
        return (on_own_host(item, self.origin) for item in self.corpus.items(start))


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

    Such items are pages of an origin; elsewhere nobody answers for them.
    """
    if corpus.reference.kind == "real":
        return
    for item in corpus.items():
        if item.kind in NAMED and item.host and not origin.covers(item.host):
            msg = (
                f"pack {corpus.reference.name!r}: the host {item.host} is in none of the origin's "
                f"zones ({', '.join(origin.zone_names)}); use the origin that the pack was made "
                "for, or a pack of kind 'real'"
            )
            raise UsageError(msg)
