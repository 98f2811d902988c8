"""Runs mutmut over the code that decides, and fails if too few mutants were killed.

``python -m test_suites.mutations.run_mutants [--only PATTERN]... [--share N] [--children N]`` works
in a copy of the checkout. What is changed, and the tests that are run, stand in ``[tool.mutmut]`` of
pyproject.toml. One mutant in six is tried, chosen by its SHA-256, so that two processors need less
than an hour; ``--share 1 --minutes 300`` tries all. Not tried are changes to sentences alone; not
counted are those that ``equivalent.toml`` lists with a reason. Exit status: 0 if at least 90 % of
the others were killed, 1 if fewer were or some were not tried in time, 2 if an entry of the list
cannot be used.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from harness.errors import HarnessError, UsageError
from test_suites.mutations.checkout import CheckoutCopy
from test_suites.mutations.equivalent import EQUIVALENTS, Equivalent, read_equivalents, unusable
from test_suites.mutations.exposed import exposed
from test_suites.mutations.mutants import KILLED, Mutant, Result, read_mutants, skip
from test_suites.mutations.run import ROOT, say

WANTED_SHARE = 0.9
"""The share of mutants that must be killed."""

GENERATE = """
from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
copy_src_dir()
copy_also_copy_files()
create_mutants(1)
"""
"""What ``mutmut run`` does before it starts a test; its command line cannot do it alone."""


def make(checkout: Path, original: Path) -> list[Mutant]:
    """Make all mutants of a copy of the checkout, without trying one."""
    patterns = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["mutmut"]
    for path in checkout.rglob("*.py"):
        file = path.relative_to(checkout).as_posix()
        if any(fnmatch(file, pattern) for pattern in patterns["only_mutate"]):
            path.write_text(exposed(path.read_text()))
    made = subprocess.run(
        [sys.executable, "-c", GENERATE],
        cwd=checkout,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise UsageError(f"mutmut made no mutants: {made.stderr.strip()[-2000:]}")
    return read_mutants(checkout, original)


def run_tests(checkout: Path, children: int, seconds: float) -> bool:
    """Try each mutant that is not skipped; returns whether there was time for all."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    with subprocess.Popen(
        command, cwd=checkout, env=_environment(), stdin=subprocess.DEVNULL
    ) as running:
        try:
            status = running.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)  # mutmut ends its children, and keeps the results
            running.wait()
            return False
    if status:
        raise UsageError(f"mutmut ended with {status}; what it printed says why")
    return True


def chosen(mutants: Sequence[Mutant], only: Sequence[str], share: int) -> list[Mutant]:
    """The mutants to try: in files that match a pattern, if any is given, one in ``share``."""
    return [
        one
        for one in mutants
        if not one.is_sentence and one.is_in_share(share)
        if not only or any(fnmatch(one.file, pattern) for pattern in only)
    ]


def report(tried: Sequence[Mutant], equivalents: Sequence[Equivalent]) -> tuple[list[str], int]:
    """What became of the mutants that were tried, in lines, and the exit status."""
    counted = [one for one in tried if not any(each.fits(one) for each in equivalents)]
    counts = Counter(one.result for one in counted)
    killed = sum(counts[result] for result in KILLED)
    lines = [str(one) for one in counted if one.result not in KILLED]
    wrong = [one for one in tried if one.result in KILLED and one not in counted]
    lines += [f"listed as equivalent, but a test failed:\n{one}" for one in wrong]
    for file in sorted({one.file for one in counted}):
        here = [one for one in counted if one.file == file]
        lines.append(f"{file}: {sum(one.result in KILLED for one in here)} of {len(here)} killed")
    told = ", ".join(f"{counts[result]} {result}" for result in Result if counts[result])
    share = killed / len(counted) if counted else 0.0
    equal = len(tried) - len(counted)
    lines.append(f"{len(counted)} mutants ({told}) and {equal} equivalent: {share:.1%} killed")
    if wrong:
        return lines, 2
    return lines, int(share < WANTED_SHARE or counts[Result.NOT_TRIED] > 0)


def run(given: argparse.Namespace, folder: Path) -> int:
    """Work in a copy of the checkout in this folder; returns the exit status."""
    began = perf_counter()
    equivalents = read_equivalents(given.equivalents)
    original = given.checkout.resolve()
    CheckoutCopy.copy_of(original, folder)
    made = make(folder, original)
    if stale := unusable(equivalents, made):
        raise UsageError("\n".join(f"no mutant fits {one}" for one in stale))
    wanted = {one.name for one in chosen(made, given.only, given.share)}
    if not wanted:
        raise UsageError(f"no mutant of {len(made)} is chosen by --only and --share")
    skip(folder, {one.name for one in made} - wanted)
    sentences = sum(one.is_sentence for one in made)
    say(f"{len(made)} mutants; {sentences} of sentences; {len(wanted)} are tried")
    in_time = run_tests(folder, given.children, given.minutes * 60 - (perf_counter() - began))
    tried = [one for one in read_mutants(folder, original) if one.name in wanted]
    lines, status = report(tried, equivalents)
    say("\n".join(lines))
    say(f"{(perf_counter() - began) / 60:.0f} min" + ("" if in_time else ", which was all"))
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m test_suites.mutations.run_mutants")
    parser.add_argument("--only", action="append", default=[], help="files, such as */rules/*")
    parser.add_argument("--share", type=int, default=6, help="try one in so many, the same always")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="tried at once")
    parser.add_argument("--minutes", type=float, default=60, help="after which it stops")
    parser.add_argument("--folder", type=Path, help="work in this folder, and leave it there")
    parser.add_argument("--equivalents", type=Path, default=EQUIVALENTS, help="the list of them")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the code that is changed")
    given = parser.parse_args(arguments)
    try:
        if given.folder is not None:
            return run(given, given.folder.resolve())
        with TemporaryDirectory(prefix="mutants-") as folder:
            return run(given, Path(folder).resolve())
    except HarnessError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


def _environment() -> dict[str, str]:
    """The environment without what would reach pytest or mutmut from outside."""
    outside = ("PYTEST_", "MUTANT_", "MUTMUT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
    return kept | {"MUTANT_UNDER_TEST": "mutant_generation"}


if __name__ == "__main__":
    sys.exit(main())
