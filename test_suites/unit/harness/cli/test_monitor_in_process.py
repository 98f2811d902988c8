"""The monitor in one process: each due run once, one at a time at a site, whatever fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.monitor_in_process import run_in_process
from harness.cli.monitor_jobs import Job, Pace
from harness.errors import UsageError
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.fake_runs import PAST, PATIENCE, FakeRuns, jobs_of, wait_for

OFTEN = Pace(every=0.05, stop_limit=PATIENCE)


class LaterClock(WallClock):
    """The machine's clock; ``later`` seconds are added to durations."""

    later = 0.0

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return super().monotonic() + self.later


@contextmanager
def driven(
    runs: FakeRuns, *, workers: int = 4, pace: Pace = OFTEN, clock: WallClock | None = None
) -> Iterator[Callable[[], None]]:
    """Drive the runs in a thread; gives what stops it and waits for its end."""
    stop = threading.Event()
    thread = threading.Thread(
        target=run_in_process,
        args=(runs, runs.command, clock or WallClock(), stop),
        kwargs={"workers": workers, "pace": pace},
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


def test_each_due_run_is_carried_out_once_and_one_at_a_time_at_a_site(tmp_path: Path) -> None:
    jobs = jobs_of(sites=5, each=6)
    runs = FakeRuns(tmp_path, jobs, seconds=0.02)

    with driven(runs):
        wait_for(lambda: len(runs.count("end")) == len(jobs))
        runs.wait_asked(3)

    assert dict.fromkeys((job.key for job in jobs), 1) == runs.count("begin")
    assert not runs.count("overlap")


def test_a_run_that_is_given_again_and_again_is_carried_out_once(tmp_path: Path) -> None:
    """Until it is tried again, ``retry_after`` the end of its last attempt."""
    clock = LaterClock()

    class Forgetful(FakeRuns):
        def due(self, now: datetime) -> Sequence[Job]:
            super().due(now)
            return self.jobs

    runs = Forgetful(tmp_path, [Job("a/1", "a", PAST)])
    with driven(runs, clock=clock):
        wait_for(lambda: runs.count("end")["a/1"] == 1)
        runs.wait_asked(5)
        assert 1 == runs.count("begin")["a/1"]
        clock.later = 2 * OFTEN.retry_after
        wait_for(lambda: runs.count("end")["a/1"] == 2)


def test_no_run_begins_before_its_start(tmp_path: Path) -> None:
    start = datetime.now(UTC) + timedelta(seconds=0.7)
    runs = FakeRuns(tmp_path, [Job("a/1", "a", start)])

    with driven(runs):
        wait_for(lambda: bool(runs.count("end")))

    assert start.timestamp() <= runs.began("a/1")


def test_runs_that_wait_for_a_site_hold_no_thread(tmp_path: Path) -> None:
    jobs = [*jobs_of(sites=1, each=8), *(Job(f"other/{n}", "other", PAST) for n in range(8))]
    runs = FakeRuns(tmp_path, jobs)
    runs.before["s0/0"] = "while not os.path.exists(folder + '/go'): time.sleep(0.02)"

    with driven(runs, workers=2):
        wait_for(lambda: len(runs.count("end")) == 8)
        assert {"s0/0"} == {*runs.count("begin")} - {*runs.count("end")}
        (tmp_path / "go").touch()
        wait_for(lambda: len(runs.count("end")) == 16)

    assert not runs.count("overlap")


def test_asking_that_takes_longer_than_its_interval_is_no_trouble(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    skipped = Skipped()
    scheduler = logging.getLogger("apscheduler.scheduler")

    class Slow(FakeRuns):
        def due(self, now: datetime) -> Sequence[Job]:
            assert skipped.seen.wait(60)
            return super().due(now)

    runs = Slow(tmp_path, [Job("a/1", "a", PAST)])
    scheduler.addHandler(skipped)
    try:
        with driven(runs):
            wait_for(lambda: runs.count("end")["a/1"] == 1)
    finally:
        scheduler.removeHandler(skipped)
    assert "" == capsys.readouterr().err


class Skipped(logging.Handler):
    """Sees that the scheduler left out a repetition of a job."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "maximum number of running instances" in record.getMessage():
            self.seen.set()


def test_trouble_is_one_line_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = [Job(f"{site}/1", site, PAST) for site in "abcd"]
    runs = FakeRuns(tmp_path, jobs)
    runs.before["a/1"] = "sys.exit('no\\ncampaign')"
    runs.before["b/1"] = "sys.stderr.write('first\\nthe disk is full\\n'); sys.exit(4)"
    runs.before["c/1"] = "os.kill(os.getpid(), 11)"

    with driven(runs):
        wait_for(lambda: runs.count("end")["d/1"] == 1)
        wait_for(lambda: len(runs.count("begin")) == 4)
        runs.wait_asked(5)

    said = sorted(capsys.readouterr().err.splitlines())
    assert [
        "accredit: warning: monitor: the run a/1 ended with code 1: campaign",
        "accredit: warning: monitor: the run b/1 ended with code 4: the disk is full",
        "accredit: warning: monitor: the run c/1 ended with code 139",
    ] == said
    assert {"a/1": 1, "b/1": 1, "c/1": 1, "d/1": 1} == runs.count("begin")


def test_a_command_that_cannot_be_made_and_a_planner_that_fails_end_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(FakeRuns):
        def due(self, now: datetime) -> Sequence[Job]:
            if not super().due(now) or self.asked % 2:
                msg = "the registry is away"
                raise RuntimeError(msg)
            return self.jobs

        def command(self, key: str) -> list[str]:
            if key == "a/1":
                raise KeyError(key)
            return super().command(key)

    said = ""

    def has_failed() -> bool:
        nonlocal said
        said += capsys.readouterr().err
        return "a/1 failed" in said

    runs = Failing(tmp_path, [Job("a/1", "a", PAST), Job("a/2", "a", PAST)])
    with driven(runs):
        wait_for(lambda: has_failed() and runs.count("end")["a/2"] == 1)

    assert "monitor: the due runs cannot be found: RuntimeError: the registry is away" in said
    assert "monitor: the run a/1 failed: KeyError: 'a/1'\n" in said


def test_a_stop_ends_what_runs_in_an_orderly_way_and_begins_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=4, each=5), seconds=1000)

    with driven(runs, workers=3) as end:
        wait_for(lambda: len(runs.count("begin")) == 3)
        end()

        assert 3 == len(runs.count("stopped")) == len(runs.count("begin"))
        assert not runs.count("end")
    assert "" == capsys.readouterr().err


def test_a_command_that_does_not_stop_is_killed_after_the_limit(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=1, each=1), seconds=1000)
    runs.before["s0/0"] = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); note('on')"

    with driven(runs, pace=Pace(every=0.05, stop_limit=0.2)):
        wait_for(lambda: bool(runs.count("on")))

    assert not runs.count("stopped") + runs.count("end")


def test_a_driver_begun_again_carries_out_what_the_stop_left(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, jobs_of(sites=2, each=2), seconds=1000)
    with driven(runs):
        wait_for(lambda: len(runs.count("begin")) == 2)
    runs.seconds = 0

    with driven(runs):
        wait_for(lambda: len(runs.count("end")) == 4)

    assert not runs.count("overlap")


def test_times_in_which_two_workers_would_carry_out_one_run_are_refused() -> None:
    with pytest.raises(UsageError, match="give a shorter limit for stopping"):
        Pace(stop_limit=400)
