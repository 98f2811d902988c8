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
    """100 relative times whose pseudo-median is 10 % more."""
    logs = np.log(1.1) + random.laplace(0, 0.2, size=100)
    return [Row(category="A", shares=tuple(np.expm1(logs).tolist()))]


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
