"""Outcome groups: items of one line that are alike and had the same results.

Items form one group if they share category, stratum, language, phases, pack and weight, and every
probe found the same for each profile. There are few groups however many items there are, so metrics
count groups: a million items are counted as fast as a thousand, and exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from harness.model.corpus import Item
from harness.model.verdict import Mechanism, State

OPEN = frozenset({State.INSUFFICIENT, State.DOWN})
"""States of a trial that decide nothing; a decided second trial replaces them."""

DomainComposition = tuple[tuple[int, int], ...]
"""The items of a registrable domain: (number of the outcome group, number of items)."""


class ProbeState(msgspec.Struct, frozen=True, array_like=True):
    """A state that one probe found for one profile, and the mechanism of its first trial.

    ``timed`` says that the page of a trial arrived, and has times to first byte on both lines.
    ``flaws`` are those of all blocked trials (``harness.model.block_flaw``); ``None``: not known.
    """

    profile: str
    probe: str
    state: State
    mechanism: Mechanism = Mechanism.NONE
    timed: bool = False
    flaws: int | None = None

    @property
    def states(self) -> frozenset[State]:
        """The state; two states for content that came, and was blocked or not shown as well.

        An item that was blocked and allowed on a retry, or came inside a block page, counts against
        the service whatever the policy expects. One that came without being shown does so where it
        should be blocked; where it should come, it decides nothing.
        """
        if self.state is not State.ALLOWED or self.mechanism is Mechanism.NONE:
            return frozenset({self.state})
        is_hidden = self.mechanism is Mechanism.HIDDEN
        return frozenset({self.state, State.INSUFFICIENT if is_hidden else State.BLOCKED})


class OutcomeGroup(msgspec.Struct, frozen=True, kw_only=True, rename={"probe_states": "sights"}):
    """A number of ``items`` of a line that are alike and had the same results.

    ``number`` counts groups from 0 in the order of their first trials. ``pack`` is the mark of the
    items' pack and ``weight`` the design weight of each; both keep their defaults if the campaign
    has one pack. ``probe_states`` (stored as ``sights``) have no two of one profile, probe and
    state. ``alone`` items have no registrable domain: each is a cluster of its own.
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
    """The traits that all items of a group share, and the layer they apply to."""

    category: str
    stratum: str
    lang: str
    phases: tuple[str, ...]
    layer: str
    pack: str
    weight: float
    alone: bool


def traits_of(item: Item) -> ItemTraits:
    """Return the traits that an item shares with others of its group."""
    weight = item.weight if item.pack else 1.0
    kind = (item.category, item.stratum, item.lang, item.phases, item.applies_to)
    return ItemTraits(*kind, item.pack, weight, not item.registrable)


class UnseenTrials(msgspec.Struct, frozen=True, array_like=True):
    """Trials of a category whose probe cannot see the layer that the items apply to."""

    line: str
    profile: str
    probe: str
    layer: str
    category: str
    trials: int


class Counts(msgspec.Struct, frozen=True, kw_only=True, rename={"groups": "fates"}):
    """The counts of a journal's verdicts; also stored, with ``groups`` under the key ``fates``.

    ``domains`` maps lines to numbers of domains by composition, ``pairs`` to those of matched pairs
    (pages of two viewpoints with the same ``pair_id``); ``probes`` lists what ran (line,
    profile, probe); ``mechanisms`` maps mechanisms to blocked trials, the most frequent first.
    ``latencies`` are sorted times to first byte in seconds, by line and under ``control``: all, or
    ``SHOWN`` of them at even ranks.
    """

    groups: tuple[OutcomeGroup, ...] = ()
    domains: dict[str, list[tuple[DomainComposition, int]]] = {}
    pairs: dict[str, list[tuple[DomainComposition, int]]] = {}
    probes: tuple[tuple[str, str, str], ...] = ()
    unseen: tuple[UnseenTrials, ...] = ()
    mechanisms: dict[str, int] = {}
    latencies: dict[str, tuple[float, ...]] = {}


SHOWN = 5000
"""The most times to first byte of a line that are kept for figures."""


class Adverse(NamedTuple):
    """A reference to verdicts against the service: a group, a profile, a state and its probes."""

    group: int
    profile: str
    state: State
    probes: tuple[str, ...]


class Pairs(NamedTuple):
    """One item's times to first byte, service and control, in seconds; empty if it has none.

    ``host`` is a number of its registrable domain, or of the item if it has none.
    """

    group: int
    times: tuple[tuple[float, float], ...]
    host: int = 0


class Overheads(NamedTuple):
    """Seconds that the service added to the time to first byte, in the order of trial.

    ``hosts`` numbers the registrable domain of each, or the item if it has none.
    """

    seconds: tuple[float, ...] = ()
    hosts: tuple[int, ...] = ()


def sample_ranks(count: int) -> range | list[int]:
    """Return which of ``count`` sorted times are kept, from 0: all, or ``SHOWN`` evenly."""
    if count <= SHOWN:
        return range(count)
    return [round(step * (count - 1) / (SHOWN - 1)) for step in range(SHOWN)]
