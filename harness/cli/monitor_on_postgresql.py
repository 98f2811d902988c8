"""Carry out due runs by workers on several machines, with procrastinate on the registry's database.

A due run is a job of the queue that the monitoring has for itself. A worker that is silent for too
long is removed, and its jobs go to others: a run is carried out at least once, and its command
returns at once if it is recorded already.

Planning is no periodic task of procrastinate: that would be a job in the same queue, which waits
while all workers carry out long runs, and is itself left behind by a killed worker. Each worker
plans once a minute instead; an advisory lock lets one at a time do it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NoReturn

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.job_context import JobContext
from procrastinate.jobs import Job as StoredJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker

from harness.cli.monitor_child import Child, stop_children
from harness.cli.monitor_jobs import DEFAULT_PACE, Command, Pace, Work, one_line_logs
from harness.cli.monitor_queue import Database, Queue, apply_schema, database_of
from harness.cli.printing import warn
from harness.ports.storage import Clock
from harness.untrusted.passwords import reason_without

TASK = "carry_out"
TICK = 0.1
"""Seconds between two looks whether to stop."""
BACKUP_CONNECTIONS = 3
"""Connections of a worker beyond one for each run: looking for jobs, and saying that it lives."""


class _TroubleError(Exception):
    """A run was not carried out."""


class _LostError(Exception):
    """This worker could not say in time that it lives: others may carry out its runs."""


class _Jobs(JobManager):
    """Sets ``failed`` if it cannot note how a job ended.

    That job would stay with a worker that lives, and keep its site locked for ever; so the worker
    ends, and begins again without it.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self.failed = asyncio.Event()

    async def finish_job(self, job: StoredJob, status: Status, delete_job: bool) -> None:
        """Note that a job has ended."""
        with self._noting():
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: StoredJob,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Note that a job is to be carried out again."""
        with self._noting():
            await super().retry_job(job, retry_at, priority, queue, lock)

    async def require_noted(self) -> None:
        """Wait for a failure; it is raised as _LostError."""
        await self.failed.wait()
        msg = "it could not be noted how a run ended"
        raise _LostError(msg)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except ProcrastinateException:
            self.failed.set()
            raise


class _AgainIfStopped(BaseRetryStrategy):
    """A run whose worker was stopped goes to another at once; after trouble, planning decides.

    It could not be retried later in place: a job that waits keeps its site locked.
    """

    def get_retry_decision(
        self, *, exception: BaseException, job: StoredJob
    ) -> RetryDecision | None:
        del job
        return RetryDecision() if isinstance(exception, asyncio.CancelledError) else None


def run_on_postgresql(
    url: str,
    work: Work,
    command: Command,
    clock: Clock,
    stop: threading.Event,
    *,
    monitoring: str,
    workers: int = 4,
    pace: Pace = DEFAULT_PACE,
) -> None:
    """Carry out due runs, at most ``workers`` at a time in this process, until ``stop`` is set.

    ``url`` is the registry's, such as ``postgresql://user@host/database``; ``monitoring`` tells
    apart what several monitoring files keep in one database. Then no run begins, those that are
    carried out are asked to stop and given back, and all have ended when this returns; the same if
    it is interrupted (KeyboardInterrupt). Trouble with a run, in planning or with the database is
    one line on standard error.

    Raises UsageError if there is no such database at the start, or its job tables are of another
    version.
    """
    database = database_of(url)
    apply_schema(database)
    driver = _Driver(database, Queue.of(monitoring), work, command, clock, workers, pace)
    with one_line_logs("procrastinate", "psycopg", least=logging.ERROR):
        try:
            asyncio.run(driver.run(stop))
        finally:
            driver.end()


class _Driver:
    """One worker, with the commands that it runs."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        work: Work,
        command: Command,
        clock: Clock,
        workers: int,
        pace: Pace,
    ) -> None:
        self._database, self._queue = database, queue
        self._work, self._command, self._clock = work, command, clock
        self._workers, self._pace = workers, pace
        self._threads = ThreadPoolExecutor(2 * workers)  # to wait for a child, and to stop it
        self._children: set[Child] = set()
        self._former: set[int] = set()  # workers of this process that have ended

    async def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set, beginning again after errors of the database."""
        asyncio.get_running_loop().set_exception_handler(_on_error)
        while not stop.is_set():
            try:
                await self._work_until(stop)
            except (ProcrastinateException, psycopg.Error, OSError, _LostError) as error:
                warn(f"monitor: {self._database.place}: {self._reason(error)}; trying again soon")
                with suppress(TimeoutError):
                    await asyncio.wait_for(_until(stop), self._pace.again)

    def end(self) -> None:
        """Kill what still runs (after a second interruption), and end the threads."""
        for child in [*self._children]:
            child.kill()
        self._threads.shutdown()

    async def _work_until(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set or something fails; no command runs when this returns."""
        app, jobs = self._app()
        async with app.open_async():
            for former in [*self._former]:  # what they left behind is given back
                await jobs.unregister_worker(former)
                self._former.discard(former)
            worker = Worker(
                app,
                queues=[self._queue.name],
                concurrency=self._workers,
                fetch_job_polling_interval=self._pace.poll,
                shutdown_graceful_timeout=0,  # commands are stopped by their tasks
                listen_notify=False,
                install_signal_handlers=False,
                update_heartbeat_interval=self._pace.beat,
                stalled_worker_timeout=self._pace.stalled,
            )
            working = worker.run()  # type: ignore[no-untyped-call]  # its result has no type
            try:
                await _first_ended(
                    working,
                    self._beat(app, worker),
                    self._plan(app),
                    jobs.require_noted(),
                    _until(stop),
                )
            finally:
                if worker.worker_id is not None:
                    self._former.add(worker.worker_id)

    def _app(self) -> tuple[App, _Jobs]:
        connector = PsycopgConnector(
            kwargs=self._database.arguments,
            min_size=1,
            max_size=self._workers + BACKUP_CONNECTIONS,
            timeout=self._pace.beat * 3,
        )
        app = App(connector=connector)
        app.job_manager = jobs = _Jobs(connector)
        app.task(name=TASK, queue=self._queue.name, pass_context=True, retry=_AgainIfStopped())(
            self._carry_out
        )
        return app, jobs

    async def _carry_out(self, context: JobContext, *, key: str) -> None:
        """Carry out one run by a child; a job of procrastinate."""
        del context
        loop = asyncio.get_running_loop()
        try:
            child = Child(self._command(key))
        except Exception as error:  # one run never ends the monitor
            warn(f"monitor: the run {key} failed: {type(error).__name__}: {error}")
            raise _TroubleError from error
        self._children.add(child)
        waiting = loop.run_in_executor(self._threads, child.wait)
        try:
            ended = await asyncio.shield(waiting)
        except asyncio.CancelledError:
            stopping = loop.run_in_executor(
                self._threads, stop_children, [child], self._pace.stop_limit
            )
            await asyncio.gather(stopping, waiting)
            raise
        finally:
            self._children.discard(child)
        if not ended.is_carried_out:
            warn(ended.trouble(key))
            raise _TroubleError

    async def _beat(self, app: App, worker: Worker) -> NoReturn:
        """Say again and again that the worker lives.

        Raises _LostError once others may have removed it. That procrastinate says so as well is not
        enough: its worker continues when that has failed.
        """
        loop = asyncio.get_running_loop()
        said = loop.time()
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(self._pace.beat):
                    is_there = worker.worker_id is None or await self._queue.beat(
                        app.connector, worker.worker_id
                    )
            except (ProcrastinateException, psycopg.Error, OSError):
                is_there = True
            else:
                said = began
            if not is_there or loop.time() - said > self._pace.lost:
                msg = "others did not hear from this worker for too long"
                raise _LostError(msg)
            await asyncio.sleep(self._pace.beat)

    async def _plan(self, app: App) -> NoReturn:
        """Ask for due runs again and again, make them jobs, and give back those of lost workers."""
        while True:
            try:
                due = await asyncio.to_thread(self._work.due, self._clock.now())
                await self._queue.plan(self._database, app.tasks[TASK], due, self._pace)
            except Exception as error:  # noqa: BLE001 - planned again soon, whatever it was
                warn(f"monitor: the due runs cannot be planned: {self._reason(error)}")
            await asyncio.sleep(self._pace.every)

    def _reason(self, error: Exception) -> str:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        return reason_without(self._database.url, cause)


def _on_error(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Say nothing of an error in noting how a job ended, which ``require_noted`` has raised."""
    if not isinstance(context.get("exception"), ProcrastinateException):
        loop.default_exception_handler(context)


async def _until(stop: threading.Event) -> None:
    while not stop.is_set():  # noqa: ASYNC110 - other threads and signal handlers set it
        await asyncio.sleep(TICK)


async def _first_ended(*works: Coroutine[None, None, None]) -> None:
    """Do several things until one ends, cancel the others, and wait for these; raise its error."""
    tasks = [asyncio.ensure_future(each) for each in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
