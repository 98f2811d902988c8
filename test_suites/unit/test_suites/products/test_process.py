"""Processes of ours are waited for, and leave nothing behind."""

from __future__ import annotations

import os
import select
import socket
import sys
from pathlib import Path

import pytest

from test_suites.kit.processes.product import (
    LOOPBACK,
    DidNotStart,
    Folder,
    Process,
    free_port,
    require,
)

LISTENER = """
import os, socket, sys, time
child = os.fork()
if child == 0:
    time.sleep(600)
print(child, flush=True)
door = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    door.accept()
"""


def has_ended(process: int, patience: float) -> bool:
    """Whether a process (a file descriptor of it) ends within so many seconds."""
    return bool(select.select([process], [], [], patience)[0])


def test_it_answers_inside_with_and_its_children_are_gone_after(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = (sys.executable, "-c", LISTENER, str(port))

    with Process(command, log=log, answers_at=[(LOOPBACK, port)]):
        socket.create_connection((LOOPBACK, port), timeout=5).close()
        child = os.pidfd_open(int(log.read_text()))
        assert not has_ended(child, patience=0)

    assert has_ended(child, patience=10)
    os.close(child)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port), timeout=5)


def test_one_that_listens_too_early_is_waited_for_until_its_log_says_so(tmp_path: Path) -> None:
    log, begun = tmp_path / "log", tmp_path / "begun"
    command = (
        sys.executable, "-c",
        ("import pathlib, sys, time\nprint('listens', flush=True)\n"
        "pathlib.Path(sys.argv[1]).touch()\nprint('loaded', flush=True)\ntime.sleep(600)"),
        str(begun),
    )  # fmt: skip

    with Process(command, log=log, logs="loaded"):
        assert begun.exists()


def test_one_that_ends_shows_its_log(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such option: frobnicate')")

    with (
        pytest.raises(DidNotStart, match="ended with code 1") as told,
        Process(command, log=tmp_path / "log", answers_at=[(LOOPBACK, free_port())]),
    ):
        pass

    assert "no such option: frobnicate" in str(told.value)


def test_one_that_stays_silent_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("test_suites.kit.processes.product.PATIENCE", 0.0)
    log = tmp_path / "log"
    patient = Process(
        (sys.executable, "-c", "import time; time.sleep(600)"),
        log=log,
        answers_at=[(LOOPBACK, free_port())],
    )

    with pytest.raises(DidNotStart, match="does not answer"), patient:
        pass

    assert patient._child is None


def test_a_folder_is_open_to_others_and_goes_away() -> None:
    folder = Folder("unit")
    folder.write("deep/inside.txt", "words")

    assert 0o755 == folder.path.stat().st_mode & 0o777
    assert "words" == (folder.path / "deep/inside.txt").read_text()

    folder.remove()

    assert not folder.path.exists()


def test_an_absent_product_is_skipped_but_never_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-product not installed"):
        require("no-such-product")

    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-product not installed"):
        require("no-such-product")
