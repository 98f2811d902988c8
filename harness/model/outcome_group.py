"""A fate is what became of items that are alike, on one line; metrics count fates, not items.

Items of one line that share category, stratum, language, phases, pack and weight, and of which
every probe found the same for every profile, have one fate. There are few fates however many
items there are, so a million items are counted as fast as a thousand, and nothing is rounded.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from harness.model.corpus import Item
from harness.model.verdict import Mechanism, State

ARRIVED = frozenset({State.ALLOWED, State.ALTERED})
"""States in which the item's own page arrived, as it was or changed on the way."""

OPEN = frozenset({State.INSUFFICIENT, State.DOWN})
"""States of a trial that decide nothing of an item: a second trial may, and then it stands."""

DomainComposition = tuple[tuple[int, int], ...]
"""What a registrable domain is made of: numbers of fates, and how many items it has of each."""


class ProbeState(msgspec.Struct, frozen=True, array_like=True):
    """A state that one probe found for one profile, and the mechanism of its first trial.

    ``timed`` says that the page of a trial arrived, and has times to first byte on both lines.
    """

    profile: str
    probe: str
    state: State
    mechanism: Mechanism = Mechanism.NONE
    timed: bool = False

    @property
    def states(self) -> frozenset[State]:
        """The state; of an item that was blocked and passed on a retry, both.

        So it speaks against the service whether it should have been blocked or allowed.
        """
        both = self.state is State.ALLOWED and self.mechanism is not Mechanism.NONE
        return frozenset({self.state, State.BLOCKED} if both else {self.state})


class OutcomeGroup(msgspec.Struct, frozen=True, kw_only=True, rename={"probe_states": "sights"}):
    """So many ``items`` of a line that are alike and fared alike.

    ``number`` is the place of the fate in the order in which fates first came about.
    ``pack`` is the mark of theirs, and ``weight`` what each stands for there; where a campaign
    has one pack only, they are told by neither. ``probe_states`` have no two of one profile, probe
    and state. ``alone`` items have no registrable domain: each is taken as a cluster of its own.
    """

    number: int
    line: str
    category: str
    stratum: str
    lang: str
    phases: tuple[str, ...]
    items: int
    probe_states: tuple[ProbeState, ...]
    pack: str = ""
    weight: float = 1.0
    alone: bool = False


class ItemTraits(NamedTuple):
    """What is the same of all items of a fate, and the layer that they are about."""

    category: str
    stratum: str
    lang: str
    phases: tuple[str, ...]
    layer: str
    pack: str
    weight: float
    alone: bool


def traits_of(item: Item) -> ItemTraits:
    """What an item has in common with others of its fate."""
    weight = item.weight if item.pack else 1.0
    kind = (item.category, item.stratum, item.lang, item.phases, item.applies_to)
    return ItemTraits(*kind, item.pack, weight, not item.registrable)


class UnseenTrials(msgspec.Struct, frozen=True, array_like=True):
    """So many trials of a category whose probe is blind to the layer that they are about."""

    line: str
    profile: str
    probe: str
    layer: str
    category: str
    trials: int


class Counts(msgspec.Struct, frozen=True, kw_only=True, rename={"groups": "fates"}):
    """All that was counted of a journal's verdicts.

    ``domains`` says by line how many domains have which make-up; ``probes`` which ran where
    (line, profile, probe); ``mechanisms`` how many trials each of them blocked, the most
    frequent first. ``latencies`` are times to first byte in seconds, sorted, by line and under
    ``control``: all of them, or ``SHOWN`` at even distances in their order.
    """

    groups: tuple[OutcomeGroup, ...] = ()
    domains: dict[str, list[tuple[DomainComposition, int]]] = {}
    probes: tuple[tuple[str, str, str], ...] = ()
    unseen: tuple[UnseenTrials, ...] = ()
    mechanisms: dict[str, int] = {}
    latencies: dict[str, tuple[float, ...]] = {}


SHOWN = 5000
"""The most times to first byte that are kept of a line for its picture."""


class Adverse(NamedTuple):
    """What speaks against the service: that some probe found the items of a fate in a state."""

    group: int
    profile: str
    state: State
    probes: tuple[str, ...]


class Pairs(NamedTuple):
    """One item's times to first byte, service and control, in seconds; empty if it has none."""

    group: int
    times: tuple[tuple[float, float], ...]


def sample_ranks(count: int) -> range | list[int]:
    """Which of ``count`` sorted times are kept, from 0: all, or ``SHOWN`` evenly apart."""
    if count <= SHOWN:
        return range(count)
    return [round(place * (count - 1) / (SHOWN - 1)) for place in range(SHOWN)]
