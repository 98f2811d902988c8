"""What a campaign lacks for metrics of cases: a form, query or address that no item is about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.cli import case_supply
from harness.cli.item_supply import ItemGroup, missing_files
from harness.estimate import search_metrics
from harness.model.content_form import FORMS, variant_of
from harness.model.corpus import TWIN
from harness.model.metric_spec import spec_of
from harness.plugins import PROBES

SHOWN = 6
"""How many missing cases are named."""

Obstacle = tuple[str, str] | None
"""The reason why no result can conform, and a remedy."""


def missing_cases(metric: str, needed: int, supply: Iterable[ItemGroup]) -> Obstacle:
    """The obstacle where a case of a metric has fewer items than are needed; ``None`` if none."""
    if metric == "content_block_rate":
        return _missing_forms(needed, supply)
    if spec_of(metric).function.startswith("file_cases:"):
        return missing_files(metric, needed, supply)
    return case_supply.missing_cases(metric, supply)


def missing_searches(metric: str, needed: int, supply: Iterable[ItemGroup]) -> Obstacle:
    """The obstacle where a metric of searches has too few of a kind."""
    numbers = [(group.example.stratum, group.items) for group in supply]
    why = search_metrics.missing_searches(metric, numbers, needed)
    return (why, "choose the origin's whole pack search-pages") if why else None


def _missing_forms(needed: int, supply: Iterable[ItemGroup]) -> Obstacle:
    """The obstacle where an ordinary form of content pages has too few pages."""
    harmful = [group for group in supply if not group.example.stratum.startswith(TWIN)]
    number: Counter[str] = Counter()
    for group in harmful:
        number[variant_of(group.example.stratum)] += group.items
    names = frozenset[str]().union(*(group.probes for group in harmful))
    known = PROBES.load()
    schemes = {known[name]().declares.only_scheme for name in names & known.keys()}
    missing = [
        f"{number[form.name]} {form.words}"
        for form in FORMS.values()
        if form.family == "ordinary" and (not form.over_https or "https" in schemes)
        if number[form.name] < needed
    ]
    if not missing:
        return None
    more = f" and {len(missing) - SHOWN} more forms" if len(missing) > SHOWN else ""
    why = f"content pages to try: {', '.join(missing[:SHOWN])}{more}; needed: {needed} each"
    return why, "choose all categories of the origin's pack content-pages"
