"""Warn whoever uses a scheme whose review is overdue; a warning, never a failure."""

from __future__ import annotations

from harness.cli.printing import say
from harness.model.scheme import Scheme
from harness.ports.storage import Clock, WallClock


def load_and_warn(name_or_path: str, clock: Clock | None = None) -> Scheme:
    """Load a scheme; if its review is overdue, say so in one line on standard error.

    Raises UsageError, FaultyDocument.
    """
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light

    scheme = load_scheme(name_or_path)
    warn_if_overdue(scheme, clock)
    return scheme


def warn_if_overdue(scheme: Scheme, clock: Clock | None = None) -> None:
    """One line on standard error if a scheme's review is overdue."""
    for sentence in scheme.warnings((clock or WallClock()).now().date()):
        warn(sentence)


def warn(sentence: str) -> None:
    """One line on standard error."""
    say(f"accredit: warning: {sentence}", to_stderr=True)
