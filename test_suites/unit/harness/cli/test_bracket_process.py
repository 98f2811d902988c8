"""Sentinels hold only if the command that tries them says so."""

from __future__ import annotations

import sys
import threading
from time import monotonic

import pytest

from harness.cli.bracket_process import bracket_fault

ANSWERS = {
    "held": ('print(\'{"failed": ""}\')', None),
    "failed": ('print(\'{"failed": "sentinel x was allowed"}\')', "sentinel x was allowed"),
    "nothing": ("pass", "no answer that can be read"),
    "not JSON": ("print('all is well')", "no answer that can be read"),
    "a list": ("print('[1]')", "no answer that can be read"),
    "another object": ("print('{\"held\": true}')", "no answer that can be read"),
    "no text": ("print('{\"failed\": null}')", "no answer that can be read"),
    "false": ("print('{\"failed\": false}')", "no answer that can be read"),
    "two answers": ('print(\'{"failed": ""}\' * 2)', "no answer that can be read"),
    "no UTF-8": ("import os; os.write(1, b'\\xff')", "no answer that can be read"),
    "nested": ("print('[' * 100_000)", "no answer that can be read"),
    "an error": ("print('{\"failed\": \"\"}'); raise SystemExit('no route')", "no route"),
    "a silent error": ("raise SystemExit(4)", "ended with 4"),
    "killed": ("import os; os.kill(os.getpid(), 9)", "ended with -9"),
    "too slow": ("import time; time.sleep(600)", "not tried in 1 seconds"),
}


@pytest.mark.parametrize(("program", "says"), ANSWERS.values(), ids=ANSWERS)
def test_sentinels_hold_only_if_the_command_says_so(program: str, says: str | None) -> None:
    seconds = 1 if "sleep" in program else 120

    fault = bracket_fault([sys.executable, "-c", program], threading.Event(), seconds=seconds)

    if says is None:
        assert fault is None
    else:
        assert fault is not None
        assert says in fault


def test_sentinels_that_cannot_be_started_do_not_hold() -> None:
    fault = bracket_fault(["/nonexistent"], threading.Event())
    assert fault is not None
    assert "could not be tried" in fault


def test_an_agent_that_is_stopped_waits_for_no_sentinels() -> None:
    stop, begun = threading.Event(), monotonic()
    threading.Timer(0.2, stop.set).start()

    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    fault = bracket_fault([sys.executable, "-c", f"import time; time.sleep(300); {program}"], stop)

    assert "the agent is stopped" == fault
    assert monotonic() - begun < 60
