"""Where the time of the tests goes: processor and other seconds of each test, and of each file.

``RECORD_SECONDS=FOLDER make test`` notes each test; ``python -m test_suites.seconds FOLDER`` prints
what was noted, by folder, file and test, and ``--keep`` writes ``seconds.json`` from it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

KEPT = Path(__file__).parent / "seconds.json"
"""What each file costs (``Spent.cost``), from a whole run."""
AT_ONCE = 2
"""Tests beside each other on one processor in such a run, so that a busy one takes twice its time."""
SHOWN = 40


class Spent(NamedTuple):
    """Seconds of the processor, with those of child processes that ended, and of the clock."""

    processor: float = 0.0
    clock: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.processor + other.processor, self.clock + other.clock)

    @property
    def cost(self) -> float:
        """The processor's seconds, or more where it waits, as for processes that others await."""
        return round(max(self.processor, self.clock / AT_ONCE), 1)


def _now() -> Spent:
    return Spent(sum(os.times()[:4]), time.monotonic())


class Recorder:
    """A plug-in that notes what each test took, with its fixtures, in a file of this process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{os.getpid()}.jsonl"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Note one test."""
        before = _now()
        result = yield
        after = _now()
        took = [round(now - then, 4) for now, then in zip(after, before, strict=True)]
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([item.nodeid, *took]) + "\n")
        return result


def noted(folder: Path) -> dict[str, Spent]:
    """What each test took, by its id."""
    found: dict[str, Spent] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, processor, clock = json.loads(line)
            found[name] = Spent(processor, clock)
    return found


def by_file(tests: Mapping[str, Spent]) -> dict[str, Spent]:
    """What the tests of each file took together."""
    return _grouped((name.partition("::")[0], spent) for name, spent in tests.items())


def by_folder(files: Mapping[str, Spent]) -> dict[str, Spent]:
    """What the files of each folder took together."""
    return _grouped((name.rpartition("/")[0], spent) for name, spent in files.items())


def _grouped(pairs: Iterable[tuple[str, Spent]]) -> dict[str, Spent]:
    found: defaultdict[str, Spent] = defaultdict(Spent)
    for name, spent in pairs:
        found[name] = found[name].plus(spent)
    return dict(sorted(found.items(), key=lambda each: -each[1].processor))


def _print(title: str, table: Mapping[str, Spent]) -> None:
    print(f"\n{title}: {len(table)}")
    for name, spent in list(table.items())[:SHOWN]:
        print(f"{spent.processor:9.1f} {spent.clock:9.1f}  {name}")


def main() -> None:
    """Print what a run took, dearest first; keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--keep", action="store_true", help="write seconds.json")
    given = parser.parse_args()
    tests = noted(given.folder)
    files = by_file(tests)
    whole = Spent()
    for spent in files.values():
        whole = whole.plus(spent)
    print(f"{len(tests)} tests: {whole.processor:.0f} s of processor, {whole.clock:.0f} s of clock")
    _print("folders", by_folder(files))
    _print("files", files)
    _print("tests", _grouped(tests.items()))
    if given.keep:
        seconds = {name: spent.cost for name, spent in sorted(files.items())}
        KEPT.write_text(json.dumps(seconds, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
