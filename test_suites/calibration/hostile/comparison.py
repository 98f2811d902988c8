"""Holds what came of a hostile service against what its supplier breaks, and the good service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from harness.model.outcome import Conformity
from test_suites.calibration.hostile.runner import Run


class Judged(Protocol):
    """What is said of a supplier: the requirements that it breaks, and what must come of it."""

    @property
    def breaks(self) -> frozenset[str]: ...
    @property
    def by_chance(self) -> frozenset[str]: ...
    @property
    def pace(self) -> float: ...
    @property
    def answer(self) -> Conformity: ...


MOST_MEMORY = 1500
"""MiB that a process with several campaigns and the range may ever hold."""


def faults_of_good(run: Run) -> tuple[str, ...]:
    """What is wrong with how the good service was judged: it conforms in every requirement."""
    return tuple(
        [*_crashes(run)]
        + [
            f"{name}: the good service {seen.conformity} ({seen.why})"
            for name, seen in run.requirements.items()
            if seen.conformity is not Conformity.CONFORMS
        ]
    )


def faults_of(supplier: Judged, run: Run, good: Run) -> tuple[str, ...]:
    """What is wrong with how a hostile service was judged; nothing, if all is as it should be."""
    return tuple(_faults(supplier, run, good))


def wrongly_conforming(supplier: Judged, run: Run) -> tuple[str, ...]:
    """The requirements that the supplier breaks and that conform all the same."""
    return tuple(
        name
        for name in sorted(supplier.breaks)
        if name in run.requirements and run.requirements[name].conformity is Conformity.CONFORMS
    )


def _faults(supplier: Judged, run: Run, good: Run) -> Iterator[str]:
    yield from _crashes(run)
    if run.crash:
        return
    for name in wrongly_conforming(supplier, run):
        yield f"{name} conforms, which this supplier breaks"
    for name, seen in good.requirements.items():
        here = run.requirements[name]
        if (
            name not in supplier.breaks | supplier.by_chance
            and here.conformity is not seen.conformity
        ):
            yield f"{name} {here.conformity}, with the good service {seen.conformity} ({here.why})"
    if run.conformity is Conformity.CONFORMS:
        yield "the whole campaign conforms"
    elif run.conformity is not supplier.answer and not _may_be_found_out(supplier, run):
        yield f"the campaign is answered {run.conformity}, not {supplier.answer}"


def _may_be_found_out(supplier: Judged, run: Run) -> bool:
    """Whether a service that goes by pace let items of the test through, which a slow machine sent."""
    return supplier.pace > 0 and run.conformity is Conformity.DOES_NOT_CONFORM


def _crashes(run: Run) -> Iterator[str]:
    if run.crash:
        yield f"crash: {run.crash.strip().splitlines()[-1]}"
    for trouble, number in run.troubles.items():
        yield f"the instrument failed {number} times: {trouble}"
    if run.memory > MOST_MEMORY:
        yield f"the process held {run.memory} MiB, more than {MOST_MEMORY}"
