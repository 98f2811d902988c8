"""What stands in the way of any favourable result: too few items, probes, profiles, entries.

One function for one requirement at one place; ``harness.cli.undecidable`` asks it of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.cli.item_supply import Counted, Supply, counted
from harness.estimate.item_selection import counts_category
from harness.estimate.metric_names import METRIC_NAMES
from harness.model.campaign import AGE_BANDS, PUPILS_AND_STAFF
from harness.model.plain_twin import PROBES
from harness.model.scheme import Requirement, Scheme
from harness.model.smallest_sample import RATES, SHARE, smallest_sample

CELL = 5
"""Items that show one cell of the policy to be right (METHOD POL-03)."""

NAMED = 6
"""So many groups are named in one sentence."""

SEVERAL = frozenset(
    {
        "age_bands_missing",
        "discordant",
        "profiles_missing",
        "pupil_difference",
        "sentinel_agreement",
        "superset_violations",
        "wrong_cells",
    }
)
"""Metrics that do not simply count items."""

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
    units: Mapping[str, str],
) -> tuple[str, str] | None:
    """Why nothing can conform, and what would help; ``None`` if something can."""
    metric = requirement.measure.metric
    if metric not in METRIC_NAMES:
        return "Accredit cannot measure this yet", ""
    if metric in SEVERAL:
        return _of_several(requirement, scheme, place)
    unit = units.get(metric, SHARE)
    smallest = smallest_sample(requirement, requirement.alpha or scheme.decision.alpha, unit)
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
    is_rate = requirement.measure.metric in RATES
    noun = "domains" if is_rate else "items"
    have = {name: one.domains if is_rate else one.items for name, one in groups.items()}
    short = {name: number for name, number in sorted(have.items()) if number < needed}
    if not short:
        return None
    counts = [f"{number} of {name or _asked(requirement)}" for name, number in short.items()]
    more = f" and {len(counts) - NAMED} more groups" if len(counts) > NAMED else ""
    each = " each" if len(groups) > 1 else ""
    why = f"{noun} to try: {', '.join(counts[:NAMED])}{more}; needed: {needed}{each}"
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
    number = sum(one.items for one in blocked if one.can_be_tried_by(PROBES))
    if number < needed:
        why = f"{number} items that must be blocked can be tried as a pupil would; needed: {needed}"
        return why, f"choose more of them, for the probes {', '.join(sorted(PROBES))}"
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
    more = f" and {len(empty) - NAMED} more" if len(empty) > NAMED else ""
    why = f"fewer than {CELL} items of {', '.join(empty[:NAMED])}{more}"
    return why, f"choose at least {CELL} of each category"
