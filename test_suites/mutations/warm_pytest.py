"""Run tests in forks of a process that has imported pytest and its libraries already.

``python warm_pytest.py`` reads one line of JSON for each run: the arguments of pytest and the file
for its output. It answers with pytest's exit status on a line. Modules of the checkout are imported
only in the forks, so that each run sees them as they are on disk.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import traceback

LIBRARIES = (
    "pytest", "_pytest.assertion.rewrite", "_pytest.doctest", "_pytest.pytester", "ada_url",
    "aiohttp", "allure_pytest.plugin", "anyio.pytest_plugin", "cryptography.x509",
    "dns.asyncresolver", "doctest", "duckdb", "filelock", "h11", "httpx", "hypothesis",
    "hypothesis.strategies", "msgspec", "numpy", "pydantic", "pydantic.root_model", "pytest_asyncio",
    "pytest_cov.plugin", "pytest_timeout", "rich.console", "ruamel.yaml", "scipy.stats",
    "selectolax.lexbor", "sqlalchemy", "trio", "typer", "xdist.looponfail", "xdist.plugin",
)  # fmt: skip
"""What most tests import and no change breaks; one that is not installed is left out."""

QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Plugins that were imported before cannot be rewritten for better messages."""


def run(arguments: list[str], output: str) -> int:
    """Run pytest in a fork; return its exit status, or 128 plus the signal that ended it."""
    child = os.fork()
    if child == 0:
        _run_in_fork(arguments, output)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class Finish:
    """Keeps the exit status that the tests themselves gave.

    After them pytest raises the warnings about what was not closed; a failed test keeps its
    sockets in its traceback, and is a failed test all the same.
    """

    status = 0

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Keep the status (a hook of pytest)."""
        self.status = int(exitstatus)


def _run_in_fork(arguments: list[str], output: str) -> None:
    status, finish = 1, Finish()
    try:
        with open(output, "wb", buffering=0) as file, open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a process of its own
            os.dup2(nothing.fileno(), 0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        import pytest  # noqa: PLC0415 - imported above, or by the first run

        status = int(pytest.main([*arguments, *QUIET], plugins=[finish]))
    except BaseException:  # noqa: BLE001 - nothing may leave the fork
        traceback.print_exc()
        status = 1 if finish.status == 1 else 3
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Answer requests until standard input ends."""
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(f"{run(request['arguments'], request['output'])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.path[0] = os.getcwd()  # noqa: PTH109 - as for python -m
    main()
