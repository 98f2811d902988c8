"""The monitor's workers on a real PostgreSQL: no run is lost, and a site is never measured twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import LiteralString

import psycopg
import pytest

from harness.cli.monitor_jobs import Job, Pace
from harness.cli.monitor_on_postgresql import run_on_postgresql
from harness.cli.monitor_queue import Queue, apply_schema, database_of
from harness.errors import UsageError
from harness.ports.storage import WallClock
from harness.store.registry.opening import open_registry
from test_suites.kit.campaigns.fake_runs import PAST, PATIENCE, FakeRuns, jobs_of, wait_for
from test_suites.products.monitor_worker import MONITORING, QUICK
from test_suites.products.postgresql import PostgreSql

pytestmark = pytest.mark.product("initdb", "postgres")

CALM = replace(QUICK, every=0.1, stop_limit=60, lost=60, stalled=200)
"""No worker is lost, however slow this machine is."""
SITES, EACH, KILLS = 25, 20, 6


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


@pytest.fixture
def url(server: PostgreSql) -> str:
    """A database of this test's own."""
    return server.new_database()


@contextmanager
def driven(
    url: str, runs: FakeRuns, *, monitoring: str = MONITORING, workers: int = 4, pace: Pace = CALM
) -> Iterator[Callable[[], None]]:
    """A worker in a thread; gives what stops it and waits for its end."""
    stop = threading.Event()
    thread = threading.Thread(
        target=run_on_postgresql,
        args=(url, runs, runs.command, WallClock(), stop),
        kwargs={"monitoring": monitoring, "workers": workers, "pace": pace},
    )
    thread.start()

    def end() -> None:
        stop.set()
        thread.join(2 * PATIENCE)
        assert not thread.is_alive()

    try:
        yield end
    finally:
        end()


def rows(url: str, query: LiteralString, *values: object) -> list[tuple[object, ...]]:
    """What a statement gives, in the database behind the workers' backs."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def states(url: str) -> Counter[object]:
    """How many jobs are in each state."""
    return Counter(state for (state,) in rows(url, "SELECT status::text FROM procrastinate_jobs"))


def worker(
    url: str, folder: Path, sites: int = SITES, each: int = EACH, seconds: float = 0.05
) -> subprocess.Popen[bytes]:
    """A worker as a process of its own."""
    words = [url, str(folder), str(sites), str(each), str(seconds)]
    return subprocess.Popen([sys.executable, "-m", "test_suites.products.monitor_worker", *words])


@pytest.mark.timeout(1200)
def test_no_run_is_lost_and_no_site_doubled_when_workers_are_killed_at_random(
    url: str, tmp_path: Path
) -> None:
    runs, rng, jobs = FakeRuns(tmp_path), Random(1), jobs_of(SITES, EACH)
    moments = sorted(rng.sample(range(10, len(jobs) - 60), KILLS))
    workers = [worker(url, tmp_path) for _ in range(2)]
    try:
        for number, moment in enumerate(moments):
            wait_for(lambda least=moment: len(runs.count("end")) >= least, 10 * PATIENCE)  # type: ignore[misc]  # bound now
            workers[number % 2].kill()
            workers[number % 2].wait()
            workers[number % 2] = worker(url, tmp_path)
        wait_for(lambda: len(runs.count("end")) == len(jobs), 10 * PATIENCE)
        wait_for(lambda: not {"todo", "doing"} & {*states(url)}, 10 * PATIENCE)
    finally:
        for each in workers:
            each.terminate()
        codes = [each.wait(PATIENCE) for each in workers]

    begun = runs.count("begin")
    assert [0, 0] == codes
    assert {job.key for job in jobs} == {*begun} == {*runs.count("end")}
    assert not runs.count("overlap")
    assert len(jobs) <= begun.total() <= len(jobs) + KILLS * 8, "few runs are carried out again"


def test_kill_9_of_a_worker_in_a_run_lets_another_carry_it_out(url: str, tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=2, each=1))
    lost = worker(url, tmp_path, sites=2, each=1, seconds=1000)
    wait_for(lambda: len(runs.count("begin")) == 2)
    with driven(url, runs, pace=QUICK):
        lost.kill()
        lost.wait()
        wait_for(lambda: len(runs.count("end")) == 2)

    assert {"s0/0": 2, "s1/0": 2} == runs.count("begin")
    assert not runs.count("overlap") + runs.count("stopped")


def test_two_workers_carry_out_each_due_run_once(url: str, tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=5, each=8), seconds=0.01)

    with driven(url, runs), driven(url, runs):
        wait_for(lambda: len(runs.count("end")) == 40)
        runs.wait_asked(6)

    assert dict.fromkeys((job.key for job in runs.jobs), 1) == runs.count("begin")
    assert not runs.count("overlap")
    assert {"succeeded": 40} == states(url)


def test_no_run_begins_before_its_start(url: str, tmp_path: Path) -> None:
    start = datetime.now(UTC) + timedelta(seconds=1)
    runs = FakeRuns(tmp_path, [Job("a/1", "a", start)])

    with driven(url, runs):
        wait_for(lambda: bool(runs.count("end")))

    assert start.timestamp() <= runs.began("a/1")


def test_trouble_is_one_line_and_the_site_goes_on_until_it_is_tried_again(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = FakeRuns(tmp_path, [Job("a/1", "a", PAST), Job("a/2", "a", PAST)])
    runs.before["a/1"] = "sys.stderr.write('first\\nthe disk is full\\n'); os._exit(4)"

    with driven(url, runs):
        wait_for(lambda: runs.count("end")["a/2"] == 1)
        runs.wait_asked(5)
        assert 1 == runs.count("begin")["a/1"]
        said = capsys.readouterr().err
        runs.before.clear()
        rows(url, "UPDATE procrastinate_events SET at = at - interval '11 minutes'")
        wait_for(lambda: runs.count("end")["a/1"] == 1)

    line = "accredit: warning: monitor: the run a/1 ended with code 4: the disk is full\n"
    assert line == said


def test_a_stop_gives_back_what_runs_and_another_worker_carries_it_out(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=3, each=2), seconds=1000)
    with driven(url, runs):
        wait_for(lambda: len(runs.count("begin")) == 3)

    assert 3 == len(runs.count("stopped"))
    assert {"todo": 6} == states(url)
    assert [] == rows(url, "SELECT * FROM procrastinate_workers")
    runs.seconds = 0
    with driven(url, runs):
        wait_for(lambda: len(runs.count("end")) == 6)
    assert not runs.count("overlap")
    assert "" == capsys.readouterr().err


def test_a_worker_that_others_removed_stops_its_commands_and_begins_again(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after the machine was suspended for longer than the others wait."""
    runs = FakeRuns(tmp_path, jobs_of(sites=1, each=1), seconds=1000)

    with driven(url, runs, workers=1):  # it looks for no further job, and must notice itself
        wait_for(lambda: bool(runs.count("begin")))
        runs.seconds = 0
        rows(url, "DELETE FROM procrastinate_workers")
        wait_for(lambda: bool(runs.count("end")))

    assert runs.count("stopped")["s0/0"] == 1
    assert "others did not hear from this worker for too long" in capsys.readouterr().err


