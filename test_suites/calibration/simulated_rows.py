"""Rows of each decision rule, with services that just meet them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.model.outcome import Conformity, Outcome
from test_suites.calibration.simulated_counts import Design, Draw, Random, Row

SINGLE = {n: Design(name=f"{n}x1", sizes=(1,) * n) for n in (60, 150, 200, 300)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A requirement, and a draw of what is counted of a service that just meets it."""

    name: str
    wanted: dict[str, Any]
    draw: Draw


def block(metric: str, *categories: str, **more: Any) -> dict[str, Any]:
    """A requirement of at least 90 %."""
    measure = {"metric": metric, "categories": categories, "expectation": "block"}
    return {"measure": measure, "threshold": {"at_least": 0.9}, **more}


def overblock(metric: str, *categories: str, **more: Any) -> dict[str, Any]:
    """A requirement of at most 10 %."""
    measure = {"metric": metric, "categories": categories, "expectation": "allow"}
    return {"measure": measure, "threshold": {"at_most": 0.1}, **more}


def rows(
    *categories: str, design: Design = SINGLE[200], rate: float = 0.9, doubt: float = 0
) -> Draw:
    """Each of these categories, drawn apart."""

    def draw(random: Random) -> Sequence[Row]:
        return [
            Row(category=code, domains=design.domains(random, rate, doubt)) for code in categories
        ]

    return draw


def strata(random: Random) -> Sequence[Row]:
    """Two strata of one category: head and tail."""
    return [
        Row(category="B", stratum=name, domains=SINGLE[200].domains(random, 0.9))
        for name in ("head", "tail")
    ]


def explicit(random: Random) -> Sequence[Row]:
    """200 blocked items, of which about 180 say that they are blocked."""
    told = int(random.binomial(200, 0.9))
    return [
        Row(category="B", domains=Counter({(1, 0, 0): told})),
        Row(category="B", domains=Counter({(1, 0, 0): 200 - told}), is_quiet=True),
    ]


def overheads(random: Random) -> Sequence[Row]:
    """300 added times whose 0.9 quantile is 100 ms."""
    times = random.exponential(0.1 / np.log(10), size=300)
    return [Row(category="A", overheads=tuple(times.tolist()))]


def shares(random: Random) -> Sequence[Row]:
    """100 relative times whose median is 10 % more."""
    logs = np.log(1.1) + random.laplace(0, 0.2, size=100)
    return [Row(category="A", shares=tuple(np.expm1(logs).tolist()))]


def skewed_shares(random: Random) -> Sequence[Row]:
    """100 relative times whose median is 10 % more; their logarithms have a long upper tail."""
    logs = np.log(1.1) + 0.2 * (random.exponential(size=100) - np.log(2))
    return [Row(category="A", shares=tuple(np.expm1(logs).tolist()))]


def in_spells(number: int, length: int, slow: float) -> Draw:
    """So many added times, of which a share is slow; ``length`` in a row are alike."""

    def draw(random: Random) -> Sequence[Row]:
        spell = (np.arange(number) + random.integers(length)) // length
        is_slow = (random.random(spell[-1] + 1) < slow)[spell]
        times = random.random(number) * 0.09 + np.where(is_slow, 0.1 + 1e-6, 0.0)
        return [Row(category="A", overheads=tuple(times.tolist()))]

    return draw


def by_host(hosts: int, pages: int, slow: float) -> Draw:
    """Added times of hosts, a share of which is slow with all of its pages, in a random order."""

    def draw(random: Random) -> Sequence[Row]:
        host = random.permutation(np.repeat(np.arange(hosts), pages))
        is_slow = (random.random(hosts) < slow)[host]
        times = random.random(len(host)) * 0.09 + np.where(is_slow, 0.1 + 1e-6, 0.0)
        return [
            Row(category="A", overheads=tuple(times.tolist()), hosts=tuple(host.tolist())),
        ]

    return draw


def shares_by_host(random: Random) -> Sequence[Row]:
    """Relative times of ten hosts with ten pages, whose own effect is large; median 10 % more."""
    host = random.permutation(np.repeat(np.arange(10), 10))
    effect = random.laplace(0, 0.3, size=10)[host]
    logs = np.log(1.1) + effect + random.laplace(0, 0.05, size=100)
    return [
        Row(category="A", shares=tuple(np.expm1(logs).tolist()), hosts=tuple(host.tolist())),
    ]


