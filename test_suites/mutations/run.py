"""Breaks the code as ``mutations.toml`` says, and looks whether the named tests turn red.

``python -m test_suites.mutations.run [--only SECTION|NUMBER]... [--part K/M] [--jobs N] [--tests-pass]``
works in a copy of the checkout. A test is red if pytest ran it and it failed; a test that could not be collected,
or a run without any test, shows nothing. Exit status: 0 if every change turned each of its tests
red, 1 if one did not, 2 if an entry cannot be used (its text is gone, or its test fails anyway).
"""

from __future__ import annotations

import argparse
import queue
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from harness.errors import HarnessError, UsageError
from test_suites.mutations.checkout import GREEN, RED, CheckoutCopy
from test_suites.mutations.entry import FILE, Entry, read_entries

ROOT = Path(__file__).resolve().parents[2]


class Ending(StrEnum):
    """What became of one change."""

    RED = "red"
    SURVIVED = "survived"
    NO_RESULT = "no result"
    STALE = "stale"


EXIT_STATUS = {Ending.RED: 0, Ending.SURVIVED: 1, Ending.NO_RESULT: 1, Ending.STALE: 2}
NUMBERED = tuple[int, Entry]


@dataclass(frozen=True, slots=True)
class Tried:
    """One change and its ending, with the reason where it is not the wanted one."""

    number: int
    entry: Entry
    ending: Ending
    reason: str = ""

    def __str__(self) -> str:
        entry = self.entry
        where = f"{self.ending:<9} {self.number:>3} {entry.section:<12} {entry.file}: {entry.why}"
        return f"{where}\n    {self.reason}" if self.reason else where


def try_entry(copy: CheckoutCopy, number: int, entry: Entry) -> Tried:
    """Break the copy as the entry says, run each of its tests, and restore the file."""
    path = copy.root / entry.file
    try:
        whole = path.read_bytes()
        broken = entry.broken(whole.decode())
    except OSError as error:
        return Tried(number, entry, Ending.STALE, f"{entry.file}: {error.strerror}")
    except UsageError as error:
        return Tried(number, entry, Ending.STALE, str(error))
    path.write_bytes(broken.encode())
    try:
        for test in entry.test:
            status, said = copy.test(test)
            if status == GREEN:
                return Tried(number, entry, Ending.SURVIVED, f"still green: {test}")
            if status != RED:
                reason = f"pytest ended with {status}, which is no failed test: {_last(said)}"
                return Tried(number, entry, Ending.NO_RESULT, reason)
    finally:
        path.write_bytes(whole)
    return Tried(number, entry, Ending.RED)


def tests_not_green(copy: CheckoutCopy, entries: Iterable[Entry]) -> dict[str, str]:
    """The tests that do not pass in the unbroken copy, with what pytest said last."""
    tests = list(dict.fromkeys(test for entry in entries for test in entry.test))
    if copy.test(*tests)[0] == GREEN:
        return {}
    results = {test: copy.test(test) for test in tests}
    return {test: _last(said) for test, (status, said) in results.items() if status != GREEN}


def packages_of(entries: Iterable[Entry]) -> list[str]:
    """The top packages in which the entries change a module."""
    paths = [Path(entry.file) for entry in entries if entry.file.endswith(".py")]
    return sorted({path.parts[0] for path in paths if len(path.parts) > 1})


def run(
    entries: Sequence[NUMBERED], checkout: Path = ROOT, jobs: int = 1, *, tests_pass: bool = False
) -> list[Tried]:
    """Try entries in up to ``jobs`` copies at once, telling of each as it comes.

    The tests are first run without any change, unless it is known that they pass.

    Raises UsageError if the copies would not be the code that is run.
    """
    with TemporaryDirectory(prefix="mutations-") as folder, ExitStack() as ended:
        folders = [Path(folder).resolve() / str(number) for number in range(jobs)]
        copies = [CheckoutCopy.copy_of(checkout, each) for each in folders]
        for copy in copies:
            ended.callback(copy.close)
        free: queue.SimpleQueue[CheckoutCopy] = queue.SimpleQueue()
        for copy in copies:
            copy.require_own(packages_of(entry for _, entry in entries))
            free.put(copy)
        failing: dict[str, str] = {}
        if not tests_pass:
            failing = tests_not_green(copies[0], (entry for _, entry in entries))

        def one(numbered: NUMBERED) -> Tried:
            number, entry = numbered
            for test in entry.test:
                if test in failing:
                    reason = f"not green in the unbroken code: {test}: {failing[test]}"
                    return Tried(number, entry, Ending.STALE, reason)
            copy = free.get()
            try:
                return try_entry(copy, number, entry)
            finally:
                free.put(copy)

        tried = []
        with ThreadPoolExecutor(jobs) as pool:
            for each in pool.map(one, entries):
                say(str(each))
                tried.append(each)
        return tried


def chosen(entries: Sequence[Entry], only: Sequence[str]) -> list[NUMBERED]:
    """The entries that are named by number or section, numbered from 1; all if none is."""
    numbered = list(enumerate(entries, 1))
    known = {str(number) for number, _ in numbered} | {entry.section for entry in entries}
    for name in only:
        if name not in known:
            sections = ", ".join(sorted({entry.section for entry in entries}))
            raise UsageError(f"--only {name}: known: 1 to {len(numbered)}, {sections}")
    return [each for each in numbered if not only or {str(each[0]), each[1].section} & {*only}]


def part_of(entries: Sequence[NUMBERED], part: str) -> list[NUMBERED]:
    """Every M-th entry, beginning with the K-th, for ``K/M``. Raises UsageError."""
    first, separator, every = part.partition("/")
    is_number = first.isdecimal() and every.isdecimal() and bool(separator)
    if not is_number or not 1 <= int(first) <= int(every):
        raise UsageError(f"--part {part}: write K/M, such as 1/3")
    return [each for at, each in enumerate(entries) if at % int(every) == int(first) - 1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m test_suites.mutations.run")
    parser.add_argument("--only", action="append", default=[], help="a section or a number")
    parser.add_argument("--part", default="1/1", help="K/M: every M-th entry, from the K-th on")
    parser.add_argument("--jobs", type=int, default=1, help="copies that are worked in at once")
    parser.add_argument("--file", type=Path, default=FILE, help="the entries")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="the code that is broken")
    parser.add_argument(
        "--tests-pass", action="store_true", help="all tests are known to pass without a change"
    )
    given = parser.parse_args(arguments)
    began = perf_counter()
    try:
        entries = part_of(chosen(read_entries(given.file), given.only), given.part)
        checkout = given.checkout.resolve()
        tried = run(entries, checkout, max(1, given.jobs), tests_pass=given.tests_pass)
    except HarnessError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    counts = Counter(each.ending for each in tried)
    told = ", ".join(f"{counts[ending]} {ending}" for ending in Ending)
    say(f"{len(tried)} changes: {told}; {perf_counter() - began:.0f} s")
    return max((EXIT_STATUS[each.ending] for each in tried), default=0)


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
