"""A school's own check as a process: exit codes, a stop in the middle, systems without POSIX."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_suites.kit.networks.internet_double import InternetDouble
from test_suites.kit.processes.running import accredit

AGENCY = ("iwf.testfiltering.com", "ctiru.testfiltering.com", "swearing.testfiltering.com")
ENDPOINTS = ("cloudflare-dns.com", "dns.google", "dns.quad9.net", "one.one.one.one")

STOPS = """
import harness.cli.check as check
judged, vendors = check.judge_alone, []
def stop(target, tried, page=""):
    vendors.extend([target.id] if target.part == "vendor" else [])
    if len(vendors) == 4:
        os.kill(os.getpid(), {signal})
    return judged(target, tried, page)
check.judge_alone = stop
"""

FAILS = """
import harness.cli.check as check
judged = check.judge_alone
def fail(target, tried, page=""):
    if target.part == "vendor":
        raise ValueError("a defect")
    return judged(target, tried, page)
check.judge_alone = fail
"""


def refuses(host: str) -> str:
    return "refuse" if host in (*AGENCY, *ENDPOINTS) else ""


@pytest.fixture
def double(tmp_path: Path) -> Iterator[InternetDouble]:
    with InternetDouble(tmp_path, refuses) as running:
        yield running


def check(double: InternetDouble, out: Path, *words: str, **options: Any) -> Any:
    way = ("--proxy", double.proxy, "--authority", double.authority)
    return accredit("check", *way, "--out", out, *words, **options)


def record_in(out: Path) -> dict[str, Any]:
    (path,) = out.glob("*/record.json")
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_exit_codes_tell_what_needs_attention(double: InternetDouble, tmp_path: Path) -> None:
    fine = check(double, tmp_path / "a")
    dead = accredit("check", "--proxy", "http://127.0.0.1:9", "--out", tmp_path / "b")
    wrong = accredit("check", "--proxy", "nonsense", "--out", tmp_path / "c")
    double.reaction = lambda host: ""
    off = check(double, tmp_path / "d")

    assert (0, 3, 2, 1) == (fine.returncode, dead.returncode, wrong.returncode, off.returncode)
    assert "Traceback" not in fine.stderr + dead.stderr + wrong.stderr + off.stderr
    assert 1 == len(wrong.stderr.splitlines())
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stop_in_the_middle_keeps_what_was_seen(
    name: str, double: InternetDouble, tmp_path: Path
) -> None:
    number = signal.Signals[name]

    stopped = check(double, tmp_path / "out", before=STOPS.format(signal=int(number)))

    record = record_in(tmp_path / "out")
    agency = {row["result"] for row in record["rows"] if row["part"] == "agency"}
    vendor = {row["result"] for row in record["rows"] if row["part"] == "vendor"}
    page = next((tmp_path / "out").glob("*/record.html"))
    assert 128 + number == stopped.returncode, stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert f"what was seen so far is in {page}" in stopped.stderr
    assert record["stopped"]
    assert "blocked" in agency  # ordinary pages arrived after this part
    assert vendor  # and not after this one
    assert "blocked" not in vendor
    assert "The check was stopped before its end." in page.read_text(encoding="utf-8")


def test_a_defect_in_the_middle_keeps_what_was_seen(double: InternetDouble, tmp_path: Path) -> None:
    ended = check(double, tmp_path / "out", before=FAILS, state=tmp_path / "state")

    assert 4 == ended.returncode, ended.stderr
    assert "unexpected error in accredit, not in the service" in ended.stderr
    assert {"start", "agency"} <= {row["part"] for row in record_in(tmp_path / "out")["rows"]}


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_sent(
    double: InternetDouble, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    ended = check(double, tmp_path / "file")

    assert (2, []) == (ended.returncode, double.asked)
    assert "is a file; name a folder with --out" in ended.stderr


def test_a_record_that_cannot_be_written_is_still_printed(
    double: InternetDouble, tmp_path: Path
) -> None:
    full = """
import harness.cli.check as check
def write(path, text): raise OSError(28, "No space left on device")
check.write_whole_unsynced = write
"""
    ended = check(double, tmp_path / "out", before=full)

    assert 4 == ended.returncode
    assert "Nothing that was tried here needs attention." in ended.stdout
    assert "cannot be written: No space left on device" in ended.stderr


WITHOUT_POSIX = """
import socket, sys
from test_suites.processes.without_posix import take_away
take_away()
socket.socketpair = socket._fallback_socketpair  # as on Windows; asyncio here asks for AF_UNIX
import probes.net.backend
probes.net.backend.has_wire = lambda: False
from harness.cli.process import run
run()
"""


def test_it_runs_without_posix(double: InternetDouble, tmp_path: Path) -> None:
    words = ["check", "--proxy", double.proxy, "--authority", str(double.authority), "--out", "out"]

    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_POSIX, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (ended.returncode, ended.stderr), ended.stdout
    assert record_in(tmp_path / "out")["rows"]


def test_a_terminal_without_unicode_and_a_narrow_one_get_plain_lines(
    double: InternetDouble, tmp_path: Path
) -> None:
    plain = {"PYTHONIOENCODING": "ascii", "COLUMNS": "60"}

    ended = check(double, tmp_path / "out", environment=plain)

    assert 0 == ended.returncode, ended.stderr
    assert ended.stdout.isascii()
    told = ended.stdout.split("Nothing that was tried")[1].splitlines()
    assert [] == [line for line in told if len(line) > 60 and str(tmp_path) not in line]
