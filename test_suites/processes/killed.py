"""Kills a measurement at chosen moments, lets it go on, and tells what came of each.

A moment is one step that changes the disk: a write, a truncation, a flush, a renaming or a
removal in the journal's folder. Everything is imported once, before the first child is made, and each measurement is a child of
its own that ends itself with SIGKILL at its moment.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb  # noqa: F401 - see above
from rich.console import Console

import harness.estimate.estimate
import harness.pipeline
import harness.verdicts.cached_verdicts  # noqa: F401 - see above
from harness.cli.conclude import conclude_journal
from harness.cli.measure import measure_prepared, prepare_in
from harness.store.journal.journal import SEGMENT_BYTES, SegmentJournal, open_journal

STEPS = ("write", "ftruncate", "fsync", "replace", "unlink")
EARLIER = 20
"""How many steps earlier a run is killed if one before it ended too soon."""

ROWS = 40
"""Rows after which a segment is sealed here: often."""


class Moments:
    """Counts the steps, and which of them are made while a segment is sealed.

    Ends the process at step number ``last``, if that is given: before the step, or after it.
    """

    def __init__(self, last: int = 0, *, after: bool = False) -> None:
        self.made, self.sealing = 0, list[int]()
        self._last, self._after, self._seals = last, after, False
        self._counting = Lock()

    def install(self) -> None:
        """Count from now on, in this process."""
        for name in STEPS:
            setattr(os, name, self._counted(getattr(os, name)))
        really_seal = SegmentJournal.seal

        def seal(journal: SegmentJournal) -> None:
            self._seals = True
            really_seal(journal)
            self._seals = False

        SegmentJournal.seal = seal  # type: ignore[method-assign]  # in a child alone

    def _counted(self, really: Callable[..., Any]) -> Callable[..., Any]:
        def step(*words: Any, **options: Any) -> Any:
            with self._counting:  # threads of a measurement write at the same time
                self.made += 1
                number = self.made
                if self._seals:
                    self.sealing.append(number)
            if number == self._last and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return really(*words, **options)
            finally:  # also where the step failed, as the removal of a file that is not there
                if number == self._last:
                    os.kill(os.getpid(), signal.SIGKILL)

        return step


def measure(campaign: Path, out: Path, moments: Moments | None = None) -> None:
    """Measure into ``out``, sealing often."""
    SegmentJournal.__init__.__kwdefaults__ = {"segment_rows": ROWS, "segment_bytes": SEGMENT_BYTES}
    if moments:
        moments.install()
    measure_prepared(prepare_in(campaign, out), out, Console(file=StringIO()))


def in_child(work: Callable[[], Any]) -> tuple[int, Any]:
    """Do ``work`` in a child; gives its signal or exit code, and what it gave, if it lived."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        code = 70
        try:
            with os.fdopen(writer, "w", encoding="utf-8") as file:
                file.write(json.dumps(work()))
            code = 0
        except Exception:  # noqa: BLE001 - the parent asserts that no child failed
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as file:
        told = file.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(told) if told else None


def held(out: Path) -> list[list[Any]]:
    """Every role and key of the journal under ``out``, and how often it is held; none without."""
    if not (out / "tried/journal/header.json").exists():
        return []
    journal = open_journal(out / "tried/journal")
    counted = Counter(f"{one.role} {one.key}" for one in journal.observations())
    return sorted(map(list, counted.items()))


def outcome(out: Path) -> dict[str, Any]:
    """What the journal under ``out`` holds, and every row of its assessment."""
    open_journal(out / "tried/journal").verify()
    assessment, _ = conclude_journal(out / "tried/journal")
    rows = [
        [one.id, one.conformity.value, one.metric.k, one.metric.n, one.metric.indeterminate]
        for one in assessment.outcomes
    ]
    return {"keys": held(out), "rows": rows, "observations": assessment.observations}


def undisturbed(campaign: Path, out: Path) -> dict[str, Any]:
    """What an undisturbed run gives, with its number of steps and those of sealing."""
    moments = Moments()
    measure(campaign, out, moments)
    return outcome(out) | {"steps": moments.made, "sealing": moments.sealing}


def killed(campaign: Path, out: Path, moment: int, *, after: bool) -> dict[str, Any]:
    """Kill one run at ``moment``, let it go on, and tell what came of it.

    A run may take fewer steps than the undisturbed one, and end before its moment: then another
    is killed earlier.
    """
    ended, _ = in_child(lambda: measure(campaign, out, Moments(moment, after=after)))
    if ended == 0 and moment > EARLIER:
        return killed(campaign, out.with_name(f"{out.name}-"), moment - EARLIER, after=after)
    _, left = in_child(lambda: held(out))
    resumed, _ = in_child(lambda: measure(campaign, out))
    _, told = in_child(lambda: outcome(out))
    return {"moment": moment, "killed": ended, "left": left, "resumed": resumed} | (told or {})


def chosen(made: int, sealing: list[int], count: int) -> list[int]:
    """Half of the moments while something is sealed, half at other times, evenly spread."""
    others = sorted({*range(1, made + 1)} - {*sealing})
    half = count // 2
    return [
        steps[(2 * number + 1) * len(steps) // (2 * half)]
        for steps in (sealing, others)
        for number in range(half)
    ]


def main(campaign: Path, folder: Path, count: int) -> None:
    """Write the undisturbed run, and then a line for each of ``count`` moments."""
    prepare_in(campaign, folder)  # imports all that a child needs
    _, whole = in_child(lambda: undisturbed(campaign, folder / "whole"))
    sys.stdout.write(json.dumps(whole) + "\n")
    for number, moment in enumerate(chosen(whole["steps"], whole["sealing"], count)):
        told = killed(campaign, folder / f"run-{number}", moment, after=bool(number % 2))
        told["while_sealing"] = moment in whole["sealing"]
        sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
