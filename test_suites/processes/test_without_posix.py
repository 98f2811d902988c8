"""Without POSIX, all packages import, and commands that need POSIX say so in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def without_posix(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "test_suites.processes.without_posix", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_imports(tmp_path: Path) -> None:
    ended = without_posix("import everything", cwd=tmp_path)

    assert (0, "") == (ended.returncode, ended.stderr)
    assert int(ended.stdout) > 150


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["list"],
        ["init", "site"],
        ["scheme", "list"],
        ["scheme", "check", "becta-2008"],
        ["corpus", "info", "canary"],
    ],
    ids=" ".join,
)
def test_commands_that_need_no_posix_work(words: list[str], tmp_path: Path) -> None:
    ended = without_posix(*words, cwd=tmp_path)

    assert (0, "") == (ended.returncode, ended.stderr)
    assert ended.stdout


def test_commands_that_need_posix_say_so(tmp_path: Path) -> None:
    ended = without_posix("range", "up", "--detach", cwd=tmp_path)

    assert 2 == ended.returncode
    assert "accredit: range up --detach needs a POSIX system" in ended.stderr
    assert "Traceback" not in ended.stderr