def test_workers_survive_the_loss_of_all_connections(url: str, tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=5, each=8), seconds=0.05)

    with driven(url, runs), driven(url, runs):
        for least in (5, 15, 25):
            wait_for(lambda least=least: len(runs.count("end")) >= least)  # type: ignore[misc]  # bound now
            rows(
                url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        wait_for(lambda: len(runs.count("end")) == 40)

    assert not runs.count("overlap")


def test_the_jobs_of_another_monitoring_are_not_touched(url: str, tmp_path: Path) -> None:
    apply_schema(database_of(url))
    other = Queue.of("spring").name
    rows(
        url,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status) VALUES"
        " (%s, 'carry_out', 's0', 's0/0', 'doing'), (%s, 'carry_out', NULL, 's0/1', 'todo'),"
        " (%s, 'carry_out', NULL, NULL, 'succeeded')",
        *[other] * 3,
    )
    rows(url, "UPDATE procrastinate_events SET at = at - interval '40 days'")
    before = rows(url, "SELECT * FROM procrastinate_jobs ORDER BY id")
    runs = FakeRuns(tmp_path, jobs_of(sites=1, each=3))

    with driven(url, runs):
        wait_for(lambda: len(runs.count("end")) == 3)
        runs.wait_asked(3)

    after = rows(url, "SELECT * FROM procrastinate_jobs WHERE queue_name = %s ORDER BY id", other)
    assert before == after


def test_finished_jobs_are_deleted_after_thirty_days(url: str, tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=1, each=2))
    with driven(url, runs):
        wait_for(lambda: len(runs.count("end")) == 2)
        wait_for(lambda: states(url)["succeeded"] == 2)
        change: LiteralString = (
            "UPDATE procrastinate_events SET at = at - %s::interval WHERE job_id ="
            " (SELECT min(id) FROM procrastinate_jobs)"
        )
        rows(url, change, "29 days")
        runs.wait_asked(3)
        assert {"succeeded": 2} == states(url)
        rows(url, change, "2 days")
        wait_for(lambda: states(url)["succeeded"] == 1)


def test_workers_that_begin_at_once_make_the_tables_once_beside_a_registry(url: str) -> None:
    open_registry(url, create=True).close()
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(apply_schema, [database_of(url)] * 6))

    assert [(0,)] == rows(url, "SELECT count(*) FROM procrastinate_jobs")
    open_registry(url).close()


def test_tables_of_another_version_are_refused(url: str) -> None:
    apply_schema(database_of(url))
    rows(url, "ALTER FUNCTION procrastinate_fetch_job_v2 RENAME TO procrastinate_fetch_job_v1")

    with pytest.raises(UsageError, match=r"of another version \(no procrastinate_fetch_job_v2\)"):
        apply_schema(database_of(url))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_urls_of_a_registry_are_read(url: str, scheme: str) -> None:
    apply_schema(database_of(url.replace("postgresql", scheme, 1) + "?application_name=a%20b"))


@pytest.mark.parametrize("url", ["registry.sqlite", "sqlite:///a", "mysql://host/database"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(UsageError, match="several machines need a registry in PostgreSQL"):
        database_of(url)


def test_a_wrong_password_is_not_shown(server: PostgreSql) -> None:
    wrong = server.new_database().replace(server.password, "wrong-secret")

    with pytest.raises(UsageError, match="authentication failed") as caught:
        apply_schema(database_of(wrong))
    assert "wrong-secret" not in str(caught.value)
