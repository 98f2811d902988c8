"""Run the tests that matter most for a change, or as many as fit into a few minutes.

``python -m test_suites.tiers near`` runs those of what git says was changed, the nearest first, in
at most 90 s; ``quick`` those that guard most for their time, in at most three minutes. Both print
what they leave out. ``make test`` runs everything. What a file takes is in ``seconds.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from test_suites.seconds import KEPT

ROOT = Path(__file__).parents[1]
PRODUCT = ("harness", "corpora", "probes", "reports")
NEAR, QUICK = 90, 180
"""Seconds of the clock."""
BEGINNING = 15
"""Seconds until the first test: what is imported, and what several processes collect."""
SHARE = 0.5
"""Of the processors' time that tests get: the rest is imports, collection and the last long file."""
NOTHING = 5
"""The exit code if there is no test to run, which shows nothing; pytest has the same."""
UNKNOWN = 1.0
"""What a file costs that no run has noted."""
EVERYWHERE = ("test_suites/unit", "test_suites/recorded", "test_suites/house")
"""What ``quick`` chooses from."""
_IMPORT = re.compile(
    r"^\s*(?:from ([\w.]+) import (?:\(([^)]*)\)|([^\n]*))|import ([\w.]+))", re.MULTILINE
)


def changed_files() -> tuple[str, ...]:
    """What git says was changed: in the working tree, or else by the last commit."""
    changed = _git("diff", "--name-only", "HEAD") + _git(
        "ls-files", "--others", "--exclude-standard"
    )
    return changed or _git("diff", "--name-only", "HEAD~1", "HEAD")


def _git(*words: str) -> tuple[str, ...]:
    ended = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ended.stdout.split())


class Imports:
    """Which files of the product and its tests import which."""

    def __init__(self, root: Path = ROOT) -> None:
        names = (*PRODUCT, "test_suites", "conftest.py")
        paths = [path for name in names for path in _python(root / name)]
        self.files = {path.relative_to(root).as_posix() for path in paths}
        self.importers: defaultdict[str, set[str]] = defaultdict(set)
        for path in paths:
            own = path.relative_to(root).as_posix()
            for imported in self._imported(path.read_text(encoding="utf-8")):
                self.importers[imported].add(own)

    def _imported(self, text: str) -> Iterator[str]:
        for found in _IMPORT.finditer(text):
            module = (found[1] or found[4]).replace(".", "/")
            names = re.findall(r"\w+", found[2] or found[3] or "")
            for name in (module, *(f"{module}/{each}" for each in names)):
                for path in (f"{name}.py", f"{name}/__init__.py"):
                    if path in self.files:
                        yield path

    def tests_of(self, changed: Iterable[str]) -> dict[str, int]:
        """The files of tests that a change may turn red, with how far they are from it.

        0: changed themselves, or of the same name. Then those that import what was changed, and so
        on; each file of tests of the same room is at most 2 away.
        """
        distance = dict.fromkeys(changed, 0)
        front, far = set(distance), 0
        while front:
            far += 1
            front = {one for each in front for one in self.importers[each]} - distance.keys()
            distance |= dict.fromkeys(front, far)
        found = {
            path: far for path, far in distance.items() if is_test(path) and path in self.files
        }
        for path in changed:
            folder, _, name = path.rpartition("/")
            for test in filter(is_test, self.files):
                if test.rpartition("/")[0] == f"test_suites/unit/{folder}":
                    is_own = Path(test).stem.startswith(f"test_{name.removesuffix('.py')}")
                    found[test] = min(found.get(test, 2), 0 if is_own else 2)
        return found


def _python(path: Path) -> Iterable[Path]:
    return [path] if path.is_file() else path.rglob("*.py")


def is_test(path: str) -> bool:
    """Whether a file holds tests of the project."""
    name = path.rpartition("/")[2]
    return name.startswith("test_") and not path.startswith("test_suites/accreditation")


def fitting(
    wanted: Iterable[str], seconds: Mapping[str, float], budget: float
) -> tuple[list[str], list[str]]:
    """Of some files of tests, the most wanted first, those whose costs fit into ``budget``.

    Gives also those that are left out.
    """
    chosen: list[str] = []
    left_out: list[str] = []
    for path in wanted:
        cost = seconds.get(path, UNKNOWN)
        (chosen if cost <= budget else left_out).append(path)
        budget -= cost if cost <= budget else 0
    return chosen, left_out


def near(seconds: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """The files of tests for what was changed, and those that there is no time for."""
    far = Imports().tests_of(changed_files())
    wanted = sorted(far, key=lambda path: (far[path], seconds.get(path, UNKNOWN), path))
    return fitting(wanted, seconds, processor_seconds(NEAR))


def quick(seconds: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """The cheapest files of tests, and those that there is no time for."""
    every = [
        path.relative_to(ROOT).as_posix() for name in EVERYWHERE for path in _python(ROOT / name)
    ]
    wanted = sorted(filter(is_test, every), key=lambda path: (seconds.get(path, UNKNOWN), path))
    return fitting(wanted, seconds, processor_seconds(QUICK))


def processor_seconds(clock: float) -> float:
    """What the tests may cost together, to end in so many seconds of the clock."""
    return (clock - BEGINNING) * (os.cpu_count() or 1) * SHARE


def main() -> int:
    """Run the tests of a tier; the exit code is that of pytest."""
    parser = argparse.ArgumentParser(prog="python -m test_suites.tiers", description=__doc__)
    parser.add_argument("tier", choices=("near", "quick"))
    parser.add_argument("--list", action="store_true", help="print the files, run nothing")
    parser.add_argument("options", nargs="*", help="for pytest")
    given = parser.parse_args()
    seconds: dict[str, float] = json.loads(KEPT.read_text(encoding="utf-8"))
    chosen, left_out = near(seconds) if given.tier == "near" else quick(seconds)
    print(
        f"{len(chosen)} files of tests, {sum(seconds.get(each, UNKNOWN) for each in chosen):.0f} s of one processor"
    )
    if left_out:
        print(f"left out, for lack of time: {len(left_out)} files, such as {left_out[0]}")
    if given.list:
        print(*chosen, sep="\n")
    if given.list:
        return 0
    if not chosen:
        print("no test is known to be near what was changed; run: make test")
        return NOTHING
    workers = min(len(chosen), (os.cpu_count() or 1) + 1)
    several = (
        ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"] if workers > 1 else []
    )
    return subprocess.call(
        [sys.executable, "-m", "pytest", "-q", *several, *given.options, *chosen], cwd=ROOT
    )


if __name__ == "__main__":
    sys.exit(main())
