"""Exceptions with their exit codes, faults in documents, and libraries that are not installed.

Network failures are not exceptions: they are facts in an observation.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from harness.untrusted.passwords import without_passwords
from harness.untrusted.visible_text import visible


class HarnessError(Exception):
    """Base class of Accredit's errors; the command line prints it without a traceback.

    Each argument is one line of the message. Quoted text is escaped and passwords are removed when
    it is printed.
    """

    exit_code = 4
    is_stop = False
    """Whether a signal stopped the command; the exit code is then that of the signal."""

    def __str__(self) -> str:
        """The message, one line for each argument."""
        return "\n".join(visible(without_passwords(str(line))) for line in self.args)


class UsageError(HarnessError):
    """A wrong call, file or name; the message says what, where, and what is known."""

    exit_code = 2


class UnfinishedError(HarnessError):
    """The measurement is incomplete; the message says what to do next."""

    exit_code = 3


class StoppedError(HarnessError):
    """The command was stopped; the message says what is complete and how to resume."""

    is_stop = True


class InstrumentError(HarnessError):
    """Our equipment failed (a full disk, no descriptors); nothing follows for the service."""

    exit_code = 4


PATH_ERRORS = frozenset(
    {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
)
"""Errors of a path that a user gave: too long, circular, or a file where a folder must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault in a document: file, line, key, what was found and how to fix it."""

    where: str
    line: int | None
    key: str
    found: str
    known: str

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        key = f" {self.key}:" if self.key else ""
        remedy = f"; {self.known}" if self.known else ""
        return f"{place}:{key} {self.found}{remedy}"


class FaultyDocument(UsageError):
    """A faulty campaign, scheme or pack; one line for each fault."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__(*map(str, faults))


def known(names: Iterable[object]) -> str:
    """Return the phrase "known: a, b" for an error message."""
    listed = ", ".join(sorted(str(name) for name in names))
    return f"known: {listed}" if listed else "none is known"


def first_of(names: Sequence[str], most: int, noun: str = "") -> str:
    """The first ``most`` names, and how many more there are: ``a, b and 3 more groups``."""
    shown, left = ", ".join(names[:most]), len(names) - most
    return f"{shown} and {left} more {noun}".rstrip() if left > 0 else shown


EXTRAS = {
    "duckdb": "analysis", "pandas": "analysis", "matplotlib": "analysis", "openpyxl": "analysis",
    "aiosmtpd": "mail", "aiosmtplib": "mail", "dkim": "mail",
    "aioquic": "quic",
    "PIL": "uploads",
    "aiohttp": "alerts",
    "quickjs": "pac",
    "playwright": "browser", "axe_playwright_python": "browser",
    "psycopg": "postgresql", "procrastinate": "postgresql",
    "cronsim": "monitor", "apscheduler": "monitor",
    "icalendar": "notify", "apprise": "notify",
    "fastapi": "hub", "uvicorn": "hub", "argon2": "hub", "authlib": "hub", "joserfc": "hub",
    "prometheus_client": "hub", "pyotp": "hub", "python_multipart": "hub",
    "typst": "certificate", "segno": "certificate", "pikepdf": "certificate",
    "pytest": "pytest", "allure": "pytest",
    "uvloop": "fast",
}  # fmt: skip
"""The extra that installs each library which only some uses need, by its name in Python."""


def is_installed(library: str) -> bool:
    """Whether a library is installed; nothing is imported."""
    return find_spec(library) is not None


def lacking(library: str, extra: str = "") -> tuple[str, str] | None:
    """Return that a library is not installed, and how to install it; None if it is.

    ``extra`` is another one than that of ``EXTRAS``.
    """
    if is_installed(library):
        return None
    return f"it needs {library!r}", f"pip install 'isp-accredit[{extra or EXTRAS[library]}]'"


def require_library(library: str, what: str, extra: str = "") -> None:
    """Raise UsageError if a library of an extra is not installed; ``what`` needs it."""
    if (found := lacking(library, extra)) is not None:
        raise UsageError(f"{what} needs {library!r}: {found[1]}")
