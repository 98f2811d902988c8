"""Simulated campaigns: how often a service exactly at the threshold conforms, or fails.

Goals are shares: at most alpha plus three standard errors of the simulation.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.goal import Result, topic
from harness.schemes.load import load_scheme

if TYPE_CHECKING:
    from test_suites.calibration.simulated_counts import Design, Draw

REPLICATES, STOPPED = 10_000, 1_000
SERVICES, CAMPAIGNS = 700, 500
SCHEMES = ("becta-2008", "uksic-2024", "dfe-2024", "strict")
ALPHA = 0.05


@topic("false-conformance", is_usual=False)
def false_conformance() -> Iterable[Result]:
    """Every rule, every published design of clusters, a whole service, and early stopping."""
    # the tests' own services: they need pytest, which the other topics do not
    from test_suites.calibration.simulated_rows import CASES, SPELLS  # noqa: PLC0415 - see above

    for case in (*CASES, *SPELLS):
        alpha = case.wanted.get("alpha", ALPHA)
        yield from _measured(case.name, case.draw, case.wanted, alpha, REPLICATES)
    yield from _clustered()
    yield _service()
    yield from _stopped()


@topic("marks-of-rows", is_usual=False)
def marks_of_rows() -> Iterable[Result]:
    """Each sampled row of each scheme, one group at the mark; and all of a scheme at once.

    In each way in which misses come together: independent, in spells, in domains and by host.
    """
    from test_suites.calibration.simulated_marks import (  # noqa: PLC0415 - needs pytest, see above
        WAYS,
        accused,
        rows_in_each_way,
        sampled_rows,
    )

    schemes = [load_scheme(name) for name in SCHEMES]
    cases = list(rows_in_each_way(schemes))
    services = [(scheme, way) for scheme in schemes for way in WAYS]
    # each worker is a copy of this process, so that cases need not be written out
    with ProcessPoolExecutor(mp_context=get_context("fork")) as workers:
        accusing = [workers.submit(accused, scheme, SERVICES, 31, way) for scheme, way in services]
        granting = [workers.submit(case.granted, CAMPAIGNS, 11) for case in cases]
        for (scheme, way), found in zip(services, accusing, strict=True):
            rows = len(sampled_rows(scheme))
            goal = f"{scheme.id}, a service at {rows} marks, {way.name}: accused"
            yield _result(goal, found.result(), scheme.decision.alpha, SERVICES)
        for case, found in zip(cases, granting, strict=True):
            yield _result(f"{case.name}: conforms", found.result(), case.alpha, CAMPAIGNS)


def _clustered() -> Iterable[Result]:
    from test_suites.calibration.simulated_counts import DESIGNS, Random, Row  # noqa: PLC0415 - as above
    from test_suites.calibration.simulated_rows import block  # noqa: PLC0415 - as above

    for design in DESIGNS:

        def draw(random: Random, design: Design = design) -> Iterable[Row]:
            return [Row(category="B", domains=design.domains(random, 0.9))]

        for rule in ("guarded", "sequential"):
            name = f"{rule}, {design.name}"
            yield from _measured(name, draw, block("block_rate", "B", rule=rule), ALPHA, 2_000)


def _service() -> Result:
    from test_suites.calibration.simulated_counts import scheme, share  # noqa: PLC0415 - as above
    from test_suites.calibration.simulated_rows import (  # noqa: PLC0415 - as above
        MANY,
        is_accused,
        service_at_every_mark,
    )

    found = share(REPLICATES, service_at_every_mark, scheme(*MANY), 4, is_accused)
    return _result(f"a service at {len(MANY)} marks is accused", found, ALPHA, REPLICATES)


def _stopped() -> Iterable[Result]:
    """Campaigns that stop for real, each row of which is read afterwards."""
    from harness.model.outcome import Conformity  # noqa: PLC0415 - as above
    from test_suites.calibration.simulated_campaign import (  # noqa: PLC0415 - as above
        SCHEME,
        at_the_mark,
        record,
    )

    random, rows = np.random.default_rng(5), len(SCHEME.requirements)
    granted, accused = np.zeros(rows), np.zeros(rows)
    with tempfile.TemporaryDirectory() as folder:
        recorded = record(Path(folder))
        for _ in range(STOPPED):
            journal = recorded.journal(at_the_mark(recorded, random))
            found = [one.conformity for one in recorded.outcomes(journal, SCHEME)]
            granted += [one is Conformity.CONFORMS for one in found]
            accused += [one is Conformity.DOES_NOT_CONFORM for one in found]
    for number, row in enumerate(SCHEME.requirements):
        name = f"stopped early, {row.measure.metric} of {' and '.join(row.measure.categories)}"
        name += f", alpha {row.alpha}" if row.alpha else ""
        yield _result(f"{name}: conforms", granted[number] / STOPPED, ALPHA, STOPPED)
        yield _result(f"{name}: accused", accused[number] / STOPPED, ALPHA, STOPPED)


def _measured(
    name: str, draw: Draw, wanted: dict[str, object], alpha: float, replicates: int
) -> Iterable[Result]:
    from test_suites.calibration.simulated_counts import scheme, share  # noqa: PLC0415 - as above
    from test_suites.calibration.simulated_rows import conforms, is_accused  # noqa: PLC0415 - as above

    for word, judge, seed in (("conforms", conforms, 1), ("accused", is_accused, 2)):
        found = share(replicates, draw, scheme(wanted), seed, judge)
        yield _result(f"{name}: {word}", found, alpha, replicates)


def _result(goal: str, found: float, alpha: float, replicates: int) -> Result:
    from test_suites.calibration.simulated_counts import allowed  # noqa: PLC0415 - as above

    return Result(
        goal=f"at the mark, {goal}",
        value=found * 100,
        unit="%",
        bound=round(allowed(alpha, replicates) * 100, 3),
        note=f"{replicates:,} campaigns, alpha {alpha:.0%}",
    )
