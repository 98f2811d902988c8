"""Simulated plans at the mark: how often ten re-tests verify one, or accuse the service."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from benchmarks.goal import Result, topic

PLANS, TRIES = 10_000, 10
ALPHA, POWER = 0.05, 0.8


@topic("repeated-retests", is_usual=False)
def repeated_retests() -> Iterable[Result]:
    """Plans of every supply of fresh items, and of a fix at half of the allowed misses."""
    # the tests' own plans: they need pytest, which the other topics do not
    from harness.model.outcome import Conformity  # noqa: PLC0415 - see above
    from test_suites.calibration.simulated_counts import allowed  # noqa: PLC0415 - see above
    from test_suites.calibration.simulated_retests import (  # noqa: PLC0415 - see above
        AT_THE_MARK,
        GOOD,
        NINE_GOOD,
        ONE_OF_THREE,
        Supply,
        lives,
        share_of_plans,
    )

    for name, rates, supply in (
        ("as proposed", AT_THE_MARK, Supply()),
        ("as proposed, extended", AT_THE_MARK, Supply(extends=True)),
        ("60 items", AT_THE_MARK, Supply(size=60)),
        ("60 items, extended", AT_THE_MARK, Supply(size=60, extends=True)),
        ("300 items", AT_THE_MARK, Supply(size=300)),
        ("one of three categories, extended", ONE_OF_THREE, Supply(extends=True)),
    ):
        random, played = np.random.default_rng(7), lives(rates, supply)
        for wanted in (Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM):
            found = share_of_plans(played, random, PLANS, TRIES, wanted)
            yield Result(
                goal=f"ten re-tests at the mark, {name}: {wanted.value}",
                value=found * 100,
                unit="%",
                bound=round(allowed(ALPHA, PLANS) * 100, 3),
                note=f"{PLANS:,} plans, alpha {ALPHA:.0%}",
            )
    for name, rates in (("one category", GOOD), ("nine categories", NINE_GOOD)):
        found = share_of_plans(
            lives(rates, Supply()), np.random.default_rng(3), PLANS, 1, Conformity.CONFORMS
        )
        yield Result(
            goal=f"a fix at half of the allowed misses passes at once, {name}",
            value=found * 100,
            unit="%",
            bound=round((POWER - 3 * (POWER * (1 - POWER) / PLANS) ** 0.5) * 100, 3),
            note=f"{PLANS:,} plans",
            is_least=True,
        )
