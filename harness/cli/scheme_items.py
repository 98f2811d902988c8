"""Choose items of the shipped packs so that a campaign can decide what its scheme asks.

``accredit init`` writes the result into a campaign file. What the shipped packs are too small for
is returned too, with the size of the list to import.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from corpora.content_pages import CATEGORIES
from harness.cli.case_supply import ON_LISTED_HOSTS
from harness.cli.compose import open_pack
from harness.cli.list_obstacles import LIST_METRICS
from harness.cli.undecidable import ITEMS_PER_CELL
from harness.estimate.item_selection import counts_category, is_asked
from harness.model.corpus import TWIN, bare_code, covers
from harness.model.metric_spec import LIST_CENSUSES, spec_of
from harness.model.scheme import Policy, Requirement, Scheme
from harness.model.search_case import METRIC_CASES
from harness.model.smallest_sample import smallest_sample
from harness.model.url_case import CASES_OF_METRIC

HARMFUL, HARMLESS = "canary", "school-pages"
"""The shipped packs that items are chosen from: agreed canaries, and pages that schools need."""

ROOM = 120
"""The smallest sample of a category for a rate. A service that blocks 98 % of each of nine
categories conforms in all of them, at 90 %, with a probability of 84 %; with 60 items it is 2 %."""

PAGES_ROOM = 10
"""The smallest sample of a topic of harmless pages."""

COMPARED = ("discordant", "addresses_differing")
"""Metrics that compare what several probes found."""

CENSUSES = LIST_CENSUSES | {"overblocked"}
"""Metrics that count errors in a whole list."""

Strata = Mapping[str, Mapping[str, int]]
"""The number of items by stratum and category."""


DOWNLOAD, UPLOAD, PROTOCOLS = "download", "upload", "protocols"
WHOLE_PACKS = (DOWNLOAD, UPLOAD, PROTOCOLS)
"""The probes of requirements that rest on a whole pack of the origin's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Categories of one pack; ``sample`` items of each stratum, or all of them (``None``)."""

    pack: str
    categories: tuple[str, ...]
    sample: int | None


