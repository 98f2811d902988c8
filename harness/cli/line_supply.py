"""Lines and profiles of a campaign, with the items that can be tried there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.campaign.assemble import Prepared
from harness.cli.item_supply import ItemGroup, group_items
from harness.cli.user_obstacles import Obstacles, obstacles_of
from harness.estimate.item_selection import Sources, is_relevant
from harness.model.journal_header import PackNote
from harness.model.scheme import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProfile:
    """One line and profile of a campaign, with the items that its probes can try.

    ``phases`` are those of all profiles; ``frames`` is the number of entries of each category in
    the corpora, chosen or not; ``twins`` is the number of plain twins declared for each probe.
    ``obstacles`` are those of metrics of users. ``sources`` tell the kinds of the items; without
    them items of any kind count. ``has_overrides``: attempts to lift illegal blocks are on record.
    """

    line: str
    profile: str
    phase: str
    phases: frozenset[str]
    supply: list[ItemGroup]
    frames: Mapping[str, int]
    twins: int
    obstacles: Obstacles = field(default_factory=dict)
    sources: Sources | None = None
    has_overrides: bool = True

    def supply_for(self, requirement: Requirement) -> list[ItemGroup]:
        """The items of the kinds that count for a requirement."""
        if self.sources is None:
            return self.supply
        marks = {group.example.pack for group in self.supply}
        counted = {
            mark for mark in marks if is_relevant(self.sources.of_pack(mark), requirement.rests_on)
        }
        if counted == marks:
            return self.supply
        return [group for group in self.supply if group.example.pack in counted]


def line_profiles(prepared: Prepared) -> tuple[LineProfile, ...]:
    """The lines and profiles of a campaign, with the items that their probes can try."""
    campaign = prepared.campaign
    known: dict[tuple[str, ...], list[ItemGroup]] = {}
    for line in campaign.lines:
        names = campaign.probes_on(line)
        if names not in known:
            probes = {name: prepared.probes[name] for name in names}
            known[names] = group_items(prepared.items, probes)
    notes = {corpus.reference.mark: PackNote.of(corpus.reference) for corpus in prepared.corpora}
    attempts = campaign.overrides.attempts if campaign.overrides else ()
    return tuple(
        LineProfile(
            line=line.name,
            profile=profile,
            phase=campaign.phase_of(profile),
            phases=frozenset(campaign.phase_of(name) for name in campaign.profiles),
            supply=known[campaign.probes_on(line)],
            frames=prepared.frames,
            twins=campaign.plain_twins.number,
            obstacles=obstacles_of(prepared, line, profile),
            sources=Sources(packs=notes, items=campaign.items),
            has_overrides=any(profile in one.profiles for one in attempts),
        )
        for line in campaign.lines
        for profile in campaign.profiles
    )
