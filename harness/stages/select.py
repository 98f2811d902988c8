"""Selects: which items of the corpora are tried, and in which batches.

Samples are bottom-k by keyed hash: the items with the smallest BLAKE2 of seed and id. They do
not depend on the order of a file, so anybody who learns the seed can derive them again.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator

from harness.errors import UsageError, known
from harness.model.batch import Batch, Way
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.corpus import Item, covers
from harness.ports.asking import Corpus

TWIN = "twin:"


def select_items(selection: CorpusSelection, corpus: Corpus, seed: str) -> tuple[Item, ...]:
    """Choose the items of one corpus, in the order of their keyed hashes.

    Raises UsageError for a category or an item that the corpus does not have.
    """
    if selection.items:
        return _named(selection.items, corpus)
    strata: dict[str, list[Item]] = defaultdict(list)
    seen: set[str] = set()
    for item in corpus.items():
        stratum = item.stratum or item.category
        code = stratum.removeprefix(TWIN)
        seen.add(code)
        if not selection.categories or any(covers(code, want) for want in selection.categories):
            strata[stratum].append(item)
    for wanted in selection.categories:
        if not any(covers(code, wanted) for code in seen):
            msg = f"pack {selection.pack!r} has no category {wanted!r}; {known(seen)}"
            raise UsageError(msg)
    chosen: list[Item] = []
    for items in strata.values():
        size = selection.sample or len(items)
        chosen += heapq.nsmallest(size, items, key=lambda item: order_key(seed, item.id))
    return tuple(sorted(chosen, key=lambda item: order_key(seed, item.id)))


def plan_batches(campaign: Campaign, items: Iterable[Item]) -> Iterator[Batch]:
    """Lay the items out in batches, each one way; ways take turns so that none is far in time."""
    triable = [item for item in items if item.value]
    way_list = ways(campaign)
    size = campaign.limits.batch
    number = 0
    for start in range(0, len(triable), size):
        for way in way_list:
            number += 1
            yield Batch(number=number, way=way, items=tuple(triable[start : start + size]))


def ways(campaign: Campaign) -> tuple[Way, ...]:
    """All ways of trying that a campaign asks for."""
    lines: dict[str, list[str]] = {}
    for line in campaign.lines:
        for probe in campaign.probes_on(line):
            lines.setdefault(probe, []).append(line.name)
    return tuple(
        Way(probe=probe, lines=tuple(names), profile=profile, round=turn)
        for turn in range(1, campaign.rounds + 1)
        for profile in campaign.profiles
        for probe, names in lines.items()
    )


def order_key(seed: str, text: str) -> bytes:
    """The place of ``text`` in the order that ``seed`` makes."""
    return hashlib.blake2b(text.encode(), key=seed.encode()[:64], digest_size=16).digest()


def _named(ids: tuple[str, ...], corpus: Corpus) -> tuple[Item, ...]:
    wanted = dict.fromkeys(ids)
    found = {item.id: item for item in corpus.items() if item.id in wanted}
    missing = [name for name in wanted if name not in found]
    if missing:
        msg = f"pack {corpus.reference.name!r} has no item {', '.join(missing[:5])}"
        raise UsageError(msg)
    return tuple(found[name] for name in wanted)
