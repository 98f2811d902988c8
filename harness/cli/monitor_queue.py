"""The jobs of one monitoring in the database: procrastinate's tables, and what planning changes.

Planning is one transaction under an advisory lock, so that it is done by one worker at a time: a
job is never given back by two. If a worker is suspended in it, the server ends it after a minute.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import psycopg
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from procrastinate.sql import queries
from procrastinate.tasks import Task
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from harness.cli.monitor_jobs import Job, Pace
from harness.errors import UsageError
from harness.untrusted.passwords import database_place, reason_without

KEPT_DAYS = 30
"""How long finished jobs are kept in the tables."""
PATIENCE: Mapping[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""So that a lost network is noticed within a minute (PostgreSQL 17, section 32.1.2)."""
SCHEMA_LOCK = 0x4143_4352_4A4F_4253
"""The advisory lock under which the tables are made."""

_DIGEST_LETTERS = 24
_FUNCTIONS = re.compile(r"\b(procrastinate_\w+_v\d+)\(")

_PRUNE = "SELECT procrastinate_prune_stalled_workers_v1(%s)"
# The jobs of a worker that was pruned have none: ON DELETE SET NULL.
_GIVE_BACK = """
WITH left_behind AS (
    SELECT id FROM procrastinate_jobs
    WHERE status = 'doing' AND queue_name = %s AND worker_id IS NULL FOR UPDATE SKIP LOCKED
)
SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL) FROM left_behind
"""
_TAKEN = """
SELECT queueing_lock FROM procrastinate_jobs AS job
WHERE queue_name = %(queue)s AND queueing_lock = ANY(%(locks)s) AND (
    status IN ('todo', 'doing') OR EXISTS (
        SELECT FROM procrastinate_events AS event
        WHERE event.job_id = job.id AND event.type <> 'scheduled'
            AND event.at > now() - make_interval(secs => %(seconds)s)
    )
)
"""
_DELETE_OLD = """
DELETE FROM procrastinate_jobs AS job
WHERE queue_name = %(queue)s AND status::text = ANY(%(ended)s) AND NOT EXISTS (
    SELECT FROM procrastinate_events AS event
    WHERE event.job_id = job.id AND event.at > now() - make_interval(days => %(days)s)
)
"""
_BEAT = "UPDATE procrastinate_workers SET last_heartbeat = now() WHERE id = %(id)s RETURNING id"
_ENDED = [
    each.value for each in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.ABORTED)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A PostgreSQL database: its URL, what of it may be shown, and psycopg's arguments for it."""

    url: str
    place: str
    arguments: Mapping[str, str | int]


def database_of(url: str) -> Database:
    """Return the database of a registry's URL, as ``open_registry`` reads it.

    Raises UsageError if it is not of PostgreSQL.
    """
    place = database_place(url)
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
        msg = f"{place}: several machines need a registry in PostgreSQL: postgresql://HOST/DATABASE"
        raise UsageError(msg)
    try:
        parsed = make_url(f"postgresql+psycopg://{rest}")
        words, arguments = parsed.get_dialect()().create_connect_args(parsed)
    except (ArgumentError, ValueError) as error:
        msg = f"{place}: not a registry: {reason_without(url, error)}"
        raise UsageError(msg) from None
    assert not words
    return Database(url=url, place=place, arguments={**PATIENCE, **arguments})


def apply_schema(database: Database) -> None:
    """Make procrastinate's tables if there are none; several processes may do so at once.

    Raises UsageError if the database cannot be used, or its tables are of another version.
    """
    needed = {name for query in queries.values() for name in _FUNCTIONS.findall(query)}
    try:
        with psycopg.connect(**database.arguments) as connection:  # type: ignore[arg-type]  # libpq's
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
            found = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
            if found is None or found[0] is None:
                connection.execute(SchemaManager.get_schema())
            rows = connection.execute(
                "SELECT proname FROM pg_proc WHERE proname = ANY(%s)", [[*needed]]
            )
            present = {name for (name,) in rows}
    except psycopg.Error as error:
        msg = f"{database.place}: no jobs can be kept here: {reason_without(database.url, error)}"
        raise UsageError(msg) from None
    if needed - present:
        msg = (
            f"{database.place}: the tables of procrastinate are of another version (no "
            f"{min(needed - present)}); migrate them as its documentation says"
        )
        raise UsageError(msg)


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of one monitoring; jobs of others are not touched."""

    name: str

    @classmethod
    def of(cls, monitoring: str) -> Self:
        """Return the queue of a monitoring's name.

        It is short: a channel of PostgreSQL, which contains it, has at most 63 bytes.
        """
        return cls(f"monitor-{hashlib.sha256(monitoring.encode()).hexdigest()[:_DIGEST_LETTERS]}")

    async def beat(self, connector: BaseConnector, worker: int) -> bool:
        """Note that a worker lives; whether the database still knows it."""
        return bool(await connector.execute_query_all_async(_BEAT, id=worker))

    async def plan(
        self, database: Database, task: Task[..., object, ...], due: Sequence[Job], pace: Pace
    ) -> None:
        """Make due runs jobs, give back those of lost workers, and delete old ones.

        It does nothing while another worker plans.
        """
        async with await psycopg.AsyncConnection.connect(**database.arguments) as connection:  # type: ignore[arg-type]  # libpq's
            await connection.execute("SET idle_in_transaction_session_timeout = '60s'")
            await connection.execute("SET statement_timeout = '60s'")
            cursor = await connection.execute(
                "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [self.name]
            )
            if await cursor.fetchone() != (True,):
                return
            await connection.execute(_PRUNE, [pace.stalled])
            await connection.execute(_GIVE_BACK, [self.name])
            await self._defer(connection, task, due, pace)
            await connection.execute(
                _DELETE_OLD, {"queue": self.name, "ended": _ENDED, "days": KEPT_DAYS}
            )

    async def _defer(
        self,
        connection: psycopg.AsyncConnection,
        task: Task[..., object, ...],
        due: Sequence[Job],
        pace: Pace,
    ) -> None:
        """Make jobs of the runs that have none and were not tried lately."""
        jobs = {self._lock(job.key): job for job in due}
        cursor = await connection.execute(
            _TAKEN, {"queue": self.name, "locks": [*jobs], "seconds": pace.retry_after}
        )
        for (lock,) in await cursor.fetchall():
            jobs.pop(lock, None)
        for lock, job in jobs.items():
            deferrer = task.configure(
                lock=self._lock(job.site),
                queueing_lock=lock,
                schedule_at=job.start,
                connection=connection,
            )
            await deferrer.defer_async(key=job.key)

    def _lock(self, text: str) -> str:
        """A text of this monitoring alone; procrastinate's locks hold in all queues."""
        return f"{self.name}/{text}"
