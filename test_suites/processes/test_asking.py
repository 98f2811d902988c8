"""``accredit init`` on a terminal: it asks, it can be stopped, and without one it never waits."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.campaign.assemble import read_campaign
from test_suites.kit.processes.running import accredit
from test_suites.processes.typist import Typist


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    made = Typist("init", tmp_path / "new")
    yield made
    made.close()


@pytest.mark.timeout(120)
def test_it_asks_one_question_at_a_time_and_again_after_a_wrong_answer(
    typist: Typist, tmp_path: Path
) -> None:
    typist.answer("name of the service?", "Safe: school")
    typist.answer("Who supplies it?")
    typist.answer("Numbers", "9")
    typist.read_until("write numbers from 1 to 4")
    typist.answer("Numbers", "1 3")
    typist.answer("proxy?", "http://10.0.0.1:3128")
    typist.answer("Name server", "10.0.0.2:53")
    for line in ("proxy", "resolver"):
        for words in ("site is it", "part of", "kind of device", "group of users"):
            typist.answer(f"Line {line}: ")
            typist.read_until(words)
    for question in ("NAME=PHASE", "Which scheme?", "Origin file", "name for the campaign?"):
        typist.answer(question)
    typist.read_until("wrote")

    assert 0 == typist.process.wait()
    campaign, _ = read_campaign(tmp_path / "new/campaign.yaml")
    assert "Safe: school" == campaign.service.name
    assert ["proxy", "resolver"] == [line.name for line in campaign.lines]


@pytest.mark.timeout(120)
def test_control_d_ends_it_and_nothing_is_written(typist: Typist, tmp_path: Path) -> None:
    typist.answer("name of the service?", "Safe")
    typist.key("Who supplies it?", b"\x04")
    typist.read_until("nothing was written")

    assert 2 == typist.process.wait()
    assert not (tmp_path / "new").exists()


@pytest.mark.timeout(120)
def test_control_c_ends_it_and_nothing_is_written(typist: Typist, tmp_path: Path) -> None:
    typist.read_until("name of the service?")
    typist.process.send_signal(signal.SIGINT)

    assert typist.process.wait() in {130, -signal.SIGINT}
    assert not (tmp_path / "new").exists()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("words", [["--yes"], ["--name", "x"]])
def test_with_an_option_it_asks_nothing_on_a_terminal(words: list[str], tmp_path: Path) -> None:
    made = Typist("init", tmp_path / "new", *words)
    try:
        made.read_until("wrote")
        assert 0 == made.process.wait()
    finally:
        made.close()


@pytest.mark.timeout(120)
def test_nobody_is_asked_where_the_questions_go_to_a_file(tmp_path: Path) -> None:
    end, other = pty.openpty()
    try:
        ended = accredit("init", tmp_path / "a", stdin=other, timeout=60)
    finally:
        os.close(end)
        os.close(other)

    assert (0, 1) == (ended.returncode, len(ended.stdout.splitlines()))


def test_without_a_terminal_it_never_waits(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as silent:
        ended = accredit("init", tmp_path / "a", stdin=silent.stdin, timeout=60)
        silent.kill()
    closed = accredit("init", tmp_path / "b", before="sys.stdin = None", timeout=60)

    assert [0, 0] == [ended.returncode, closed.returncode], ended.stderr + closed.stderr
    assert "EDIT (3)" in ended.stdout
