"""Which requirements a campaign cannot decide, why, and what would help: said before it starts.

Only what is certain is said: with these items, probes and profiles no result can conform. What
is not named here may still come out insufficient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.campaign.assemble import Prepared
from harness.cli.item_supply import Supply, counted, supplies
from harness.cli.obstacles import Place, obstacle
from harness.estimate.item_selection import is_asked
from harness.model.scheme import Requirement, Scheme

NOTHING_TO_DECIDE = frozenset({"report", "gate"})

GATES_OF_ITEMS = frozenset({"pupil_difference"})
"""Metrics of gates that need items; the other gates ask for what a measurement always has."""

NAMED = 6
"""So many requirements are named with profile and line in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecidable:
    """A requirement that no result of this campaign can meet, for one profile on one line."""

    requirement: str
    profile: str
    line: str
    why: str
    remedy: str = ""
    binding: bool = True

    @property
    def id(self) -> str:
        """As outcomes are named: ``OVB-03[pupils-proxy]``."""
        return f"{self.requirement}[{self.profile}-{self.line}]"


def undecidable(
    scheme: Scheme,
    places: Iterable[Place],
    units: Mapping[str, str],
    at_any_time: Collection[str] = (),
) -> tuple[Undecidable, ...]:
    """What no result can meet, in the order of the scheme. ``units`` are those of metrics.

    ``at_any_time`` are requirements that a campaign which may stop early bounds like sequential
    ones. A line that has nothing to count for a requirement is left out where another line has.
    """
    everywhere = tuple(places)
    asked = (
        one.model_copy(update={"rule": "sequential"}) if one.id in at_any_time else one
        for one in scheme.requirements
    )
    return tuple(each for one in asked for each in _of_one(one, scheme, everywhere, units))


def places_of(prepared: Prepared) -> tuple[Place, ...]:
    """The lines and profiles of a campaign, with what their probes can try."""
    campaign = prepared.campaign
    known: dict[tuple[str, ...], list[Supply]] = {}
    for line in campaign.lines:
        names = campaign.probes_on(line)
        if names not in known:
            probes = {name: prepared.probes[name] for name in names}
            known[names] = supplies(prepared.items, probes)
    return tuple(
        Place(
            line=line.name,
            profile=profile,
            phase=campaign.phase_of(profile),
            phases=frozenset(campaign.phase_of(name) for name in campaign.profiles),
            supply=known[campaign.probes_on(line)],
            frames=prepared.frames,
            twins=campaign.plain_twins.number,
        )
        for line in campaign.lines
        for profile in campaign.profiles
    )


def sentences(found: Iterable[Undecidable]) -> Iterator[str]:
    """One line for each reason, naming all that it holds for; nothing if all can be decided."""
    reasons: dict[tuple[bool, str, str], list[Undecidable]] = {}
    for one in found:
        reasons.setdefault((not one.binding, one.why, one.remedy), []).append(one)
    if reasons:
        yield "With this campaign the following cannot be decided, however well the service does:"
    for (is_shown_only, why, remedy), several in sorted(reasons.items(), key=lambda one: one[0][0]):
        names = dict.fromkeys(one.requirement for one in several)
        shown = ", ".join(names if len(several) > NAMED else (one.id for one in several))
        note = " (not binding)" if is_shown_only else ""
        yield f"  {shown}{note}: {why}{f'; {remedy}' if remedy else ''}"


def _of_one(
    requirement: Requirement, scheme: Scheme, places: tuple[Place, ...], units: Mapping[str, str]
) -> Iterator[Undecidable]:
    metric = requirement.measure.metric
    if requirement.rule == "report" or (
        requirement.rule == "gate" and metric not in GATES_OF_ITEMS
    ):
        return
    asked = [place for place in places if _is_asked(requirement, scheme, place)]
    groups = [
        counted(requirement.measure, scheme.policy, place.phase, place.supply) for place in asked
    ]
    seen = {
        place.profile
        for place, found in zip(asked, groups, strict=True)
        if any(one.items for one in found.values())
    }
    for place, found in zip(asked, groups, strict=True):
        is_empty = not any(one.items for one in found.values())
        if is_empty and place.profile in seen:
            continue
        reason = obstacle(requirement, scheme, place, found, units)
        if reason is not None:
            yield Undecidable(
                requirement=requirement.id,
                profile=place.profile,
                line=place.line,
                why=reason[0],
                remedy=reason[1],
                binding=requirement.binding,
            )


def _is_asked(requirement: Requirement, scheme: Scheme, place: Place) -> bool:
    if requirement.profiles and not {place.profile, place.phase} & set(requirement.profiles):
        return False
    return is_asked(requirement.measure, scheme.policy, (), place.phase)
