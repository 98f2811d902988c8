"""Folds verdicts into items: the unit of counting is the item, not the trial.

An item counts as blocked only if every probe and every round found it blocked, and as missed
if any of them got through: a pupil needs only one way in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from harness.model.corpus import Item
from harness.model.verdict import NOTED_PROBES, State, Verdict

BLIND: dict[str, frozenset[str]] = dict.fromkeys(
    ("dns", "dns_aaaa"), frozenset({"sni", "url", "content"})
)
"""Layers (``Item.applies_to``) that a probe cannot see: no name server sees a path."""


@dataclass(slots=True, kw_only=True)
class Folded:
    """One item on one line for one profile: the first verdict of each probe and state."""

    item: Item
    seen: dict[tuple[str, State], Verdict] = field(default_factory=dict)
    pairs: list[tuple[str, float, float]] = field(default_factory=list)

    def states(self, probes: Collection[str] = ()) -> set[State]:
        """The states that any round found, with the named probes or with all."""
        return {state for probe, state in self.seen if not probes or probe in probes}

    def first(self, state: State, probes: Collection[str] = ()) -> Verdict:
        """The first verdict of that state. Raises StopIteration if there is none."""
        return next(
            verdict
            for (probe, found), verdict in self.seen.items()
            if found is state and (not probes or probe in probes)
        )


@dataclass(slots=True, kw_only=True)
class Cell:
    """All items on one line for one profile, by category and id; the probes that ran there.

    ``unseen`` counts trials by probe, layer and category whose probe is blind to the layer.
    """

    categories: dict[str, dict[str, Folded]] = field(default_factory=dict)
    probes: set[str] = field(default_factory=set)
    unseen: Counter[tuple[str, str, str]] = field(default_factory=Counter)


@dataclass(slots=True, kw_only=True)
class Fold:
    """The cells by (line, profile), and how often each mechanism blocked a trial."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    mechanisms: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Items sorted by an adverse state (what the requirement forbids) and its opposite.

    ``down`` items were dead on the control line as well: they leave the count symmetrically.
    """

    adverse: tuple[Verdict, ...]
    favourable: tuple[Item, ...]
    indeterminate: tuple[Item, ...]
    down: int
    mechanisms: dict[str, int]

    @property
    def n(self) -> int:
        """Items that were decided either way."""
        return len(self.adverse) + len(self.favourable)


def fold(verdicts: Iterable[Verdict]) -> Fold:
    """Fold verdicts by line, profile, category and item; blind probes' verdicts are set aside."""
    folded = Fold()
    for verdict in verdicts:
        key, item = verdict.key, verdict.item
        if key.probe in NOTED_PROBES:
            continue
        cell = folded.cells.setdefault((key.line, key.profile), Cell())
        cell.probes.add(key.probe)
        if item.applies_to in BLIND.get(key.probe, ()):
            cell.unseen[key.probe, item.applies_to, item.category] += 1
            continue
        items = cell.categories.setdefault(item.category, {})
        entry = items.get(item.id)
        if entry is None:
            entry = items[item.id] = Folded(item=item)
        entry.seen.setdefault((key.probe, verdict.state), verdict)
        if verdict.state is State.BLOCKED:
            folded.mechanisms[verdict.mechanism.value] += 1
        elif verdict.state is State.ALLOWED:
            _pair(entry, verdict)
    return folded


def sort_items(
    items: Iterable[Folded], adverse: State, favourable: State, probes: Collection[str] = ()
) -> Sorted:
    """Sort items: adverse if any trial was, favourable only if no trial was anything else."""
    wrong: list[Verdict] = []
    right: list[Item] = []
    doubtful: list[Item] = []
    down = 0
    mechanisms: Counter[str] = Counter()
    for entry in items:
        states = entry.states(probes)
        if State.BLOCKED in states:
            mechanisms[entry.first(State.BLOCKED, probes).mechanism.value] += 1
        if adverse in states:
            wrong.append(entry.first(adverse, probes))
        elif State.INSUFFICIENT in states or State.ALTERED in states:
            doubtful.append(entry.item)
        elif favourable in states:
            right.append(entry.item)
        elif states:
            down += 1
    return Sorted(
        adverse=tuple(wrong),
        favourable=tuple(right),
        indeterminate=tuple(doubtful),
        down=down,
        mechanisms=dict(mechanisms.most_common()),
    )


def _pair(entry: Folded, verdict: Verdict) -> None:
    service, control = verdict.first_byte_service, verdict.first_byte_control
    if service is not None and control is not None:
        entry.pairs.append((verdict.key.probe, service, control))
