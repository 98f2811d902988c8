"""Select the items of a campaign from its corpora.

Samples are bottom-k by keyed hash: the items with the smallest BLAKE2 of seed and id. They do not
depend on the order of a file, so anybody who knows the seed can derive them again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter

from msgspec.structs import replace as replace_fields

from harness.errors import UsageError, known
from harness.model.campaign import Campaign, CorpusSelection
from harness.model.corpus import VECTOR, WITHOUT_ADDRESS, Item, bare_code, covers, is_among
from harness.model.sampler import Smallest, order_key, ordering
from harness.model.technique import case_of_item
from harness.plugins import PROBES
from harness.ports.corpora import Corpus
from harness.ports.network import NeedsPrograms, Probe, fits


class SelectedItems:
    """The items of a campaign in the order of trial; a whole pack is streamed, not held in memory.

    ``is_ours`` recognises the hosts of our own origin. They share one registrable domain, but a
    supplier's list names each host, so each host is a cluster of its own.
    """

    def __init__(
        self,
        parts: Iterable[Sequence[Item] | Corpus],
        is_ours: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._parts = tuple(parts)
        self._is_ours = is_ours

    def with_own_hosts(self, is_ours: Callable[[str], bool]) -> SelectedItems:
        """The same items; each host of our own origin becomes its own registrable domain."""
        return SelectedItems(self._parts, is_ours)

    def __len__(self) -> int:
        return sum(_size(part) for part in self._parts)

    def __iter__(self) -> Iterator[Item]:
        return self.starting_at(0)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of the items; of a pack that is streamed, the kind of its first item."""
        told = (
            part if isinstance(part, Sequence) else islice(part.items(), 1) for part in self._parts
        )
        return frozenset(item.kind for items in told for item in items)

    @property
    def made(self) -> Iterator[Item]:
        """The items without an address; of a pack that is streamed, the first item at most."""
        told = (
            part if isinstance(part, Sequence) else islice(part.items(), 1) for part in self._parts
        )
        return (item for items in told for item in items if item.kind in WITHOUT_ADDRESS)

    @property
    def schemes(self) -> frozenset[str]:
        """The schemes that URLs among the items name; of a streamed pack, its first item's.

        Content pages are left out, because some of their forms exist over HTTPS alone.
        """
        told = (
            part if isinstance(part, Sequence) else islice(part.items(), 1) for part in self._parts
        )
        tried = (item for items in told for item in items if item.applies_to != "content")
        return frozenset(item.scheme for item in tried) - {""}

    def starting_at(self, place: int) -> Iterator[Item]:
        """Yield the items from position ``place`` on (0 is the first)."""
        for part in self._parts:
            size = _size(part)
            if place < size:
                items = part[place:] if isinstance(part, Sequence) else part.items(place)
                yield from map(self._with_own_domain, items)
            place = max(0, place - size)

    def _with_own_domain(self, item: Item) -> Item:
        if item.registrable != item.host and self._is_ours(item.host):
            return replace_fields(item, registrable=item.host)
        return item


def select_campaign_items(
    selections: Sequence[tuple[CorpusSelection, Corpus]], seed: str, *, seeded: bool = False
) -> SelectedItems:
    """Select the items of all selections, each item once.

    A whole pack is streamed in its own order, unless the order of the seed is wanted (``seeded``).
    Of several packs, each item bears its pack's mark; an item in a hidden pack and in another
    belongs to the other, because the supplier may know it. Raises UsageError for a category or an
    item that a corpus does not have, and for an id that two corpora use for different items.
    """
    if len(selections) == 1 and selections[0][0].is_whole and not seeded:
        return SelectedItems([selections[0][1]])
    chosen: dict[str, Item] = {}
    marks: dict[str, str] = {}
    for selection, corpus in sorted(selections, key=lambda one: one[1].reference.is_hidden):
        for item in select_items(selection, corpus, seed):
            if chosen.setdefault(item.id, item) != item:
                msg = f"pack {selection.pack!r}: another pack uses the id {item.id!r} already"
                raise UsageError(msg)
            marks.setdefault(item.id, corpus.reference.mark)
    ordered = sorted(chosen.values(), key=lambda item: order_key(seed, item.id))
    if len({corpus.reference.mark for _, corpus in selections}) > 1:
        ordered = [replace_fields(item, pack=marks[item.id]) for item in ordered]
    return SelectedItems([tuple(ordered)])


