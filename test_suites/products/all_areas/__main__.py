"""Run the campaigns of all areas over real products, and print what came of each requirement.

``python -m test_suites.products.all_areas --twice`` runs all products, each two times. It exits
with 1 if a verdict contradicts a log, or if the two campaigns of a product differ in an outcome.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from test_suites.kit.processes.product import namespace
from test_suites.kit.rooms import ROOT
from test_suites.products.all_areas.pages import FULL, SMALLEST
from test_suites.products.all_areas.results import Result, differing, measure, read, written
from test_suites.products.all_areas.suppliers import PRODUCTS

MARKS = {"conforms": "C", "does-not-conform": "N", "insufficient": "-"}


def run_inside(product: str, *, smallest: bool = False) -> Result:
    """Run one campaign as a process, in namespaces of its own if the product needs them."""
    words = [sys.executable, "-m", "test_suites.products.all_areas", "--inside", product]
    words += ["--smallest"] if smallest else []
    if options := PRODUCTS[product].namespace:
        rootless = f"-r{options[0].removeprefix('-')}"
        words = [*namespace(["unshare", *options], ["unshare", rootless, "--map-auto"]), *words]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{product}: {ended.stderr[-4000:]}"
    return read(ended.stdout.splitlines()[-1])


def table(results: dict[str, list[Result]]) -> Iterable[str]:
    """The outcome of each requirement over each product: the first campaign, then the second."""
    names = sorted({name for each in results.values() for one in each for name in one.outcomes})
    yield f"{'requirement':16}" + "".join(f"{product[:18]:>20}" for product in results)
    for name in names:
        cells = (
            "/".join(MARKS.get(one.outcomes.get(name, ""), "?") for one in each)
            for each in results.values()
        )
        yield f"{name:16}" + "".join(f"{cell:>20}" for cell in cells)


def summary(product: str, results: list[Result]) -> Iterable[str]:
    """What the verdicts of a product rest on, and what contradicts a log."""
    for number, one in enumerate(results, 1):
        yield f"{product}, campaign {number}: {len(one.contradicted)} contradictions"
        yield f"  agreed: {one.agreed}"
        yield f"  undecided: {one.undecided}"
        yield from (f"  CONTRADICTED {each}" for each in one.contradicted)
    if len(results) > 1:
        yield f"  outcomes that differ: {differing(*results[:2]) or 'none'}"


def main() -> int:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("products", nargs="*", default=[*PRODUCTS], help="default: all")
    parser.add_argument("--twice", action="store_true", help="run each campaign two times")
    parser.add_argument("--smallest", action="store_true", help="use the smallest packs")
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = SMALLEST if given.smallest else FULL
    if given.inside:
        with tempfile.TemporaryDirectory(prefix="accredit-areas-") as folder:
            Path(folder).chmod(0o755)
            print(written(measure(given.inside, Path(folder), sizes)))  # noqa: T201 - to its parent
        return 0
    results: dict[str, list[Result]] = {}
    for product in given.products:
        for _ in range(1 + given.twice):
            results.setdefault(product, []).append(run_inside(product, smallest=given.smallest))
        print("\n".join(summary(product, results[product])), flush=True)  # noqa: T201 - a program
    print("\n".join(table(results)))  # noqa: T201 - a program
    has_failed = any(
        one.contradicted or differing(each[0], one) for each in results.values() for one in each
    )
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
