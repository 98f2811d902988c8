"""How many items a requirement can count in a campaign: by group, and as registrable domains.

Needs no scipy: ``accredit measure`` counts before it sends a packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from harness.estimate.item_selection import counts_category, counts_item
from harness.model.corpus import Item, covers, frame_of
from harness.model.metric_spec import spec_of
from harness.model.scheme import Measure, Policy
from harness.ports.network import Probe, fits

MOST = 100_000
"""More domains than any requirement needs are not told apart."""

EVERY_PROBE: frozenset[str] = frozenset()
"""What an item is triable by where no probes are known: nothing stands against any of them."""


@dataclass(slots=True)
class Supply:
    """Items that count alike: one of them, the probes that can try them, and how many they are.

    ``domains`` are their registrable domains, of which each counts once towards a rate.
    """

    example: Item
    probes: frozenset[str]
    items: int = 0
    domains: set[str] = field(default_factory=set)

    def can_be_tried_by(self, wanted: Iterable[str]) -> bool:
        """Whether one of the wanted probes can try them; any probe, if none is named."""
        names = frozenset(wanted)
        return not names or self.probes is EVERY_PROBE or bool(self.probes & names)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are of something."""

    items: int
    domains: int


def supplies(items: Iterable[Item], probes: Mapping[str, Probe] | None = None) -> list[Supply]:
    """Sort the items of a campaign by what decides where they count.

    ``probes`` are those of one line by name; an item that none of them can try or see is left
    out. Without probes every item counts.
    """
    found: dict[tuple[object, ...], Supply] = {}
    for item in items:
        able = EVERY_PROBE if probes is None else _able(probes, item)
        if not item.value or (probes is not None and not able):
            continue
        frame = frame_of(item.pack)
        key = (item.category, item.stratum, item.lang, item.phases, frame, able)
        supply = found.setdefault(key, Supply(item, able))
        supply.items += 1
        if len(supply.domains) < MOST:
            supply.domains.add(item.registrable or item.id)
    return list(found.values())


def counted(
    measure: Measure, policy: Policy, phase: str, supply: Iterable[Supply]
) -> dict[str, Counted]:
    """What a measure counts for a school phase, by the groups that must pass each by itself.

    One group without a name where there is only one; a named category without items counts 0.
    """
    groups: dict[str, list[Supply]] = {}
    name = _grouping(measure)
    for one in supply:
        item = one.example
        if not one.can_be_tried_by(measure.probes):
            continue
        if counts_category(measure, policy, item.category, phase) and counts_item(
            measure, item, phase
        ):
            frame = frame_of(item.pack)
            group = name(item)
            groups.setdefault(f"{group} {frame}".strip(), []).append(one)
    if spec_of(measure.metric).each_category:
        for code in measure.categories:
            if counts_category(measure, policy, code, phase) and not any(
                group.split()[:1] == [code] for group in groups
            ):
                groups[code] = []
    return {group: _count(several) for group, several in groups.items()} or {"": Counted(0, 0)}


def _able(probes: Mapping[str, Probe], item: Item) -> frozenset[str]:
    return frozenset(
        name for name, probe in probes.items() if fits(probe, item) and probe.declares.can_see(item)
    )


def _grouping(measure: Measure) -> Callable[[Item], str]:
    spec = spec_of(measure.metric)
    if spec.each_category and measure.categories:
        return lambda item: next(
            (code for code in measure.categories if covers(item.category, code)), item.category
        )
    if spec.by == "stratum":
        return lambda item: item.stratum or item.category
    if spec.by == "language":
        return lambda item: item.lang or "no language"
    return lambda _: ""


def _count(several: list[Supply]) -> Counted:
    domains = set[str]().union(*(one.domains for one in several))
    return Counted(items=sum(one.items for one in several), domains=len(domains))
