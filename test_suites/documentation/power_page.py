"""``docs/reference/power.md``: how likely a service conforms, by scheme, size, rate and undecided share."""

from __future__ import annotations

from collections.abc import Iterable

from harness.estimate.planning import power_with_undecided
from harness.model.metric_spec import spec_of
from harness.model.scheme import Scheme
from harness.schemes.load import load_scheme

SCHEMES = ("becta-2008", "dfe-2024", "uksic-2024", "strict")
SIZES = (60, 120, 250, 500, 1000)
UNDECIDED = (0.0, 0.01, 0.02)
MISSES = (0.5, 0.2, 0.1, 0.0)
"""True shares of misses, as parts of what the threshold allows."""

HEAD = """\
# How likely a service conforms

With what probability a service conforms in **all** categories of a scheme together, by the number of registrable domains
tried of each category (one page each), by the share that it really blocks, and by the share of its items that stays
undecided at random. Exact binomial sums (Clopper & Pearson 1934), each category at the level of the scheme, categories
independent. Undecided items count as let through. Misses in a random order look at times as if they came in spells, and then
blocks of trials count once: how often is computed, and which of these orders conform nevertheless is seen in 200 of each
number of misses. That costs nine categories of 120 domains at 98 % about seven points, and less the more are tried. This page is made by
`test_suites/documentation/power_page.py`; `accredit scheme plan SCHEME --campaign campaign.yaml` does the same for one campaign.

A service that is exactly at the mark conforms in one category with at most the level (5 %; `strict` 1 %). `accredit init`
writes 120 of each category.
"""


def power_page() -> str:
    """The page, with one table for each scheme."""
    return HEAD + "".join(map(_table, map(load_scheme, SCHEMES)))


def _table(scheme: Scheme) -> str:
    tests = list(_tests(scheme))
    marks = sorted({mark for mark, _ in tests})
    rates = [
        ", ".join(f"{(1 - part * (1 - mark)) * 100:.4g} %" for mark in marks) for part in MISSES
    ]
    required = ", ".join(f"{mark * 100:.4g} %" for mark in marks)
    lines = [
        f"\n## {scheme.id}\n",
        f"{len(tests)} categories, each at least {required}, at a level of {scheme.decision.alpha:.4g}.\n",
        "| domains of each | undecided | " + " | ".join(f"blocks {rate}" for rate in rates) + " |",
        "|---|---|" + "---|" * len(rates),
    ]
    for size in SIZES:
        for share in UNDECIDED:
            cells = (f"{_chance(scheme, tests, size, part, share):.1%}" for part in MISSES)
            lines.append(f"| {size} | {share:.0%} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _tests(scheme: Scheme) -> Iterable[tuple[float, int]]:
    """The mark and the least number of each category that has to be blocked by itself."""
    for row in scheme.requirements:
        mark = row.threshold.at_least if row.threshold else None
        is_rate = row.measure.metric == "block_rate" and spec_of("block_rate").is_rate
        if row.binding and row.rule == "guarded" and is_rate and mark is not None and mark < 1:
            yield from [(mark, row.n_min)] * max(1, len(row.measure.categories))


def _chance(
    scheme: Scheme, tests: Iterable[tuple[float, int]], size: int, part: float, undecided: float
) -> float:
    chance, decision = 1.0, scheme.decision
    for mark, least in tests:
        rate = 1 - part * (1 - mark)
        limit = decision.indeterminate_share_max
        chance *= size >= least and power_with_undecided(
            size, mark, rate, undecided, alpha=decision.alpha, limit=limit
        )
    return chance
