"""What can go wrong, by whose fault: the user's, or the instrument's.

Network trouble is no exception: it is a fact in an observation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.untrusted.passwords import without_passwords
from harness.untrusted.visible_text import visible


class HarnessError(Exception):
    """The root of our own errors; the command line prints it without a traceback.

    Each argument is one line of the message. What it quotes from outside is shown escaped, so
    that no line, control or password in it gets out.
    """

    exit_code = 4
    is_stop = False
    """Whether somebody stopped the command: the exit code is then that of the signal."""

    def __str__(self) -> str:
        """The message, a line an argument."""
        return "\n".join(visible(without_passwords(str(line))) for line in self.args)


class UsageError(HarnessError):
    """A wrong call, file or name: says what, where, and what is known instead."""

    exit_code = 2


class UnfinishedError(HarnessError):
    """More must be measured before anything is concluded: says what to do next."""

    exit_code = 3


class StoppedError(HarnessError):
    """Somebody stopped the command: says what is whole and how to go on."""

    is_stop = True


class InstrumentError(HarnessError):
    """Our own equipment failed (a full disk, no descriptors): nothing is said of the service."""

    exit_code = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in a text that somebody wrote."""

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
    """A campaign, scheme or pack that is wrong: one line per fault, nothing half-read."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__(*map(str, faults))


def known(names: Iterable[object]) -> str:
    """The phrase "known: a, b" for an error message."""
    listed = ", ".join(sorted(str(name) for name in names))
    return f"known: {listed}" if listed else "none is known"
