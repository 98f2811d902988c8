"""Items that a line let through: what heartbeats are drawn from, so that none looks special.

That an item passed is a fact: its answer through the line was the control's too. Whether it was
meant to pass is not known here, and need not be: a later heartbeat of an item that is blocked by
then says nothing, and the item is drawn no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import urlsplit

from harness.model.corpus import NAMED, Item
from harness.model.observation import CONTROL, AttemptKey, DnsFacts, Observation, WebFacts
from harness.model.sampler import Smallest, ordering
from harness.model.trouble import is_answer

KEPT = 200
"""Items kept for each place, those with the smallest keyed hashes: so many sites take turns."""


class Place(NamedTuple):
    """Where heartbeats are made: the port is empty where it is the usual one of the probe."""

    line: str
    profile: str
    probe: str
    port: str


class Passed(NamedTuple):
    """An item that passed.

    ``took``: seconds on the control where no origin of ours answered; a stranger's site may be
    slower than that of our sentinel.
    """

    item: Item
    took: float = 0.0


class PassedItems:
    """The items that passed at one place, drawn by the campaign's seed."""

    def __init__(self, seed: str) -> None:
        self._place = ordering(seed)
        self._items: Smallest[Passed] = Smallest(KEPT, unit=lambda one: one.item.id)
        self._dropped: set[str] = set()

    def offer(self, one: Passed) -> None:
        """Take an item that passed; what was dropped stays so."""
        if one.item.id not in self._dropped:
            self._items.offer(self._place(one.item.id), one)

    def draw(self, turn: str) -> Passed | None:
        """The item of a turn (any text), or None as long as none has passed."""
        return min(self._kept(), key=lambda one: self._place(f"{turn} {one.item.id}"), default=None)

    def drop(self, item: str) -> None:
        """Draw an item (by its id) no more."""
        self._dropped.add(item)

    @property
    def is_empty(self) -> bool:
        """Whether there is none to draw."""
        return not self._kept()

    def _kept(self) -> list[Passed]:
        return [one for _, one in self._items.kept() if one.item.id not in self._dropped]


class Passing(defaultdict[Place, PassedItems]):
    """The items that passed, by place."""

    def __init__(self, seed: str) -> None:
        super().__init__(lambda: PassedItems(seed))

    def heed(self, observations: Iterable[Observation]) -> None:
        """Take the items that passed among observations of lines with those of the control."""
        seen = [one for one in observations if one.role == "item" and _may_be_drawn(one.item)]
        controls = {one.key: one for one in seen if one.key.line == CONTROL}
        for one in seen:
            control = controls.get(one.key.on(CONTROL))
            if one.key.line != CONTROL and control is not None and has_passed(one, control):
                is_ours = isinstance(one.facts, WebFacts) and one.facts.canary == "seen"
                took = 0.0 if is_ours else control.timings.total or 0.0
                self[place_at(one.key, one.item)].offer(Passed(one.item, took))


def place_at(key: AttemptKey, item: Item) -> Place:
    """Where an item is tried."""
    return Place(line=key.line, profile=key.profile, probe=key.probe, port=port_of(item))


def port_of(item: Item) -> str:
    """The port that an item's own URL names; empty where it names none."""
    if item.kind != "url":
        return ""
    try:
        port = urlsplit(item.url()).port
    except ValueError:
        return ""
    return str(port or "")


def has_passed(seen: Observation, control: Observation) -> bool:
    """Whether the line brought what the control brought.

    Of a page of strangers that is told by status and title; a name has an address in common.
    """
    if not (is_answer(seen) and is_answer(control)):
        return False
    match seen.facts, control.facts:
        case WebFacts(canary="seen"), _:
            return True
        case WebFacts() as here, WebFacts() as there:
            told = _told(here)
            return told == _told(there) and bool(here.title or here.title_mark)
        case DnsFacts(addresses=here), DnsFacts(addresses=there):
            return bool(set(here) & set(there))
        case _:
            return False


def _told(page: WebFacts) -> tuple[int | None, str, str]:
    return page.status, page.title, page.title_mark


def _may_be_drawn(item: Item) -> bool:
    """Places of the network that anybody may visit."""
    return item.kind in NAMED and item.sensitivity in ("S0", "S1")