def latency(quantile: float) -> dict[str, Any]:
    """A requirement of at most 100 ms added."""
    measure = {"metric": "first_byte_overhead", "categories": ("A",), "quantile": quantile}
    return {"measure": measure, "rule": "quantile", "threshold": {"at_most": 0.1}}


LATENCY = {"metric": "first_byte_overhead", "categories": ("A",), "quantile": 0.9}
RELATIVE = {"metric": "first_byte_overhead_share", "categories": ("A",)}

CASES = (
    Case(name="guarded", wanted=block("block_rate", "B"), draw=rows("B")),
    Case(name="guarded, 60", wanted=block("block_rate", "B"), draw=rows("B", design=SINGLE[60])),
    Case(
        name="guarded, alpha .01",
        wanted=block("block_rate", "B", alpha=0.01),
        draw=rows("B", design=SINGLE[300]),
    ),
    Case(
        name="guarded, misses in doubt",
        wanted=block("block_rate", "B"),
        draw=rows("B", doubt=0.3),
    ),
    Case(
        name="over-blocking",
        wanted=overblock("overblock_rate", "A"),
        draw=rows("A", rate=0.1),
    ),
    Case(
        name="of the worst category",
        wanted=block("block_rate_by_category", "B", "C", "D"),
        draw=rows("B", "C", "D"),
    ),
    Case(
        name="one category at the mark",
        wanted=block("block_rate_by_category", "B", "C"),
        draw=lambda random: [*rows("B")(random), *rows("C", rate=1.0)(random)],
    ),
    Case(name="of the worst stratum", wanted=block("block_rate_by_stratum", "B"), draw=strata),
    Case(name="explicit share", wanted=block("explicit_share", "B"), draw=explicit),
    Case(
        name="sequential",
        wanted=block("block_rate", "B", rule="sequential"),
        draw=rows("B"),
    ),
    Case(
        name="sequential, over-blocking",
        wanted=overblock("overblock_rate", "A", rule="sequential"),
        draw=rows("A", rate=0.1),
    ),
    Case(
        name="quantile",
        wanted={"measure": LATENCY, "rule": "quantile", "threshold": {"at_most": 0.1}},
        draw=overheads,
    ),
    Case(
        name="noninferiority",
        wanted={"measure": RELATIVE, "rule": "noninferiority", "threshold": {"at_most": 0.1}},
        draw=shares,
    ),
)

_RELATIVE_ROW = {"measure": RELATIVE, "rule": "noninferiority", "threshold": {"at_most": 0.1}}

SPELLS = (
    *(
        Case(
            name=f"{number} times in spells of {length}",
            wanted=latency(0.95),
            draw=in_spells(number, length, 0.05),
        )
        for number, length in ((300, 1), (300, 5), (1200, 20), (3600, 60))
    ),
    Case(
        name="300 median times in spells of 20", wanted=latency(0.5), draw=in_spells(300, 20, 0.5)
    ),
    Case(name="60 hosts of 5 pages", wanted=latency(0.9), draw=by_host(60, 5, 0.1)),
    Case(name="median of 10 hosts of 10 pages", wanted=_RELATIVE_ROW, draw=shares_by_host),
    Case(name="median of skewed times", wanted=_RELATIVE_ROW, draw=skewed_shares),
)
"""Times that come in spells or share a host, with as many as the method asks for such spells."""

MANY = tuple(
    block("block_rate", code) if code.startswith("B") else overblock("overblock_rate", code)
    for code in (*(f"B{n}" for n in range(9)), "A0", "A1", "A2")
)
"""Twelve rows of one service, as many as an ordinary scheme binds."""


def service_at_every_mark(random: Random) -> Sequence[Row]:
    """What is counted of a service that just meets each of the twelve."""
    return [
        Row(
            category=each["measure"]["categories"][0],
            domains=SINGLE[150].domains(random, 0.9 if "at_least" in each["threshold"] else 0.1),
        )
        for each in MANY
    ]


def conforms(found: Sequence[Outcome]) -> bool:
    """Whether every row conforms."""
    return all(one.conformity is Conformity.CONFORMS for one in found)


def is_accused(found: Sequence[Outcome]) -> bool:
    """Whether any row is said not to conform."""
    return any(one.conformity is Conformity.DOES_NOT_CONFORM for one in found)
