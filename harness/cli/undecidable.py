"""Which requirements a campaign cannot decide, why, and what would help: said before it starts.

Only what is certain is said: with these items, probes and profiles no result can conform. What
is not named here may still come out insufficient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from harness.campaign.assemble import Prepared
from harness.cli.item_supply import Counted, Supply, counted, supplies
from harness.estimate.item_selection import counts_category, is_asked
from harness.model.campaign import AGE_BANDS, PUPILS_AND_STAFF
from harness.model.metric_spec import spec_of
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import smallest_sample
from harness.plugins import PROBES

CELL = 5
"""Items that show one cell of the policy to be right (METHOD POL-03)."""

SHOWN_GROUPS = 6
"""So many groups are named in one sentence."""

BANDS = {"profiles_missing": PUPILS_AND_STAFF, "age_bands_missing": AGE_BANDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One line and profile of a campaign, with the items that its probes can try.

    ``phases`` are those of all profiles; ``frames`` says how many entries of each category the
    corpora hold, whether chosen or not; ``twins`` how many plain twins are declared for each probe.
    """

    line: str
    profile: str
    phase: str
    phases: frozenset[str]
    supply: list[Supply]
    frames: Mapping[str, int]
    twins: int


def obstacle(
    requirement: Requirement,
    scheme: Scheme,
    place: Place,
    groups: Mapping[str, Counted],
) -> tuple[str, str] | None:
    """Why nothing can conform, and what would help; ``None`` if something can."""
    spec = spec_of(requirement.measure.metric)
    if not spec.is_implemented:
        return "Accredit cannot measure this yet", ""
    if not spec.counts_items:
        return _of_several(requirement, scheme, place)
    smallest = smallest_sample(requirement, requirement.alpha or scheme.decision.alpha)
    if smallest is None:
        return "no sample can show its threshold", "take a census"
    short = _too_few(requirement, max(smallest, requirement.n_min), groups)
    return short or _incomplete_census(requirement, scheme, place, groups)


def _of_several(requirement: Requirement, scheme: Scheme, place: Place) -> tuple[str, str] | None:
    """Metrics that compare profiles, cells of the policy, probes or batches."""
    metric = requirement.measure.metric
    if metric in BANDS:
        return _missing_profiles(BANDS[metric], place)
    if metric == "wrong_cells":
        return _empty_cells(scheme, place)
    if metric == "pupil_difference":
        return _few_twins(requirement, scheme, place)
    if metric == "discordant":
        return _one_probe(requirement, scheme, place)
    if metric == "superset_violations" and len(place.phases) == 1:
        return "there is one school phase only", "declare profiles of two phases"
    return None


def _too_few(
    requirement: Requirement, needed: int, groups: Mapping[str, Counted]
) -> tuple[str, str] | None:
    is_rate = spec_of(requirement.measure.metric).is_rate
    noun = "domains" if is_rate else "items"
    have = {name: one.domains if is_rate else one.items for name, one in groups.items()}
    short = {name: number for name, number in sorted(have.items()) if number < needed}
    if not short:
        return None
    counts = [f"{number} of {name or _asked(requirement)}" for name, number in short.items()]
    more = f" and {len(counts) - SHOWN_GROUPS} more groups" if len(counts) > SHOWN_GROUPS else ""
    each = " each" if len(groups) > 1 else ""
    why = f"{noun} to try: {', '.join(counts[:SHOWN_GROUPS])}{more}; needed: {needed}{each}"
    remedy = "choose more of them under corpora"
    if requirement.needs_list is not None:
        size = max(requirement.list_size, needed)
        kind = requirement.needs_list.kind
        remedy += f", or import a list of {size} {kind} domains (accredit corpus import)"
    elif requirement.measure.expectation == "allow":
        remedy += ", for instance of the packs school-pages and overblock"
    return why, remedy


def _asked(requirement: Requirement) -> str:
    """Which items a requirement counts, in words."""
    measure = requirement.measure
    of = ", ".join(measure.categories) or "the categories it asks for"
    return f"{of} in {', '.join(measure.strata)}" if measure.strata else of


