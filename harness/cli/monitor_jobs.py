"""What the drivers of the monitor share: due runs, the planner they ask, and their times."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from harness.cli.printing import warn
from harness.errors import UsageError


class Job(NamedTuple):
    """One due run.

    ``key`` is the unique text of the run: the same due time has the same key in every process.
    Runs of one ``site`` are never carried out at the same time. ``start`` is aware UTC; the run
    does not begin before it.
    """

    key: str
    site: str
    start: datetime


class Work(Protocol):
    """The planner, which knows what is due and what is recorded."""

    def due(self, now: datetime) -> Sequence[Job]:
        """Return the runs that are not recorded and have come, or come in the next two minutes.

        It also records missed runs. It is cheap, and several processes may ask at once. A run is
        given until it is recorded, or missed.
        """


Command = Callable[[str], Sequence[str]]
"""Gives the command line that carries out the run of a key, and returns at once if it is recorded.

Its exit code 0 means that the run is carried out and recorded, all others that there was trouble.
SIGINT stops it in an orderly way; it resumes what a killed process left.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The times of a driver, in seconds.

    It asks for due runs ``every`` so often, and begins a key again ``retry_after`` the end of its
    last attempt at the earliest. A command that is asked to stop is killed after ``stop_limit``.

    The others are for PostgreSQL alone. A worker looks for jobs every ``poll`` and says every
    ``beat`` that it lives. One that could not say so for ``lost`` stops its commands; the others
    carry out again what a worker left that was silent for ``stalled``, which is longer than
    ``lost`` and ``stop_limit`` together. After an error of the database it waits for ``again``.
    """

    every: float = 60.0
    retry_after: float = 600.0
    stop_limit: float = 60.0
    poll: float = 5.0
    beat: float = 10.0
    lost: float = 120.0
    stalled: float = 300.0
    again: float = 10.0

    def __post_init__(self) -> None:
        """Raise UsageError if a command could still run when others begin its key again."""
        if self.stalled <= self.lost + self.beat + self.stop_limit:
            msg = (
                f"runs of a lost worker would begin again after {self.stalled:g} s, while it may "
                f"need {self.lost + self.beat + self.stop_limit:g} s to stop its own; "
                "give a shorter limit for stopping"
            )
            raise UsageError(msg)


DEFAULT_PACE = Pace()


STILL_ASKING = 'Execution of job "%s" skipped: maximum number of running instances'
"""How APScheduler begins to say that a repeated job still runs; only asking is repeated."""


class _OneLine(logging.Handler):
    """Prints what a library logs as one line on standard error; tracebacks are left out.

    That a job failed is not printed: the driver says so with its reason. Nor is that asking for due
    runs took longer than the time to the next one, as where the hub does not answer.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Print the first line of the message."""
        is_slow_asking = str(record.msg).startswith(STILL_ASKING)
        if getattr(record, "action", "") != "job_error" and not is_slow_asking:
            warn(f"monitor: {record.getMessage().partition(chr(10))[0]}")


@contextmanager
def one_line_logs(*names: str, least: int = logging.WARNING) -> Iterator[None]:
    """Print what the named loggers say, from a level on, as lines while the context lasts."""
    handler = _OneLine(least)
    loggers = [logging.getLogger(name) for name in names]
    before = [each.propagate for each in loggers]
    for each in loggers:
        each.addHandler(handler)
        each.propagate = False
    try:
        yield
    finally:
        for each, propagate in zip(loggers, before, strict=True):
            each.removeHandler(handler)
            each.propagate = propagate
