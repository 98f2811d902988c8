"""Choose the items of a campaign from its corpora, and check that its probes can try them.

Samples are bottom-k by keyed hash: the items with the smallest BLAKE2 of seed and id. They do
not depend on the order of a file, so anybody who has the seed can derive them again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter

from msgspec.structs import replace as replace_fields

from harness.errors import UsageError, known
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.corpus import MADE, Item, bare_code, covers, is_among
from harness.model.sampler import Smallest, order_key, ordering
from harness.plugins import PROBES
from harness.ports.network import Corpus, Probe


class Chosen:
    """The items of a campaign in the order of their trials; a whole pack is streamed.

    ``is_ours`` tells hosts of our own origin. They share one registrable domain, but a supplier's
    list names each of them, so each counts as a domain of its own.
    """

    def __init__(
        self,
        parts: Iterable[Sequence[Item] | Corpus],
        is_ours: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._parts = tuple(parts)
        self._is_ours = is_ours

    def with_own_hosts(self, is_ours: Callable[[str], bool]) -> Chosen:
        """The same items, where each host of our own origin is its own registrable domain."""
        return Chosen(self._parts, is_ours)

    def __len__(self) -> int:
        return sum(_size(part) for part in self._parts)

    def __iter__(self) -> Iterator[Item]:
        return self.starting_at(0)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the items; of a streamed pack only the first item is looked at."""
        samples = (
            part if isinstance(part, Sequence) else islice(part.items(), 1) for part in self._parts
        )
        return frozenset(item.kind for items in samples for item in items)

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes of URLs among the items; of a streamed pack only the first is looked at."""
        samples = (
            part if isinstance(part, Sequence) else islice(part.items(), 1) for part in self._parts
        )
        return frozenset(item.scheme for items in samples for item in items) - {""}

    def starting_at(self, position: int) -> Iterator[Item]:
        """The items from ``position`` on (0 is the first), without making earlier ones."""
        for part in self._parts:
            size = _size(part)
            if position < size:
                items = part[position:] if isinstance(part, Sequence) else part.items(position)
                yield from map(self._apart, items)
            position = max(0, position - size)

    def _apart(self, item: Item) -> Item:
        if item.registrable != item.host and self._is_ours(item.host):
            return replace_fields(item, registrable=item.host)
        return item


def choose(
    selections: Sequence[tuple[CorpusSelection, Corpus]], seed: str, *, seeded: bool = False
) -> Chosen:
    """Choose the items of all selections, each item once.

    A single whole pack is streamed in its own order, unless the order of the seed is wanted
    (``seeded``). With several packs, each item names its pack; an item that is in a hidden pack and
    in another belongs to the other, because the supplier may know it. Raises UsageError for a
    category or an item that a corpus lacks, and for an id that two corpora use for different items.
    """
    if len(selections) == 1 and selections[0][0].is_whole and not seeded:
        return Chosen([selections[0][1]])
    chosen: dict[str, Item] = {}
    marks: dict[str, str] = {}
    for selection, corpus in sorted(
        selections, key=lambda selected: selected[1].reference.is_hidden
    ):
        for item in select_items(selection, corpus, seed):
            if chosen.setdefault(item.id, item) != item:
                msg = f"pack {selection.pack!r}: another pack uses the id {item.id!r} already"
                raise UsageError(msg)
            marks.setdefault(item.id, corpus.reference.mark)
    ordered = sorted(chosen.values(), key=lambda item: order_key(seed, item.id))
    if len({corpus.reference.mark for _, corpus in selections}) > 1:
        ordered = [replace_fields(item, pack=marks[item.id]) for item in ordered]
    return Chosen([tuple(ordered)])


def select_items(selection: CorpusSelection, corpus: Corpus, seed: str) -> tuple[Item, ...]:
    """Choose the items of one corpus, in the order of their keyed hashes.

    Raises UsageError for a category or an item that the corpus does not have.
    """
    if selection.items:
        return _named(selection.items, corpus)
    strata: defaultdict[str, Smallest[Item]] = defaultdict(lambda: Smallest(selection.sample))
    codes: set[str] = set()
    order = ordering(seed)
    for item in corpus.items():
        stratum = item.stratum or item.category
        code = bare_code(stratum)
        codes.add(code)
        if not selection.categories or is_among(code, selection.categories):
            strata[stratum].offer(order(item.id), item)
    for wanted in selection.categories:
        if not any(covers(code, wanted) for code in codes):
            msg = f"pack {selection.pack!r} has no category {wanted!r}; {known(codes)}"
            raise UsageError(msg)
    chosen = [entry for smallest in strata.values() for entry in smallest.kept()]
    return tuple(item for _, item in sorted(chosen, key=itemgetter(0)))


def _size(part: Sequence[Item] | Corpus) -> int:
    return len(part) if isinstance(part, Sequence) else part.size


def _named(ids: tuple[str, ...], corpus: Corpus) -> tuple[Item, ...]:
    wanted = dict.fromkeys(ids)
    by_id = {item.id: item for item in corpus.items() if item.id in wanted}
    missing = [name for name in wanted if name not in by_id]
    if missing:
        msg = f"pack {corpus.reference.name!r} has no item {', '.join(missing[:5])}"
        raise UsageError(msg)
    return tuple(by_id[name] for name in wanted)


def untried(items: Chosen, probes: Mapping[str, Probe]) -> Iterator[tuple[str, str]]:
    """The kinds and URL schemes that no probe can try, each with a remedy, in words.

    Items that must be made before they are tried need a probe that can make them, and URLs need the
    probe of their scheme. Without any probe nothing is reported.
    """
    declared = {name: probe.declares for name, probe in probes.items()}
    possible = frozenset[str]().union(*(each.kinds for each in declared.values()))
    for kind in sorted((items.kinds & MADE) - possible) if probes else ():
        problem = f"items of kind {kind!r} are chosen, but none of the probes can try them"
        yield problem, f"the probes can try {', '.join(sorted(possible))}"
    tried = {each.only_scheme for each in declared.values() if each.facts == "web"}
    for scheme in sorted(items.schemes - tried) if tried and "" not in tried else ():
        problem = f"URLs of scheme {scheme!r} are chosen, but none of the probes can try them"
        yield problem, f"add {_probe_for(scheme)!r} to 'probes'"


def check_plans(campaign: Campaign, items: Chosen) -> None:
    """Raise UsageError if no item of a stopping plan's category was chosen."""
    plans = campaign.stopping.plans if campaign.stopping and len(items) else ()
    chosen = {item.category for item in items} if plans else set()
    for number, plan in enumerate(plans, 1):
        for code in plan.categories:
            if not any(covers(category, code) for category in chosen):
                msg = f"plan {number}: no item of category {code!r} is chosen; {known(chosen)}"
                raise UsageError(msg)


def _probe_for(scheme: str) -> str:
    """The first available probe that tries URLs of a scheme alone."""
    made = ((name, make()) for name, make in PROBES.load().items())
    return next((name for name, each in made if each.declares.only_scheme == scheme), "another")
