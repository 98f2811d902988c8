"""One campaign of all areas over one product, and what came of it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from probes.range.testbed import RangeTestbed
from test_suites.products.all_areas.agreement import CUT_OFF, compare
from test_suites.products.all_areas.campaign import run, write
from test_suites.products.all_areas.pages import AreaPages, Sizes
from test_suites.products.all_areas.suppliers import GROUPS, PRODUCTS, Place


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign came to.

    ``outcomes`` and their ``reasons`` are by requirement and group, ``states`` by stratum; the
    others are what ``Agreement`` holds.
    """

    outcomes: dict[str, str]
    reasons: dict[str, list[str]]
    states: dict[str, dict[str, int]]
    agreed: dict[str, int]
    undecided: dict[str, int]
    contradicted: list[str]


def measure(
    product: str,
    folder: Path,
    sizes: Sizes,
    areas: tuple[str, ...] = (),
    groups: tuple[str, ...] = GROUPS,
) -> Result:
    """Run the campaign of a product in an empty folder; of some ``areas`` alone, if named.

    Only e2guardian can be run for some of the ``groups`` of users alone.
    """
    chosen = PRODUCTS[product]
    pages = AreaPages(sizes, areas or chosen.areas)
    options = {"contents": pages.pages.contents, "texts": pages.pages.texts}
    with RangeTestbed.running(
        folder / "world", several=pages.several, profiles=(), **options
    ) as world:
        place = Place(folder=folder, world=world, pages=pages, groups=groups)
        with chosen.start(place) as running:
            concluded = run(folder, write(folder, pages, running.service))
            found = compare(
                concluded.journal,
                world.log.arrivals(),
                running.withheld(),
                running.refused,
                may_end=running.may_end,
            )
    states: dict[str, dict[str, int]] = {}
    for verdict in found.verdicts:
        if running.may_end and verdict.mechanism in CUT_OFF:
            continue
        counted = states.setdefault(verdict.item.stratum, {})
        counted[verdict.state] = counted.get(verdict.state, 0) + 1
    return Result(
        outcomes=concluded.by_name("conformity"),
        reasons=concluded.by_name("reasons"),
        states=states,
        agreed=dict(found.agreed),
        undecided=dict(found.undecided),
        contradicted=found.contradicted,
    )


def written(result: Result) -> str:
    """A result as JSON."""
    return msgspec.json.encode(result).decode()


def read(text: str) -> Result:
    """The result that a program printed."""
    return msgspec.json.decode(text, type=Result)


def differing(first: Result, second: Result) -> dict[str, tuple[str, str]]:
    """The outcomes that two campaigns do not share."""
    names = sorted(first.outcomes.keys() | second.outcomes.keys())
    pairs = {name: (first.outcomes.get(name, ""), second.outcomes.get(name, "")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
