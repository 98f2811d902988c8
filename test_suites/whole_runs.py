"""Runs of the largest tests: ``python -m test_suites.whole_runs NAME ...`` runs and notes them.

Each is an environment of tox. What came of its last run stands in ``whole_runs.json``, with commit
and date, and from there in ``docs/reference/whole-runs.md``.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
KEPT = Path(__file__).with_name("whole_runs.json")
ENVIRONMENTS = ("mutations", "mutants", "sequences", "hostile", "tampering", "laboratory")
"""What takes too long for each change."""


class WholeRun(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run: whether it passed, how long it took, and of which commit."""

    passed: bool
    minutes: float
    commit: str
    on: str
    says: str = ""


def last_runs() -> dict[str, WholeRun]:
    """The last run of each environment that was ever run."""
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, WholeRun])


def run(name: str) -> WholeRun:
    """Run an environment of tox, showing what it prints."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=8", "HEAD"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    begun, says = time.monotonic(), ""
    with subprocess.Popen(
        [sys.executable, "-m", "tox", "run", "-e", name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            says = line.strip(" =\n") if " passed" in line or " red" in line else says
    return WholeRun(
        passed=process.returncode == 0,
        minutes=round((time.monotonic() - begun) / 60, 1),
        commit=commit,
        on=f"{datetime.now(UTC):%Y-%m-%d}",
        says=says,
    )


def whole_runs_page() -> str:
    """``docs/reference/whole-runs.md``."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "tox.ini")
    lines = [
        "# Tests at full size\n",
        "`make test`, `make hostile` and `make check` guard each change. What takes hours is an environment of tox, run by",
        "`python -m test_suites.whole_runs NAME`, which notes here what came of it.\n",
        "| environment | what it does | last result | minutes | commit | date |",
        "|---|---|---|---|---|---|",
    ]
    runs = last_runs()
    for name in ENVIRONMENTS:
        does = config[f"testenv:{name}"]["description"].replace("|", "\\|")
        one = runs.get(name)
        found = "not run yet | | | " if one is None else _found(one)
        lines.append(f"| `{name}` | {does} | {found} |")
    return "\n".join(lines) + "\n"


def _found(one: WholeRun) -> str:
    result = ("passed" if one.passed else "**failed**") + (f": {one.says}" if one.says else "")
    return f"{result} | {one.minutes:g} | {one.commit} | {one.on}"


def main() -> int:
    """Run what is named; gives 1 if anything failed, 2 for an unknown name."""
    if unknown := set(sys.argv[1:]) - set(ENVIRONMENTS):
        sys.stderr.write(f"no environment {', '.join(sorted(unknown))}\n")
        return 2
    runs = last_runs()
    for name in sys.argv[1:]:
        runs[name] = run(name)
        text = json.dumps(msgspec.to_builtins(runs), indent=1, sort_keys=True) + "\n"
        KEPT.write_text(text, encoding="utf-8")
    return int(not all(runs[name].passed for name in sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
