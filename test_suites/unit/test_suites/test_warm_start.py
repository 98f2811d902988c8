"""Processes that are started from one with the libraries are as those that are started from nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from test_suites.kit.processes.warm_start import (
    COLD,
    Started,
    folder_of_command,
    run,
    usual_signals,
)

WARM: dict[str, str] = {}
SHOWN = """
import os, signal, sys
print(sys.argv, sys.path[0] in ("", os.getcwd()), os.getcwd(), sys.stdin.read(), os.environ["GIVEN"])
print("to stderr", file=sys.stderr)
print([signal.getsignal(each) is signal.SIG_IGN for each in (2, 15, 1)], os.getsid(0) == os.getpid())
print(os.getppid(), __name__, "é")
sys.exit(7)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="started from nothing elsewhere")


def ended(kind: dict[str, str], code: str, *words: str, **options: Any) -> Any:
    environment = os.environ | kind | {"GIVEN": "x"}
    return run(
        [sys.executable, "-c", code, *words],
        capture_output=True, text=True, env=environment, **options,
    )  # fmt: skip


def test_a_process_is_as_one_that_is_started_from_nothing(tmp_path: Path) -> None:
    told = [
        ended(kind, SHOWN, "a", "b c", cwd=tmp_path, input="typed", start_new_session=session)
        for kind in (WARM, COLD)
        for session in (True, False)
    ]

    assert [7] * 4 == [each.returncode for each in told], told
    assert ["to stderr\n"] * 4 == [each.stderr for each in told]
    assert told[0].stdout == told[2].stdout
    assert told[1].stdout == told[3].stdout
    assert f"{tmp_path} typed x" in told[0].stdout
    assert f"[False, False, False] True\n{os.getpid()} __main__ é" in told[0].stdout


def test_it_has_the_modules_already() -> None:
    code = "import sys; print('harness.cli.process' in sys.modules)"

    assert ["True\n", "False\n"] == [ended(kind, code).stdout for kind in (WARM, COLD)]


@pytest.mark.parametrize("kind", [WARM, COLD], ids=["warm", "cold"])
@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise ValueError('what')", 1, "ValueError: what"),
        ("raise SystemExit('words')", 1, "words"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("import atexit, sys; atexit.register(lambda: print('end', file=sys.stderr))", 0, "end"),
    ],
)
def test_it_ends_as_the_interpreter_does(
    kind: dict[str, str], code: str, status: int, said: str
) -> None:
    told = ended(kind, code)

    assert (status, True) == (told.returncode, said in told.stderr), told


def test_ctrl_c_ends_it_with_the_signal() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGINT); signal.pause()"

    assert [-signal.SIGINT] * 2 == [ended(kind, code).returncode for kind in (WARM, COLD)]


@pytest.mark.parametrize("kind", [WARM, COLD], ids=["warm", "cold"])
def test_signals_that_the_tests_ignore_end_it(kind: dict[str, str]) -> None:
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGHUP)}
    try:
        told = ended(kind, SHOWN, input="")
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

    assert "[False, False, False]" in told.stdout


def test_a_process_that_goes_on_is_killed_and_waited_for() -> None:
    with Started(
        [sys.executable, "-c", "print('up', flush=True); input()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "up\n" == process.stdout.readline()
        assert process.poll() is None
        process.kill()
        assert -signal.SIGKILL == process.wait(30)


def test_other_settings_of_the_interpreter_and_a_function_before_it_are_obeyed() -> None:
    code = "import signal, sys; print(sys.stdout.encoding, signal.getsignal(1) is signal.SIG_IGN)"

    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    assert "ascii False\n" == ended({"PYTHONIOENCODING": "ascii"}, code).stdout
    assert "utf-8 True\n" == ended(WARM, code, preexec_fn=ignore).stdout


def in_a_shell(script: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder_of_command()}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False,
        preexec_fn=usual_signals,
    )  # fmt: skip


def test_a_shell_runs_the_command_in_the_warm_process(tmp_path: Path) -> None:
    told = in_a_shell(
        f"cd {tmp_path}; accredit --version; accredit init a | cat; accredit conclude b"
    )

    assert 2 == told.returncode
    assert told.stdout.startswith("isp-accredit")
    assert (tmp_path / "a/campaign.yaml").exists()
    assert told.stderr.startswith("accredit: b: no journal here")


def test_what_a_shell_stops_is_stopped(tmp_path: Path) -> None:
    receive = f"accredit mail receive {tmp_path}/a --mail 127.0.0.1:0 >/dev/null 2>{tmp_path}/said"
    told = in_a_shell(
        f"{receive} & until grep -q 'stop with' {tmp_path}/said; do sleep 0.1; done;"
        " kill %1; wait %1; echo ended $?"
    )

    assert "ended 0" in told.stdout, told


def test_the_warm_process_ends_with_the_tests() -> None:
    code = (
        "import os, sys\ndel os.environ['COLD_STARTS']\nfrom test_suites.kit.processes.warm_start import Started, run\n"
        "run([sys.executable, '-c', ''])\nprint(Started._warm._process.pid)"
    )
    with Started(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ | COLD
    ) as process:
        said, _ = process.communicate()
    deadline = time.monotonic() + 60
    while said.strip() and Path(f"/proc/{said.strip()}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
