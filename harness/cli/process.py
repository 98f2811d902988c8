"""The command as a process: its standard streams, its signals and its exit codes.

Exit codes: 0 conforms, 1 does not conform, 2 wrong use, 3 insufficient, 4 instrument trouble or
an unexpected error, and 128 plus the number of the signal that stopped it. Python's own exit code
for an unexpected error is 1, which would read as "does not conform"; so nothing may leave here
unexplained.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from harness.cli.crash_log import write_crash_log
from harness.cli.standard_streams import complain, flush_output, guarded_streams
from harness.cli.stop_signals import StopSignals
from harness.errors import HarnessError

WRONG_USE, TROUBLE = 2, 4

NOT_OURS = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
    errno.EMFILE, errno.ENFILE, errno.ENOMEM,
})  # fmt: skip
"""What the system refuses, and says why: no space, no permission, no descriptors."""

EXTRAS = {
    "scipy": "assess",
    "sqlalchemy": "assess",
    "psycopg": "postgresql",
    "jinja2": "report",
    "matplotlib": "report",
    "pandas": "report",
    "pytest": "pytest",
    "allure": "pytest",
}
"""Which extra brings a library that a verb misses."""


def run() -> None:
    """Run the command line of this process, and end it with the exit code that is due."""
    sys.exit(exit_code_of(_commands))


def exit_code_of(command: Callable[[], int]) -> int:
    """Run ``command``, which gives an exit code or raises; gives the exit code that is due.

    What it raises becomes a message on standard error: one line for each fault.
    """
    with guarded_streams(), StopSignals() as stops:
        try:
            code = command()
            flush_output()
        except KeyboardInterrupt:
            complain(f"stopped by {stops.name}")
            code = stops.exit_code
        except BaseException as error:  # noqa: BLE001 - whatever it is, it must not exit with 1
            code = _explained(_alone(error), stops)
        return code


def _commands() -> int:
    from harness.cli.main import invoke  # noqa: PLC0415 - a failing import is explained as well

    return invoke(sys.argv[1:])


def _explained(error: BaseException, stops: StopSignals) -> int:
    """Say what went wrong; gives the exit code."""
    if isinstance(error, HarnessError):
        complain(str(error))
        return stops.exit_code if error.is_stop else error.exit_code
    if isinstance(error, ModuleNotFoundError):
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is not None:
            complain(f"this verb needs {error.name!r}: pip install 'isp-accredit[{extra}]'")
            return WRONG_USE
    if isinstance(error, OSError) and error.errno in NOT_OURS:
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}; free what is missing and run it again")
        return TROUBLE
    complain(_unexpected(error))
    return TROUBLE


def _unexpected(error: BaseException) -> str:
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    log = write_crash_log(error)
    details = f"details: {log}" if log else "no folder takes the details"
    return f"unexpected error, a fault of accredit and not of the service: {said}; {details}"


def _alone(error: BaseException) -> BaseException:
    """The one error in a group of one, else the error itself."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    run()