def _incomplete_census(
    requirement: Requirement, scheme: Scheme, place: Place, groups: Mapping[str, Counted]
) -> tuple[str, str] | None:
    measure = requirement.measure
    if requirement.rule != "census" or measure.metric != "missed":
        return None
    whole = sum(
        number
        for code, number in place.frames.items()
        if counts_category(measure, scheme.policy, code, place.phase)
    )
    chosen = sum(one.items for one in groups.values())
    if chosen >= whole:
        return None
    return f"{chosen} of {whole} entries are chosen, and a census needs them all", "take no sample"


def _missing_profiles(bands: tuple[tuple[str, ...], ...], place: Place) -> tuple[str, str] | None:
    absent = [" or ".join(band) for band in bands if not place.phases & set(band)]
    if not absent:
        return None
    return f"no profile for {'; '.join(absent)}", "declare one for each"


def _one_probe(requirement: Requirement, scheme: Scheme, place: Place) -> tuple[str, str] | None:
    """An item must be tried by two probes before they can agree."""
    twice = [one for one in place.supply if len(one.probes) > 1]
    found = counted(requirement.measure, scheme.policy, place.phase, twice)
    number = sum(one.items for one in found.values())
    if number >= max(1, requirement.n_min):
        return None
    return f"{number} items are tried by two probes", "give the line a second probe"


def _few_twins(requirement: Requirement, scheme: Scheme, place: Place) -> tuple[str, str] | None:
    """Twins are of items that must be blocked, and so many for each probe as are declared."""
    needed = requirement.n_min
    if place.twins < needed:
        return f"plain_twins.number is {place.twins}; needed: {needed}", "raise it"
    blocked = [
        one
        for one in place.supply
        if scheme.policy.expects(one.example.category, place.phase) == "block"
    ]
    able = {name for name, make in PROBES.load().items() if make().declares.has_twins}
    number = sum(one.items for one in blocked if one.can_be_tried_by(able))
    if number < needed:
        why = f"{number} items that must be blocked can be tried as a pupil would; needed: {needed}"
        return why, f"choose more of them, for the probes {', '.join(sorted(able))}"
    return None


def _empty_cells(scheme: Scheme, place: Place) -> tuple[str, str] | None:
    """Each category that the policy decides needs five items of its own."""
    policy, phase = scheme.policy, place.phase
    rows = {code for code in policy.rows if code != "CTRL"}
    branches = {code for code in rows if any(one.startswith(code + ".") for one in rows)}
    number = dict.fromkeys(rows - branches, 0)
    for one in place.supply:
        code = one.example.category
        if code != "CTRL" and {"*", phase} & set(one.example.phases):
            number[code] = number.get(code, 0) + one.items
    empty = sorted(
        code
        for code, items in number.items()
        if items < CELL and policy.expects(code, phase) in {"block", "allow"}
    )
    if not empty:
        return None
    more = f" and {len(empty) - SHOWN_GROUPS} more" if len(empty) > SHOWN_GROUPS else ""
    why = f"fewer than {CELL} items of {', '.join(empty[:SHOWN_GROUPS])}{more}"
    return why, f"choose at least {CELL} of each category"


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
    at_any_time: Collection[str] = (),
) -> tuple[Undecidable, ...]:
    """What no result can meet, in the order of the scheme.

    ``at_any_time`` are requirements that a campaign which may stop early bounds like sequential
    ones. A line that has nothing to count for a requirement is left out where another line has.
    """
    everywhere = tuple(places)
    asked = (
        one.model_copy(update={"rule": "sequential"}) if one.id in at_any_time else one
        for one in scheme.requirements
    )
    return tuple(each for one in asked for each in _of_one(one, scheme, everywhere))


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
    requirement: Requirement, scheme: Scheme, places: tuple[Place, ...]
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
        reason = obstacle(requirement, scheme, place, found)
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
