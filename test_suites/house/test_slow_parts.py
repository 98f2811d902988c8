"""CI runs slow tests by parts: together they are all of them, and quick tests are in each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("test_suites/browser", "test_suites/processes", "test_suites/house")


def collected(part: str) -> set[str]:
    """The files of which tests are left in a part."""
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "-p",
            "no:cacheprovider",
            *FOLDERS,
        ],
        cwd=ROOT,
        env={**os.environ, "SLOW_PART": part},
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.partition("::")[0] for line in ended.stdout.splitlines() if "::" in line}


def test_the_parts_of_slow_tests_are_all_of_them() -> None:
    whole, one, other = map(collected, ("1/1", "1/2", "2/2"))
    quick = {file for file in whole if file.startswith("test_suites/house")}

    assert one | other == whole
    assert one & other == quick
    assert abs(len(one) - len(other)) <= len(whole - quick) / 3
