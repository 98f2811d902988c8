"""Carry out due runs in one process, with APScheduler and its job store in memory.

What is due is asked again at each start, so nothing is kept but in the registry. A second process
on the same registry would carry out each run as well: several machines use
``harness.cli.monitor_on_postgresql``.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from harness.cli.monitor_child import Child, stop_children
from harness.cli.monitor_jobs import DEFAULT_PACE, Command, Job, Pace, Work, one_line_logs
from harness.cli.printing import warn
from harness.ports.storage import Clock

ASKING, RUNS = "asking", "runs"
"""The threads that ask for due runs, and those that wait for their commands."""


def run_in_process(
    work: Work,
    command: Command,
    clock: Clock,
    stop: threading.Event,
    *,
    workers: int = 4,
    pace: Pace = DEFAULT_PACE,
) -> None:
    """Carry out due runs, at most ``workers`` at a time, until ``stop`` is set.

    Then no run begins, those that are carried out are asked to stop, and all have ended when this
    returns; the same if it is interrupted (KeyboardInterrupt). Trouble with a run, or in asking, is
    one line on standard error.
    """
    with one_line_logs("apscheduler"):
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={ASKING: ThreadPoolExecutor(1), RUNS: ThreadPoolExecutor(workers)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        driver = _Driver(work, command, clock, pace, scheduler)
        scheduler.add_job(
            driver.ask,
            IntervalTrigger(seconds=pace.every, timezone=UTC),
            next_run_time=datetime.now(UTC),
            executor=ASKING,
        )
        try:
            scheduler.start()
            stop.wait()
        finally:
            try:
                driver.stop()
            finally:
                scheduler.shutdown()


class _Driver:
    """Which keys are taken, which sites are busy, and the commands that run."""

    def __init__(
        self,
        work: Work,
        command: Command,
        clock: Clock,
        pace: Pace,
        scheduler: BackgroundScheduler,
    ) -> None:
        self._work, self._command, self._clock, self._pace = work, command, clock, pace
        self._scheduler = scheduler
        self._changing = threading.Lock()
        self._is_stopping = False
        self._taken: set[str] = set()
        self._tried: dict[str, float] = {}  # when the last attempt of a key ended, monotonic
        self._busy: set[str] = set()
        self._waiting: defaultdict[str, deque[Job]] = defaultdict(deque)
        self._children: set[Child] = set()

    def ask(self) -> None:
        """Ask for due runs, and schedule those that are new."""
        try:
            now = self._clock.now()
            due = self._work.due(now)
        except Exception as error:  # noqa: BLE001 - asked again soon, whatever it was
            warn(f"monitor: the due runs cannot be found: {type(error).__name__}: {error}")
            return
        with self._changing:
            self._forget_old_attempts()
            new = {job.key: job for job in due if job.key not in self._taken | {*self._tried}}
            for job in new.values():
                self._schedule(job, max(timedelta(0), job.start - now))
            self._taken |= {*new}

    def stop(self) -> None:
        """Let no run begin, and stop those that are carried out."""
        with self._changing:
            self._is_stopping = True
            children = [*self._children]
        stop_children(children, self._pace.stop_limit)

    def _forget_old_attempts(self) -> None:
        oldest = self._clock.monotonic() - self._pace.retry_after
        self._tried = {key: ended for key, ended in self._tried.items() if ended > oldest}

    def _schedule(self, job: Job, after: timedelta) -> None:
        """Let a run begin later, unless this is stopping; called with ``_changing`` held.

        While the scheduler ends it waits for its threads, and holds what adding a job waits for.
        """
        if self._is_stopping:
            return
        self._scheduler.add_job(
            self._take_turn,
            DateTrigger(datetime.now(UTC) + after, timezone=UTC),
            args=[job],
            executor=RUNS,
        )

    def _take_turn(self, job: Job) -> None:
        """Carry out a run, or leave it to the run that is at its site, so that no thread waits."""
        with self._changing:
            if self._is_stopping:
                return
            if job.site in self._busy:
                self._waiting[job.site].append(job)
                return
            self._busy.add(job.site)
        try:
            self._carry_out(job)
        except Exception as error:  # noqa: BLE001 - one run never ends the monitor
            warn(f"monitor: the run {job.key} failed: {type(error).__name__}: {error}")
        finally:
            self._leave(job)

    def _carry_out(self, job: Job) -> None:
        words = self._command(job.key)
        with self._changing:
            if self._is_stopping:
                return
            child = Child(words)
            self._children.add(child)
        try:
            ended = child.wait()
        finally:
            with self._changing:
                self._children.discard(child)
                is_stopped = self._is_stopping
        if not ended.is_carried_out and not is_stopped:
            warn(ended.trouble(job.key))

    def _leave(self, job: Job) -> None:
        """Note the attempt, and let the next run of the site begin."""
        with self._changing:
            self._taken.discard(job.key)
            self._tried[job.key] = self._clock.monotonic()
            self._busy.discard(job.site)
            waiting = self._waiting.pop(job.site, deque())
            if waiting and not self._is_stopping:
                self._schedule(waiting.popleft(), timedelta(0))
                if waiting:
                    self._waiting[job.site] = waiting
