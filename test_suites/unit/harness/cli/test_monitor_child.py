"""A due run is a child process: whatever becomes of it, the monitor learns of it and continues."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from harness.cli.monitor_child import TAIL_BYTES, Child, Ended, stop_children
from test_suites.kit.campaigns.fake_runs import PATIENCE, FakeRuns, wait_for

STUBBORN = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
note("ignores")
time.sleep(1000)
"""
WITH_CHILD = """
import subprocess
subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(1000)"], pass_fds=[held])
"""
MONITOR = """
import sys
from pathlib import Path
from harness.cli.monitor_child import Child
from test_suites.kit.campaigns.fake_runs import FakeRuns
runs = FakeRuns(Path(sys.argv[1]), seconds=1000)
runs.before["a/1"] = sys.argv[2]
Child(runs.command("a/1")).wait()
"""


def python(code: str) -> Ended:
    return Child([sys.executable, "-I", "-c", code]).wait()


def started(words: Sequence[str]) -> tuple[Child, Future[Ended]]:
    """A command that has just been started, and how it will end."""
    child, ending = Child(words), Future[Ended]()
    threading.Thread(target=lambda: ending.set_result(child.wait())).start()
    return child, ending


def begun(runs: FakeRuns, noted: str = "begin") -> tuple[Child, Future[Ended]]:
    """The run of ``a/1``, which has noted this word, and how it will end."""
    child, ending = started(runs.command("a/1"))
    wait_for(lambda: bool(runs.count(noted)))
    return child, ending


def is_free(folder: Path) -> bool:
    """Whether neither the run of ``a/1`` nor what it started lives; they hold the site's lock."""
    with (folder / "lock-a").open("r+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_the_exit_code_and_the_last_line_of_standard_error_are_told() -> None:
    code = "import sys; print('out'); print('one', file=sys.stderr); sys.exit('two\\n\\n')"

    assert Ended(1, "two") == python(code)
    assert not python(code).is_carried_out
    assert python("pass").is_carried_out


def test_a_crash_is_trouble_with_the_signal_in_its_code() -> None:
    ended = python("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    assert Ended(128 + signal.SIGSEGV, "") == ended
    assert not ended.is_carried_out
    assert "monitor: the run a/1 ended with code 139" == ended.trouble("a/1")


def test_a_command_that_cannot_start_is_trouble_and_not_a_nonconformity() -> None:
    ended = Child(["/nonexistent/accredit"]).wait()

    assert not ended.is_carried_out
    assert "cannot start /nonexistent/accredit" in ended.said


def test_much_standard_error_neither_blocks_nor_is_kept() -> None:
    ended = python("import sys; sys.stderr.write('x' * 3_000_000 + '\\nlast\\n'); sys.exit(9)")

    assert Ended(9, "last") == ended
    assert TAIL_BYTES >= len(python("import sys; sys.stderr.write('x' * 3_000_000)").said)


def test_a_stop_reaches_the_command_once_and_is_awaited(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path, seconds=1000)
    child, ending = begun(runs)

    stop_children([child], PATIENCE)

    assert 130 == ending.result(PATIENCE).code
    assert {"a/1": 1} == runs.count("stopped")
    stop_children([child], PATIENCE)  # it has ended: nothing happens


def test_a_stop_asked_at_once_is_not_lost(tmp_path: Path) -> None:
    """Also while the interpreters start, which may die of it without a note.

    Of a thousand signals that come while Python starts, Python itself drops two ("Exception
    ignored in ... KeyedRef.remove"); such a command is killed after the limit.
    """
    codes = []
    for number in range(10):
        child, ending = started(FakeRuns(tmp_path, seconds=1000).command(f"a/{number}"))
        stop_children([child], 20)
        codes.append(ending.result(PATIENCE).code)

    killed = codes.count(-signal.SIGKILL)
    assert killed <= 1, codes
    assert {130, 1, 128 + signal.SIGINT, -signal.SIGKILL} >= set(codes), codes


def test_a_command_that_does_not_stop_is_killed_after_the_limit(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path)
    runs.before["a/1"] = STUBBORN
    child, ending = begun(runs, "ignores")

    stop_children([child], 0.2)

    assert -signal.SIGKILL == ending.result(PATIENCE).code


def test_an_interruption_of_the_stop_kills_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Child, __: float) -> bool:
        raise KeyboardInterrupt

    runs = FakeRuns(tmp_path)
    runs.before["a/1"] = STUBBORN
    child, ending = begun(runs, "ignores")
    monkeypatch.setattr(Child, "has_ended", interrupted)

    with pytest.raises(KeyboardInterrupt):
        stop_children([child], PATIENCE)

    assert -signal.SIGKILL == ending.result(PATIENCE).code


def test_what_a_command_leaves_behind_is_killed(tmp_path: Path) -> None:
    runs = FakeRuns(tmp_path)
    runs.before["a/1"] = WITH_CHILD

    assert 0 == Child(runs.command("a/1")).wait().code

    wait_for(lambda: is_free(tmp_path))


def test_kill_9_of_the_monitor_ends_its_command_and_what_that_started(tmp_path: Path) -> None:
    words = [sys.executable, "-c", MONITOR, str(tmp_path), WITH_CHILD]
    monitor = subprocess.Popen(words)
    runs = FakeRuns(tmp_path)
    wait_for(lambda: bool(runs.count("begin")))
    assert not is_free(tmp_path)

    os.kill(monitor.pid, signal.SIGKILL)
    monitor.wait()

    wait_for(lambda: is_free(tmp_path))
    assert not runs.count("end") + runs.count("stopped")
