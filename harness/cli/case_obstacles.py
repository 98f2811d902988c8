"""What a campaign lacks for metrics of cases: a form, query or address that no item is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from harness.cli.item_supply import ItemGroup
from harness.errors import first_of
from harness.model.content_form import FORMS, form_of, variant_of
from harness.model.corpus import TWIN
from harness.model.search_case import METRIC_CASES, search_case
from harness.plugins import PROBES

SHOWN = 6
"""How many missing cases are named."""

Obstacle = tuple[str, str] | None
"""The reason why no result can conform, and a remedy."""


def missing_searches(metric: str, needed: int, supply: Iterable[ItemGroup]) -> Obstacle:
    """The obstacle where a metric of searches has too few of a kind."""
    of_group, kinds = METRIC_CASES[metric]
    number: Counter[str] = Counter()
    for group in supply:
        case = search_case(variant_of(group.example.stratum))
        if case and case.group == of_group and not group.example.stratum.startswith(TWIN):
            number[case.name] += group.items
    missing = [f"{number[kind]} {words}" for kind, words in kinds.items() if number[kind] < needed]
    if not missing:
        return None
    why = f"searches to try: {', '.join(missing)}; needed: {needed} each"
    return why, "choose the origin's whole pack search-pages"


def missing_pages(
    metric: str, needed: int, supply: Iterable[ItemGroup], is_counted: Callable[[str], bool]
) -> Obstacle:
    """The obstacle where a category of plain content pages or an ordinary form has too few pages.

    ``is_counted`` says of a category whether its pages count for the profile.
    """
    if metric != "content_block_rate":
        return None
    harmful = [
        group
        for group in supply
        if is_counted(group.example.category) and not group.example.stratum.startswith(TWIN)
    ]
    number: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for group in harmful:
        number[variant_of(group.example.stratum)] += group.items
        if form_of(group.example.stratum) is None:
            plain[group.example.category] += group.items
    names = frozenset[str]().union(*(group.probes for group in harmful))
    known = PROBES.load()
    schemes = {known[name]().declares.only_scheme for name in names & known.keys()}
    missing = [f"{pages} plain of {code}" for code, pages in plain.items() if pages < needed]
    missing += [
        f"{number[form.name]} {form.words}"
        for form in FORMS.values()
        if form.family == "ordinary" and (not form.over_https or "https" in schemes)
        if number[form.name] < needed
    ]
    if not missing:
        return None
    why = f"content pages to try: {first_of(missing, SHOWN, 'groups')}; needed: {needed} each"
    return why, "choose all categories of the origin's pack content-pages"