SOMETHING = Choice(pack=HARMFUL, categories=("PORN",), sample=ROOM)
"""What is tried for a scheme that asks for no items: a campaign needs some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNeeded:
    """A list that has to be imported: ``domains`` of ``category``, for a requirement."""

    requirement: str
    category: str
    domains: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemeItems:
    """The items for a scheme, and what else its requirements need of a campaign.

    ``content`` is how many content items each of its content requirements needs at most; 0 if it
    asks for none. With ``searches`` it asks for engines and queries. ``twins`` are the plain twins
    needed. ``needs_illegal_pages``: a binding requirement needs the pack of that name, and both
    schemes. With ``needs_addresses`` it asks for cases of web addresses. ``files`` are the files
    to download that binding requirements need. With ``needs_techniques`` a binding requirement is
    about techniques to bypass the filter. ``probes`` are those that a metric cannot do
    without, ``probes_of_packs`` those of ``WHOLE_PACKS`` that it asks for.
    """

    choices: tuple[Choice, ...]
    lists: tuple[ListNeeded, ...] = ()
    content: int = 0
    searches: bool = False
    twins: int = 0
    needs_second_probe: bool = False
    needs_illegal_pages: bool = False
    needs_addresses: bool = False
    files: int = 0
    probes: tuple[str, ...] = ()
    probes_of_packs: tuple[str, ...] = ()
    needs_techniques: bool = False


@dataclass(slots=True)
class _Wanted:
    """How many items of each code are wanted, by pack; ``None`` for all."""

    numbers: dict[tuple[str, str], int | None] = field(default_factory=dict)

    def add(self, pack: str, code: str, number: int | None) -> None:
        """Want ``number`` items of each stratum of a code, or more if more were wanted before."""
        before = self.numbers.get((pack, code), 0)
        largest = None if number is None or before is None else max(number, before)
        self.numbers[pack, code] = largest

    def choices(self) -> tuple[Choice, ...]:
        """The wanted codes by pack and number, without what another choice includes."""
        groups: defaultdict[tuple[str, int | None], list[str]] = defaultdict(list)
        for (pack, code), number in self.numbers.items():
            if not any(
                covers(code, other) and code != other and _is_enough(others, number)
                for (name, other), others in self.numbers.items()
                if name == pack
            ):
                groups[pack, number].append(code)
        ordered = sorted(groups, key=lambda key: (key[0], key[1] is None, -(key[1] or 0)))
        return tuple(
            Choice(pack=pack, categories=tuple(groups[pack, number]), sample=number)
            for pack, number in ordered
        )


def items_for(scheme: Scheme, profiles: Mapping[str, str]) -> SchemeItems:
    """Choose the items for a scheme; ``profiles`` maps names of profiles to school phases."""
    strata = {name: _strata_of(name) for name in (HARMFUL, HARMLESS)}
    wanted, lists = _Wanted(), list[ListNeeded]()
    asked = [
        each
        for each in scheme.requirements
        if spec_of(each.measure.metric).is_implemented and _phases(each, scheme, profiles)
    ]
    metrics = {each.measure.metric for each in asked}
    needs_techniques = any(map(_is_decided_by_techniques, asked))
    if not needs_techniques:
        metrics = {name for name in metrics if not spec_of(name).of_techniques}
    on_lists = LIST_METRICS & {each.measure.metric for each in asked if each.binding}
    content = twins = 0
    for requirement in asked:
        metric = requirement.measure.metric
        for code in CATEGORIES if metric in ON_LISTED_HOSTS else ():
            wanted.add(HARMFUL, code, ITEMS_PER_CELL)
        if metric == "pupil_difference":
            twins = max(twins, requirement.n_min)
        elif metric == "wrong_cells":
            _want_cells(wanted, scheme.policy, strata, 2 * ITEMS_PER_CELL)
        elif metric in METRIC_CASES or not {*WHOLE_PACKS}.isdisjoint(requirement.measure.probes):
            continue
        elif requirement.rests_on == "content":
            content = max(content, _needed(requirement, scheme))
        elif spec_of(metric).counts_items:
            phases = _phases(requirement, scheme, profiles)
            lists += _want(wanted, requirement, scheme, phases, strata)
    return SchemeItems(
        choices=wanted.choices() or (SOMETHING,),
        lists=tuple(lists),
        content=content,
        searches=bool(metrics & METRIC_CASES.keys()),
        twins=twins,
        needs_second_probe=bool(on_lists or metrics & {*COMPARED} or needs_techniques),
        needs_techniques=needs_techniques,
        needs_illegal_pages=bool(on_lists - LIST_CENSUSES),
        needs_addresses=bool(metrics & CASES_OF_METRIC.keys()),
        files=max(_downloads(asked, scheme), default=0),
        probes=tuple(
            dict.fromkeys(filter(None, (spec_of(name).needs_probe for name in sorted(metrics))))
        ),
        probes_of_packs=tuple(
            probe for probe in WHOLE_PACKS if any(probe in each.measure.probes for each in asked)
        ),
    )


def _downloads(asked: Iterable[Requirement], scheme: Scheme) -> Iterator[int]:
    """Yield how many files to download each requirement about them needs."""
    for each in asked:
        if DOWNLOAD in each.measure.probes:
            yield _needed(each, scheme) if each.binding else 1


def _is_decided_by_techniques(requirement: Requirement) -> bool:
    """Whether a requirement decides something by techniques; a report of them costs minutes."""
    is_about = spec_of(requirement.measure.metric).of_techniques
    return is_about and requirement.binding and requirement.rule != "report"


def _want(
    wanted: _Wanted,
    requirement: Requirement,
    scheme: Scheme,
    phases: Collection[str],
    strata: Mapping[str, Strata],
) -> Iterator[ListNeeded]:
    """Want the items that a requirement counts; yield what the shipped packs are too small for."""
    measure = requirement.measure
    if measure.expectation is None and not measure.categories:
        return
    pack = HARMLESS if measure.expectation == "allow" else HARMFUL
    number = _needed(requirement, scheme)
    of_list = max(number, ROOM) if spec_of(measure.metric).is_rate else number
    for code in measure.categories or _expected_codes(scheme.policy, measure.expectation, phases):
        if not any(covers(stratum, code) for stratum in strata[pack]):
            yield ListNeeded(requirement=requirement.id, category=code, domains=of_list)
            continue
        if measure.metric in CENSUSES:
            wanted.add(pack, code, None)
        sizes = [
            _sizes(requirement, scheme.policy, code, phase, strata[pack])
            for phase in phases
            if measure.expectation is None
            or any(
                counts_category(measure, scheme.policy, each, phase)
                for each in {code, *scheme.policy.rows}
                if covers(each, code)
            )
        ]
        is_each = spec_of(measure.metric).by == "stratum"
        samples = [sample_size(of_phase, number, is_each=is_each) for of_phase in sizes]
        if measure.metric not in CENSUSES and samples:
            is_possible = all(sample is not None for sample in samples)
            least = max((sample or 0 for sample in samples), default=0)
            floor = ROOM if pack == HARMFUL else PAGES_ROOM
            wanted.add(pack, code, max(least, floor) if is_possible else None)
        if samples and measure.categories and any(sample is None for sample in samples):
            yield ListNeeded(requirement=requirement.id, category=code, domains=of_list)


def _needed(requirement: Requirement, scheme: Scheme) -> int:
    smallest = smallest_sample(requirement, requirement.alpha or scheme.decision.alpha)
    return max(smallest or 0, requirement.n_min, requirement.list_size, 1)


def _phases(
    requirement: Requirement, scheme: Scheme, profiles: Mapping[str, str]
) -> tuple[str, ...]:
    """The school phases of the profiles that a requirement asks about."""
    return tuple(
        dict.fromkeys(
            phase
            for name, phase in profiles.items()
            if requirement.is_for(name, phase)
            and is_asked(requirement.measure, scheme.policy, (), phase)
        )
    )


def _expected_codes(
    policy: Policy, expectation: str | None, phases: Collection[str]
) -> tuple[str, ...]:
    """The categories of which the policy expects something in one of the phases."""
    return tuple(
        code
        for code in policy.rows
        if code != "CTRL" and any(policy.expects(code, phase) == expectation for phase in phases)
    )


def _want_cells(wanted: _Wanted, policy: Policy, strata: Mapping[str, Strata], number: int) -> None:
    """Want ``number`` items of each category that the policy decides."""
    rows = [code for code in policy.rows if code != "CTRL"]
    for code in rows:
        if any(other.startswith(code + ".") for other in rows) and code not in strata[HARMFUL]:
            continue
        if code in strata[HARMFUL]:
            wanted.add(HARMFUL, code, number)
            continue
        for stratum, categories in strata[HARMLESS].items():
            if code in categories:
                is_pure = len(categories) == 1
                wanted.add(HARMLESS, stratum, number if is_pure else None)


def _strata_of(pack: str) -> Strata:
    """The strata of a pack, without the harmless neighbours of harmful categories."""
    strata: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for item in open_pack(pack).items():
        stratum = item.stratum or item.category
        if not stratum.startswith(TWIN):
            strata[bare_code(stratum)][item.category] += 1
    return strata


def _sizes(
    requirement: Requirement, policy: Policy, code: str, phase: str, strata: Strata
) -> list[int]:
    """The sizes of the strata below a code whose items a requirement counts in a phase."""
    return [
        sum(categories.values())
        for stratum, categories in strata.items()
        if covers(stratum, code) and counts_category(requirement.measure, policy, stratum, phase)
    ]


def sample_size(sizes: list[int], number: int, *, is_each: bool) -> int | None:
    """The smallest sample of each stratum that gives ``number`` items, or of ``is_each`` stratum.

    ``None`` if none does.
    """
    if is_each:
        return number if min(sizes, default=0) >= number else None
    if sum(sizes) < number:
        return None
    sample = -(-number // max(1, len(sizes)))
    while sum(min(size, sample) for size in sizes) < number:
        sample += 1
    return sample


def _is_enough(number: int | None, wanted: int | None) -> bool:
    return number is None or (wanted is not None and number >= wanted)
