"""``accredit device record`` and ``pack`` as processes: exit codes, files, and what is printed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from curl_cffi import requests

from corpora.pack_reader import open_pack
from harness.model.technique import case_of_item
from probes.net.device_recording import read_recording
from probes.techniques.steps import read_statement
from test_suites.kit.processes.running import accredit
from test_suites.kit.processes.warm_start import COMMAND, Started


@contextmanager
def recording(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A recorder that listens in a process of its own, and its port."""
    command = ["device", "record", "Lab PC", "--at", "localhost", "--listen", "127.0.0.1:0"]
    process = Started(
        [sys.executable, "-c", COMMAND.format(before=""), *command, *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder,
        env=os.environ | {"XDG_STATE_HOME": "/dev/null"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("on the device, open https://localhost:"), first
        process.stdout.readline()
        yield process, int(first.split(":")[2].split("/")[0])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


def test_a_device_is_recorded_and_becomes_a_pack(tmp_path: Path) -> None:
    with recording(tmp_path) as (process, port):
        for scheme in ("https", "http"):
            answer = requests.get(
                f"{scheme}://localhost:{port}/", impersonate="chrome152", verify=False, timeout=60
            )
            assert f"http://localhost:{port}/" in answer.text
        printed, _ = process.communicate(timeout=120)

    assert process.returncode == 0, printed
    assert "recorded over HTTPS, HTTP/2: Mozilla/5.0" in printed
    assert "its handshake, HTTP/2 settings and headers can be repeated exactly" in printed
    kept = read_recording((tmp_path / "device.json").read_bytes())
    assert (kept.name, kept.http2 is not None, bool(kept.plain_headers)) == ("Lab PC", True, True)
    assert (tmp_path / "device.json").stat().st_mode & 0o077 == 0

    made = accredit("device", "pack", "device.json", "--out", "ours", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    items = list(open_pack(str(tmp_path / "ours")).items())
    assert [str(case_of_item(item)) for item in items] == [
        "way:device:lab-pc:https", "way:device:lab-pc:https", "way:device:lab-pc:http"
    ]  # fmt: skip
    assert len({item.host for item in items}) == len(items)
    for item in items:
        read_statement(item.value)


def test_a_recording_without_a_page_over_https_is_unfinished(tmp_path: Path) -> None:
    with recording(tmp_path) as (process, port):
        requests.get(f"http://localhost:{port}/", timeout=60)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=60)

    assert process.returncode == 3
    assert "the device opened no page over HTTPS" in printed
    assert list(tmp_path.iterdir()) == []


def test_what_came_before_ctrl_c_is_kept(tmp_path: Path) -> None:
    with recording(tmp_path) as (process, port):
        requests.get(
            f"https://localhost:{port}/", impersonate="safari270", verify=False, timeout=60
        )
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)

    assert process.returncode == 0
    assert read_recording((tmp_path / "device.json").read_bytes()).plain_headers == ()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--out", "taken.json"], "--out taken.json: there is a file already"),
        (["--for", "soon"], "--for soon: write a length of time"),
        (["--chain", "none.pem"], "give both --chain and --key"),
        (["--chain", "none.pem", "--key", "none.pem"], "no certificate with its key"),
        (["--listen", "example.org:1"], "is no IP address"),
    ],
)
def test_a_mistake_gets_one_sentence(tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "taken.json").write_text("mine")
    ended = accredit("device", "record", "x", "--at", "h", *words, cwd=tmp_path)

    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "taken.json").read_text() == "mine"


def test_a_taken_port_gets_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = accredit("device", "record", "x", "--at", "h", "--listen", where, cwd=tmp_path)

    assert ended.returncode == 2
    assert f"--listen {where}: cannot be listened on: Address already in use" in ended.stderr


def test_recordings_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.json").write_text(
        '{"name": "b", "recorded": "", "hello": {"ciphers": [4865], "extensions": []}}'
    )
    faulty = accredit("device", "pack", "a.json", "--out", "ours", cwd=tmp_path)
    twice = accredit("device", "pack", "b.json", "b.json", "--out", "ours", cwd=tmp_path)
    absent = accredit("device", "pack", "c.json", "--out", "ours", cwd=tmp_path)

    assert [one.returncode for one in (faulty, twice, absent)] == [2, 2, 2]
    assert "a.json: not a recorded device" in faulty.stderr
    assert "two recordings are called 'b'" in twice.stderr
    assert "c.json" in absent.stderr
    assert not (tmp_path / "ours").exists()
