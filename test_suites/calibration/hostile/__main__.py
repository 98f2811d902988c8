"""Measure hostile suppliers and print the outcomes: ``python -m test_suites.calibration.hostile``.

``--write`` writes the reference table anew instead.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from harness.model.outcome import Conformity
from test_suites.calibration.hostile.comparison import (
    faults_of,
    faults_of_good,
    wrongly_conforming,
)
from test_suites.calibration.hostile.everyone import all_suppliers
from test_suites.calibration.hostile.good import GOOD
from test_suites.calibration.hostile.runner import PROCESSES, THREADS, Run, run_all
from test_suites.calibration.hostile.short_run import WAITING
from test_suites.calibration.hostile.sizes import SIZES, SMALL
from test_suites.calibration.hostile.table import TABLE, table


def main() -> int:
    """Run the command; gives 1 if any supplier was judged otherwise than it should be."""
    chosen = _arguments()
    if chosen.write:
        TABLE.write_text(table(), encoding="utf-8")
        return 0
    suppliers = all_suppliers()
    size = SIZES[chosen.size]
    named = chosen.supplier or sorted(suppliers, key=lambda each: each not in WAITING)
    unknown = [each for each in named if each not in suppliers]
    if unknown:
        sys.stderr.write(f"no supplier {', '.join(unknown)}\n")
        return 2
    good = [GOOD[wiring].id for wiring in {suppliers[each].wiring: None for each in named}]
    runs = run_all([*good, *named], size, processes=chosen.processes, threads=chosen.threads)
    counts: Counter[str] = Counter()
    for each in good:
        _tell(each, "conforms", runs[each], faults_of_good(runs[each]))
    for each in named:
        supplier, run = suppliers[each], runs[each]
        faults = faults_of(supplier, run, runs[GOOD[supplier.wiring].id])
        counts[_sort(run, faults, wrongly_conforming(supplier, run))] += 1
        _tell(each, supplier.answer, run, faults)
    sys.stdout.write("\n" + "".join(f"{number:4} {sort}\n" for sort, number in counts.items()))
    return int(set(counts) - {RIGHT} != set())


RIGHT = "judged as they should be"


def _sort(run: Run, faults: tuple[str, ...], wrong: tuple[str, ...]) -> str:
    if run.crash:
        return "crashed"
    if run.conformity is Conformity.CONFORMS:
        return "conform as a whole"
    if wrong:
        return "conform in a requirement that they break"
    return "judged otherwise than they should be, without a wrong pass" if faults else RIGHT


def _tell(name: str, wanted: str, run: Run, faults: tuple[str, ...]) -> None:
    mark = "     " if not faults else "WRONG"
    sys.stdout.write(
        f"{mark} {name:40} {run.conformity:18} expected {wanted:18} {run.seconds:5.1f} s\n"
    )
    for fault in faults:
        sys.stdout.write(f"        {fault[:200]}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m test_suites.calibration.hostile")
    parser.add_argument("supplier", nargs="*", help="ids; default: all of the size")
    parser.add_argument("--size", choices=sorted(SIZES), default=SMALL.name)
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument(
        "--write", action="store_true", help="write the reference table, run nothing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
