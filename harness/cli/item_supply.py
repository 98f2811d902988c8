"""Count the items and registrable domains that a requirement can use in a campaign, by group.

Needs no ``harness.estimate.intervals``, so that ``accredit measure`` soon counts and sends packets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from harness.estimate.item_selection import counts_category, counts_item
from harness.model.content_form import variant_of
from harness.model.corpus import TWIN, Item, covers, frame_of
from harness.model.file_case import CLEAN_GROUPS, FILE_CASES, file_case
from harness.model.listed_page import without_case
from harness.model.metric_spec import spec_of
from harness.model.scheme import Measure, Policy
from harness.ports.network import Probe, can_measure

MOST_DOMAINS = 100_000
"""Domains are counted up to this number, which is more than any requirement needs."""

EVERY_PROBE: frozenset[str] = frozenset()
"""The value of ``probes`` where the probes are not known: any probe is assumed to fit."""


@dataclass(slots=True)
class ItemGroup:
    """A group of items that count in the same way: an example, their probes, and their number.

    ``domains`` are their registrable domains; each counts once towards a rate.
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
class ItemCount:
    """A number of items and of registrable domains."""

    items: int
    domains: int


def group_items(
    items: Iterable[Item], probes: Mapping[str, Probe] | None = None
) -> list[ItemGroup]:
    """Group the items of a campaign by the properties that decide where they count.

    ``probes`` are those of one line by name; items that none of them can try or see are left
    out. Without probes every item counts.
    """
    groups: dict[tuple[object, ...], ItemGroup] = {}
    for item in items:
        probe_names = EVERY_PROBE if probes is None else _suitable_probes(probes, item)
        if not item.value or (probes is not None and not probe_names):
            continue
        key = (item.category, item.stratum, item.lang, item.phases, item.pack, probe_names)
        group = groups.setdefault(key, ItemGroup(item, probe_names))
        group.items += 1
        if len(group.domains) < MOST_DOMAINS:
            group.domains.add(item.registrable or item.id)
    return list(groups.values())


def count_by_group(
    measure: Measure, policy: Policy, phase: str, supply: Iterable[ItemGroup]
) -> dict[str, ItemCount]:
    """Count the items of a measure for a school phase, by the groups that must each pass.

    A single group has an empty name; a named category without items counts 0.
    """
    groups: dict[str, list[ItemGroup]] = {}
    group_of = _grouping(measure)
    known: dict[tuple[str, str, tuple[str, ...]], bool] = {}
    for alike in supply:
        item = alike.example
        key = item.category, item.stratum, item.phases
        if (is_counted := known.get(key)) is None:
            is_counted = counts_category(measure, policy, item.category, phase) and counts_item(
                measure, item, phase
            )
            known[key] = is_counted
        if is_counted and alike.can_be_tried_by(measure.probes):
            frame = frame_of(item.pack)
            group = group_of(item)
            groups.setdefault(f"{group} {frame}".strip(), []).append(alike)
    if spec_of(measure.metric).each_category:
        for code in measure.categories:
            if counts_category(measure, policy, code, phase) and not any(
                group.split()[:1] == [code] for group in groups
            ):
                groups[code] = []
    return {name: _count(members) for name, members in groups.items()} or {"": ItemCount(0, 0)}


FILES_OF_METRIC = {
    "eicar_variants_passed": frozenset({"named"}),
    "archive_bypasses": frozenset({"archive"}),
    "feature_checks_passed": frozenset({"feature"}),
    "altered_downloads": CLEAN_GROUPS,
}
"""The groups of cases that a metric of files is about."""

CLEAN_FILES = "altered_downloads"
"""The metric of clean files; the others are about harmful ones."""


def groups_for(metric: str, supply: Iterable[ItemGroup]) -> list[ItemGroup]:
    """Return the groups that a metric is about: of a metric of files, its files alone."""
    wanted = FILES_OF_METRIC.get(metric)
    if wanted is None:
        return list(supply)
    return [
        group
        for group in supply
        if (case := file_case(variant_of(group.example.stratum)))
        and case.group in wanted
        and group.example.stratum.startswith(TWIN) is (metric == CLEAN_FILES)
    ]


def missing_files(metric: str, needed: int, supply: Iterable[ItemGroup]) -> tuple[str, str] | None:
    """Return which files a metric needs that a campaign does not have, and a remedy; or None."""
    if metric not in FILES_OF_METRIC:
        return None
    files = [one for one in groups_for(metric, supply) if one.can_be_tried_by(("download",))]
    if metric == CLEAN_FILES:
        clean = sum(one.items for one in files)
        missing = [f"{needed - clean} clean files"] if clean < needed else []
    else:
        tried = {variant_of(one.example.stratum) for one in files}
        missing = [
            case.words
            for case in FILE_CASES.values()
            if case.group in FILES_OF_METRIC[metric] and case.name not in tried
        ]
    if not missing:
        return None
    why = f"files to try, missing: {', '.join(missing)}"
    return why, (
        "choose the origin's pack downloads ('accredit origin pages' writes it; a range has it) "
        "and the probe download"
    )


def _suitable_probes(probes: Mapping[str, Probe], item: Item) -> frozenset[str]:
    return frozenset(name for name, probe in probes.items() if can_measure(probe, item))


def _grouping(measure: Measure) -> Callable[[Item], str]:
    spec = spec_of(measure.metric)
    if spec.each_category and measure.categories:
        return lambda item: next(
            (code for code in measure.categories if covers(item.category, code)), item.category
        )
    if spec.by == "stratum":
        return lambda item: without_case(item.stratum) or item.category
    if spec.by == "language":
        return lambda item: item.lang or "no language"
    return lambda _: ""


def _count(groups: list[ItemGroup]) -> ItemCount:
    domains = set[str]().union(*(group.domains for group in groups))
    return ItemCount(items=sum(group.items for group in groups), domains=len(domains))
