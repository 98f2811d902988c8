"""A copy of the checkout in which files may be broken and tests run."""

from __future__ import annotations

import compileall
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from harness.errors import UsageError
from test_suites.kit.processes.warm_start import COLD

PATIENCE = 600.0
"""Seconds after which one run of pytest is given up; single tests have a limit of their own."""

WARM = Path(__file__).with_name("warm_pytest.py")

GREEN, RED, GIVEN_UP = 0, 1, -1
"""What pytest's exit status says (0 passed, 1 failed), and that it was given up."""


class CheckoutCopy:
    """A copy of a checkout, with the means to run its tests from the copy alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        self._environment = (
            {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
            | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
            | COLD
        )
        self._warm: subprocess.Popen[str] | None = None

    @classmethod
    def copy_of(cls, checkout: Path, target: Path) -> CheckoutCopy:
        """Copy what git tracks, and new files that it does not ignore, as they are on disk.

        Raises UsageError if ``checkout`` is no checkout of git.
        """
        for name in _files_of(checkout):
            source = checkout / name
            if source.is_file():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / name)
        # By hash: a file that is changed and restored within a second is never taken for compiled.
        mode = PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(target, quiet=2, force=True, invalidation_mode=mode)
        return cls(target)

    def require_own(self, packages: Iterable[str]) -> None:
        """Raise UsageError if a package would be imported from anywhere but this copy."""
        for package in packages:
            ask = f"import {package}; print(*{package}.__path__)"
            told = self._run(["-c", ask])
            where = told.stdout.strip()
            if told.returncode or not Path(where).is_relative_to(self.root):
                msg = (
                    f"{package} is imported from {where or told.stderr.strip()}, not from the copy"
                )
                raise UsageError(msg)

    def test(self, *nodes: str) -> tuple[int, str]:
        """Run tests by their names: pytest's exit status, or GIVEN_UP, and what it said."""
        quietly = ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"]
        output = self.root.with_name(f"{self.root.name}.output")
        status = self._ask({"arguments": [*quietly, *nodes], "output": str(output)})
        if status == GIVEN_UP:
            return GIVEN_UP, f"no end after {PATIENCE:g} s"
        return status, output.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End the process that runs the tests, and what a test that was given up left running."""
        if self._warm is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._warm.pid, signal.SIGKILL)
            self._warm.communicate()
            self._warm = None

    def _ask(self, request: dict[str, Any]) -> int:
        """Have one request answered; GIVEN_UP after PATIENCE."""
        warm = self._warm or self._started()
        assert warm.stdin is not None
        assert warm.stdout is not None
        warm.stdin.write(json.dumps(request) + "\n")
        warm.stdin.flush()
        readable, _, _ = select.select([warm.stdout], [], [], PATIENCE)
        if not readable:
            self.close()
            return GIVEN_UP
        return int(warm.stdout.readline())

    def _started(self) -> subprocess.Popen[str]:
        self._warm = subprocess.Popen(
            [sys.executable, str(WARM)],
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self._warm

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


def _files_of(checkout: Path) -> list[str]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, cwd=checkout, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"{checkout}: its files cannot be listed with git: {error}") from error
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