def select_items(selection: CorpusSelection, corpus: Corpus, seed: str) -> tuple[Item, ...]:
    """Select the items of one corpus, in the order of their keyed hashes.

    Raises UsageError for a category or an item that the corpus does not have.
    """
    if selection.items:
        return _select_by_id(selection.items, corpus)
    strata: defaultdict[str, Smallest[Item]] = defaultdict(lambda: Smallest(selection.sample))
    chosen: dict[str, bool] = {}
    place = ordering(seed)
    for item in corpus.items():
        stratum = item.stratum or item.category
        if stratum not in chosen:
            code = bare_code(stratum)
            chosen[stratum] = not selection.categories or is_among(code, selection.categories)
        if chosen[stratum]:
            strata[stratum].offer(place(item.id), item)
    seen = {bare_code(stratum) for stratum in chosen}
    for wanted in selection.categories:
        if not any(covers(code, wanted) for code in seen):
            msg = f"pack {selection.pack!r} has no category {wanted!r}; {known(seen)}"
            raise UsageError(msg)
    drawn = [one for smallest in strata.values() for one in smallest.kept()]
    return tuple(item for _, item in sorted(drawn, key=itemgetter(0)))


def techniques_not_chosen(items: SelectedItems, corpora: Iterable[Corpus]) -> dict[str, int]:
    """How many techniques of each class (``group:class``) the corpora hold beside the items.

    Empty where no technique was chosen, because then none was tried.
    """
    if VECTOR not in items.kinds:
        return {}
    chosen = {item.id for item in items if item.kind == VECTOR}
    cases = (
        case_of_item(item)
        for corpus in corpora
        for item in corpus.items()
        if item.kind == VECTOR and item.id not in chosen
    )
    counts = Counter(f"{case.group}:{case.name}" for case in cases if case is not None)
    return dict(sorted(counts.items()))


def _size(part: Sequence[Item] | Corpus) -> int:
    return len(part) if isinstance(part, Sequence) else part.size


def _select_by_id(ids: tuple[str, ...], corpus: Corpus) -> tuple[Item, ...]:
    wanted = dict.fromkeys(ids)
    found = {item.id: item for item in corpus.items() if item.id in wanted}
    missing = [name for name in wanted if name not in found]
    if missing:
        msg = f"pack {corpus.reference.name!r} has no item {', '.join(missing[:5])}"
        raise UsageError(msg)
    return tuple(found[name] for name in wanted)


def items_without_probe(
    items: SelectedItems, probes: Mapping[str, Probe]
) -> Iterator[tuple[str, str]]:
    """Yield what no probe can try, and how to correct that, in words.

    Items that must be made before they are tried need a probe that can make them; a URL needs the
    probe of its scheme. Without any probe nothing is reported.
    """
    declared = {name: probe.declares for name, probe in probes.items()}
    without = items.kinds & WITHOUT_ADDRESS if probes else frozenset()
    without -= {one.kind for one in items.made if any(fits(each, one) for each in probes.values())}
    able = frozenset[str]().union(*(each.kinds for each in declared.values())) - without
    for kind in sorted(without):
        found = f"items of kind {kind!r} are chosen, but none of the probes can try them"
        yield found, f"the probes can try {', '.join(sorted(able))}"
    pages = (each for each in probes.values() if each.declares.facts == "web")
    tried = {probe.declares.only_scheme for probe in pages if _tries_ordinary_pages(probe)}
    for scheme in sorted(items.schemes - tried) if tried and "" not in tried else ():
        found = f"URLs of scheme {scheme!r} are chosen, but none of the probes can try them"
        yield found, f"add {_probe_for(scheme)!r} to 'probes'"


def check_stopping_plans(campaign: Campaign, items: SelectedItems) -> None:
    """Raise UsageError for a category of a stopping plan of which no item was selected."""
    plans = campaign.stopping.plans if campaign.stopping and len(items) else ()
    chosen = {item.category for item in items} if plans else set()
    for number, plan in enumerate(plans, 1):
        for code in plan.categories:
            if not any(covers(category, code) for category in chosen):
                msg = f"plan {number}: no item of category {code!r} is chosen; {known(chosen)}"
                raise UsageError(msg)


def _probe_for(scheme: str) -> str:
    """The first available probe that tries ordinary pages of that scheme and of no other.

    Probes that need programs come last.
    """
    made = [(name, make()) for name, make in PROBES.load().items()]
    made.sort(key=lambda each: isinstance(each[1], NeedsPrograms))
    able = (
        name
        for name, probe in made
        if probe.declares.only_scheme == scheme and _tries_ordinary_pages(probe)
    )
    return next(able, "another")


def _tries_ordinary_pages(probe: Probe) -> bool:
    """Whether a probe tries pages that are no case of a requirement, such as pages over UDP."""
    scheme = probe.declares.only_scheme or "http"
    page = Item(id="page", value=f"{scheme}://page.test/", kind="url", labels=("page",))
    return fits(probe, page)
