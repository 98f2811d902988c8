"""Find the requirements that a campaign cannot decide, with the reason and a remedy.

``accredit measure`` prints them before it starts. Only certain cases are found: with these items,
probes and profiles no result can conform. Other requirements may still come out insufficient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from harness.cli.case_obstacles import missing_pages, missing_searches
from harness.cli.case_supply import (
    COMPARED_WITH,
    TOLD_BY_CASES,
    content_pack,
    missing_cases,
    unlisted_cases,
)
from harness.cli.item_supply import ItemCount, count_by_group, missing_files
from harness.cli.line_supply import LineProfile
from harness.cli.list_obstacles import list_obstacle
from harness.cli.technique_obstacles import technique_obstacle
from harness.errors import first_of
from harness.estimate.item_selection import counts_category, is_asked
from harness.model.campaign import AGE_BANDS, PUPILS_AND_STAFF
from harness.model.later_evidence import later_evidence
from harness.model.metric import CANNOT_MEASURE
from harness.model.metric_spec import LIST_CENSUSES, spec_of
from harness.model.scheme import Requirement, Scheme
from harness.model.search_case import METRIC_CASES
from harness.model.smallest_sample import smallest_sample
from harness.plugins import PROBES

ITEMS_PER_CELL, SHOWN_GROUPS = 5, 6
"""The items that a cell of the policy needs (METHOD POL-03); the most groups in one sentence."""

BANDS = {"profiles_missing": PUPILS_AND_STAFF, "age_bands_missing": AGE_BANDS}


def obstacle(
    requirement: Requirement,
    scheme: Scheme,
    line_profile: LineProfile,
    groups: Mapping[str, ItemCount],
) -> tuple[str, str] | None:
    """The reason why no result can conform, and a remedy; ``None`` if a result can."""
    spec = spec_of(requirement.measure.metric)
    if not spec.is_implemented:
        return CANNOT_MEASURE, ""
    undeclared = line_profile.obstacles.get(spec.name)
    if by_itself := undeclared or later_evidence(spec) or _missing_probe(requirement, line_profile):
        return by_itself
    if not spec.counts_items:
        missing = missing_cases(spec.name, line_profile.supply)
        return missing or _comparison_obstacle(requirement, scheme, line_profile)
    smallest = smallest_sample(requirement, requirement.alpha or scheme.decision.alpha)
    if smallest is None:
        return "no sample can show its threshold", "take a census"
    needed = max(smallest, requirement.n_min)
    supply = line_profile.supply_for(requirement)
    if spec.of_techniques:
        return technique_obstacle(spec.name, supply, needed)
    phase = line_profile.phase
    is_counted = partial(counts_category, requirement.measure, scheme.policy, phase=phase)
    return (
        missing_searches(spec.name, needed, supply)
        if spec.name in METRIC_CASES
        else missing_files(spec.name, needed, supply)
        or _too_few(requirement, needed, groups)
        or missing_pages(spec.name, needed, supply, is_counted)
        or missing_cases(spec.name, supply)
        or unlisted_cases(spec.name, line_profile.supply)
        or list_obstacle(spec.name, supply, has_record=line_profile.has_overrides)
        or _incomplete_census(requirement, scheme, line_profile, groups)
    )


def _comparison_obstacle(
    requirement: Requirement, scheme: Scheme, line_profile: LineProfile
) -> tuple[str, str] | None:
    """The obstacle of a metric that compares profiles, cells of the policy, probes or batches."""
    metric = requirement.measure.metric
    if metric in BANDS:
        return _missing_profiles(BANDS[metric], line_profile)
    if metric == "wrong_cells":
        return _empty_cells(requirement, scheme, line_profile)
    if metric == "pupil_difference":
        return _few_twins(requirement, scheme, line_profile)
    if metric == "discordant":
        return _missing_second_probe(requirement, scheme, line_profile)
    if metric == "superset_violations" and len(line_profile.phases) == 1:
        return "there is only one school phase", "declare profiles of two phases"
    return None


def _too_few(
    requirement: Requirement, needed: int, groups: Mapping[str, ItemCount]
) -> tuple[str, str] | None:
    is_rate = spec_of(requirement.measure.metric).is_rate
    noun = "domains" if is_rate else "items"
    available = {name: group.domains if is_rate else group.items for name, group in groups.items()}
    missing = {name: number for name, number in sorted(available.items()) if number < needed}
    if not missing:
        return None
    counts = [f"{number} of {name or _asked(requirement)}" for name, number in missing.items()]
    each = " each" if len(groups) > 1 else ""
    kind = "content " if requirement.rests_on == "content" else ""
    shown = first_of(counts, SHOWN_GROUPS, "groups")
    why = f"{kind}{noun} to try: {shown}; needed: {needed}{each}"
    remedy = "choose more of them under corpora"
    if kind:
        return why, f"{remedy}: the origin's pack {content_pack(requirement.measure.metric)}"
    if requirement.needs_list is not None:
        size = max(requirement.list_size, needed)
        kind = requirement.needs_list.kind
        remedy += f", or import a list of {size} {kind} domains (accredit corpus import)"
    elif requirement.measure.expectation == "allow":
        remedy += ", for instance of the packs school-pages and overblock"
    return why, remedy


def _missing_probe(requirement: Requirement, line_profile: LineProfile) -> tuple[str, str] | None:
    """The obstacle where the only probe that shows what a metric is about is not used."""
    metric = requirement.measure.metric
    if metric in TOLD_BY_CASES:
        return None
    supply = line_profile.supply_for(requirement)
    probes = frozenset[str]().union(*(each.probes for each in supply))
    for needed in filter(None, (spec_of(metric).needs_probe, COMPARED_WITH.get(metric))):
        if probes and needed not in probes:
            return f"the probe {needed} is not used", f"add {needed} to probes"
    return None


def _asked(requirement: Requirement) -> str:
    """The items that a requirement counts, in words."""
    measure = requirement.measure
    categories = ", ".join(measure.categories) or "the categories it asks for"
    return f"{categories} in {', '.join(measure.strata)}" if measure.strata else categories


def _incomplete_census(
    requirement: Requirement,
    scheme: Scheme,
    line_profile: LineProfile,
    groups: Mapping[str, ItemCount],
) -> tuple[str, str] | None:
    measure = requirement.measure
    if requirement.rule != "census" or measure.metric not in LIST_CENSUSES:
        return None
    total = sum(
        number
        for code, number in line_profile.frames.items()
        if counts_category(measure, scheme.policy, code, line_profile.phase)
    )
    chosen = sum(group.items for group in groups.values())
    if chosen >= total:
        return None
    return f"only {chosen} of {total} entries are chosen; a census needs all", "remove 'sample'"


def _missing_profiles(
    bands: tuple[tuple[str, ...], ...], line_profile: LineProfile
) -> tuple[str, str] | None:
    absent = [" or ".join(band) for band in bands if not line_profile.phases & set(band)]
    if not absent:
        return None
    return f"no profile for {'; '.join(absent)}", "declare one for each"


def _missing_second_probe(
    requirement: Requirement, scheme: Scheme, line_profile: LineProfile
) -> tuple[str, str] | None:
    """The obstacle where too few items are tried by two probes, which are to be compared."""
    supply = line_profile.supply_for(requirement)
    tried_twice = [group for group in supply if len(group.probes) > 1]
    groups = count_by_group(requirement.measure, scheme.policy, line_profile.phase, tried_twice)
    number = sum(group.items for group in groups.values())
    if number >= max(1, requirement.n_min):
        return None
    return f"only {number} items are tried by two probes", "give the line a second probe"


def _few_twins(
    requirement: Requirement, scheme: Scheme, line_profile: LineProfile
) -> tuple[str, str] | None:
    """The obstacle where too few plain twins are declared, or too few items can have one."""
    needed = requirement.n_min
    if line_profile.twins < needed:
        return f"plain_twins.number is {line_profile.twins}; needed: {needed}", "raise it"
    blocked = [
        group
        for group in line_profile.supply
        if scheme.policy.expects(group.example.category, line_profile.phase) == "block"
    ]
    with_twins = {name for name, make in PROBES.load().items() if make().declares.has_twins}
    number = sum(group.items for group in blocked if group.can_be_tried_by(with_twins))
    if number < needed:
        why = f"{number} items that must be blocked can be tried as a pupil would; needed: {needed}"
        return why, f"choose more of them, for the probes {', '.join(sorted(with_twins))}"
    return None


def _empty_cells(
    requirement: Requirement, scheme: Scheme, line_profile: LineProfile
) -> tuple[str, str] | None:
    """The obstacle where a category that the policy decides has fewer than five items."""
    policy, phase = scheme.policy, line_profile.phase
    rows = {code for code in policy.rows if code != "CTRL"}
    branches = {code for code in rows if any(other.startswith(code + ".") for other in rows)}
    number = dict.fromkeys(rows - branches, 0)
    for group in line_profile.supply_for(requirement):
        code = group.example.category
        if code != "CTRL" and {"*", phase} & set(group.example.phases):
            number[code] = number.get(code, 0) + group.items
    empty = sorted(
        code
        for code, items in number.items()
        if items < ITEMS_PER_CELL and policy.expects(code, phase) in {"block", "allow"}
    )
    if not empty:
        return None
    why = f"fewer than {ITEMS_PER_CELL} items of {first_of(empty, SHOWN_GROUPS)}"
    return why, f"choose at least {ITEMS_PER_CELL} of each category"


GATES_OF_ITEMS = frozenset({"pupil_difference"})
"""Metrics of gates that need items; other gates need only what each measurement has."""

NAMED = 6
"""The most requirements that one sentence names with profile and line."""


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
        """The id of the outcome, such as ``OVB-03[pupils-proxy]``."""
        return f"{self.requirement}[{self.profile}-{self.line}]"


def undecidable(
    scheme: Scheme,
    line_profiles: Iterable[LineProfile],
    at_any_time: Collection[str] = (),
) -> tuple[Undecidable, ...]:
    """The requirements that no result can meet, in the order of the scheme.

    ``at_any_time`` are requirements that a campaign which may stop early bounds like sequential
    ones. A line without items for a requirement is left out if another line has some.
    """
    all_profiles = tuple(line_profiles)
    asked = (
        requirement.model_copy(update={"rule": "sequential"})
        if requirement.id in at_any_time
        else requirement
        for requirement in scheme.requirements
    )
    return tuple(
        entry
        for requirement in asked
        for entry in _of_requirement(requirement, scheme, all_profiles)
    )


def sentences(entries: Iterable[Undecidable]) -> Iterator[str]:
    """A line of text for each reason, naming its requirements; nothing if all can be decided."""
    reasons: dict[tuple[bool, str, str], list[Undecidable]] = {}
    for entry in entries:
        reasons.setdefault((not entry.binding, entry.why, entry.remedy), []).append(entry)
    if reasons:
        yield "This campaign cannot decide the following requirements, whatever the service does:"
    for (is_shown_only, why, remedy), group in sorted(
        reasons.items(), key=lambda entry: entry[0][0]
    ):
        names = dict.fromkeys(entry.requirement for entry in group)
        shown = ", ".join(names if len(group) > NAMED else (entry.id for entry in group))
        note = " (not binding)" if is_shown_only else ""
        yield f"  {shown}{note}: {why}{f'; {remedy}' if remedy else ''}"


def is_decided(requirement: Requirement) -> bool:
    """Whether a requirement is decided by items; others are shown, or conditions of the test."""
    if requirement.rule == "gate":
        return requirement.measure.metric in GATES_OF_ITEMS
    return requirement.rule != "report"


def _of_requirement(
    requirement: Requirement, scheme: Scheme, line_profiles: tuple[LineProfile, ...]
) -> Iterator[Undecidable]:
    if not is_decided(requirement):
        return
    asked = [
        line_profile
        for line_profile in line_profiles
        if is_asked_of(requirement, scheme, line_profile)
    ]
    groups = [
        count_by_group(
            requirement.measure,
            scheme.policy,
            line_profile.phase,
            line_profile.supply_for(requirement),
        )
        for line_profile in asked
    ]
    profiles_with_items = {
        line_profile.profile
        for line_profile, counts in zip(asked, groups, strict=True)
        if any(count.items for count in counts.values())
    }
    for line_profile, counts in zip(asked, groups, strict=True):
        is_empty = not any(count.items for count in counts.values())
        if is_empty and line_profile.profile in profiles_with_items:
            continue
        reason = obstacle(requirement, scheme, line_profile, counts)
        if reason is not None:
            yield Undecidable(
                requirement=requirement.id,
                profile=line_profile.profile,
                line=line_profile.line,
                why=reason[0],
                remedy=reason[1],
                binding=requirement.binding,
            )


def is_asked_of(requirement: Requirement, scheme: Scheme, line_profile: LineProfile) -> bool:
    """Whether a requirement is asked of a profile."""
    if not requirement.is_for(line_profile.profile, line_profile.phase):
        return False
    return is_asked(requirement.measure, scheme.policy, (), line_profile.phase)
