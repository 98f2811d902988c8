"""Measures hostile suppliers by the real ``measure`` and ``conclude``, several at once."""

from __future__ import annotations

import gc
import io
import resource
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console

from harness.cli.compose import prepare
from harness.cli.conclude import conclude_journal
from harness.cli.measure import measure_prepared
from harness.model.outcome import Assessment, Conformity
from harness.store.journal.journal import open_journal
from test_suites.calibration.hostile.campaign import write_campaign
from test_suites.calibration.hostile.everyone import find_supplier
from test_suites.calibration.hostile.sizes import Size
from test_suites.calibration.hostile.supplier import Supplier
from test_suites.calibration.hostile.testbed import Testbed
from test_suites.kit.quiet_machine.sitecustomize import be_quiet

PROCESSES, THREADS = 4, 2
"""For two cores; a campaign's time is half waiting, and threads of one process wait for each other."""

ORDER = (Conformity.CONFORMS, Conformity.INSUFFICIENT, Conformity.DOES_NOT_CONFORM)
"""From good to bad: of several lines or profiles, the worst stands for a requirement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one requirement came to: its worst outcome over lines and profiles, and why."""

    conformity: Conformity
    k: int
    n: int
    undecided: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one campaign. ``crash`` is the trace of an exception that none should raise.

    ``troubles`` counts observations in which our own instrument failed, by name and detail;
    ``memory`` is the peak of the process so far in MiB, shared by campaigns beside it.
    """

    supplier: str
    requirements: dict[str, Seen] = field(default_factory=dict)
    exit_code: int = 4
    conformity: Conformity = Conformity.INSUFFICIENT
    preconditions: tuple[str, ...] = ()
    rules: dict[str, int] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)
    crash: str = ""
    seconds: float = 0.0
    memory: int = 0


def run_all(
    identities: Sequence[str], size: Size, *, processes: int = PROCESSES, threads: int = THREADS
) -> dict[str, Run]:
    """Measure all the suppliers of these ids; gives each one's run by its id."""
    return in_processes(partial(run_share, size=size, threads=threads), identities, processes)


def in_processes(
    run_some: Callable[[list[str]], list[Run]], identities: Sequence[str], processes: int
) -> dict[str, Run]:
    """Measure the suppliers of these ids in processes; gives each one's run by its id."""
    shares = [list(identities[start::processes]) for start in range(processes)]
    shares = [share for share in shares if share]
    context = get_context("spawn")
    with ProcessPoolExecutor(len(shares), mp_context=context, initializer=be_quiet) as pool:
        return {run.supplier: run for runs in pool.map(run_some, shares) for run in runs}


def run_share(identities: Iterable[str], size: Size, threads: int = THREADS) -> list[Run]:
    """Measure suppliers in this process, beside one range that they share."""
    suppliers = [find_supplier(each) for each in identities]
    exempt_from_collection()
    with tempfile.TemporaryDirectory(prefix="accredit-hostile-") as name:
        folder = Path(name)
        with Testbed(folder, size) as testbed, ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda each: run_one(each, testbed), suppliers))


def exempt_from_collection() -> None:
    """Exempt present objects from garbage collection, or each campaign would begin with one."""
    gc.collect()
    gc.freeze()


def run_one(supplier: Supplier, testbed: Testbed) -> Run:
    """Measure and conclude one campaign; whatever is raised is part of what came of it."""

    @contextmanager
    def begin(folder: Path) -> Iterator[Begun]:
        with testbed.serving(supplier) as running:
            yield write_campaign(folder, supplier, running, testbed), running.crashes

    return measured(supplier.id, testbed.folder, begin)


Begun = tuple[Path, list[str]]
"""The campaign file of a service that runs, and the exceptions of its supplier's own function."""


def measured(
    identity: str,
    parent: Path,
    begin: Callable[[Path], AbstractContextManager[Begun]],
    then: Callable[[Path, Path], None] = lambda *_: None,
) -> Run:
    """Measure and conclude the campaign of a service that ``begin`` starts, given a folder.

    ``then`` is called with the campaign file and the folder of results, while the service runs.
    """
    started = time.monotonic()
    crashes: list[str] = []
    with tempfile.TemporaryDirectory(prefix=f"{identity}-", dir=parent) as name:
        folder = Path(name)
        try:
            with begin(folder) as (campaign, crashes):
                console = Console(file=io.StringIO())
                places = measure_prepared(prepare(campaign), folder / "out", console)
                then(campaign, folder / "out")
            assessment, _ = conclude_journal(places.journal)
            troubles = _troubles(places.journal)
        except Exception:  # noqa: BLE001 - none is expected: each is reported as a crash
            return _run(identity, started, crash=traceback.format_exc())
    crash = f"the supplier's own function failed: {crashes[0]}" if crashes else ""
    return _run(identity, started, assessment, troubles, crash)


def _run(
    identity: str,
    started: float,
    assessment: Assessment | None = None,
    troubles: dict[str, int] | None = None,
    crash: str = "",
) -> Run:
    seconds = time.monotonic() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if assessment is None:
        return Run(supplier=identity, crash=crash, seconds=seconds, memory=memory)
    return Run(
        supplier=identity,
        requirements=_requirements(assessment),
        exit_code=assessment.exit_code,
        conformity=assessment.conformity,
        preconditions=tuple(
            f"{each.name}: {each.detail}" for each in assessment.preconditions if not each.held
        ),
        rules=dict(assessment.mechanisms),
        troubles=troubles or {},
        crash=crash,
        seconds=seconds,
        memory=memory,
    )


def _requirements(assessment: Assessment) -> dict[str, Seen]:
    """The worst outcome of each requirement over lines and profiles."""
    worst: dict[str, Seen] = {}
    for outcome in assessment.outcomes:
        name = outcome.requirement.id
        held = worst.get(name)
        if held is None or ORDER.index(outcome.conformity) > ORDER.index(held.conformity):
            worst[name] = Seen(
                conformity=outcome.conformity,
                k=outcome.metric.k,
                n=outcome.metric.n,
                undecided=outcome.metric.indeterminate,
                why="; ".join(outcome.reasons),
            )
    return worst


def _troubles(folder: Path) -> dict[str, int]:
    """Attempts that failed by the instrument's own fault, counted by what they said."""
    journal = open_journal(folder)
    try:
        failures = [one.failure for one in journal.observations() if one.failure is not None]
    finally:
        journal.close()
    ours = (one for one in failures if one.name == "instrument_error")
    return dict(Counter(f"{one.name}: {one.detail}" for one in ours))
