"""``accredit serve --demo`` as a process: it needs nothing, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from harness.cli.demo_hub_files import SERVICES
from harness.cli.demo_hub_people import PEOPLE
from test_suites.kit.clocks.sizes import only_full
from test_suites.kit.processes.warm_start import Started, run

COMMAND = [sys.executable, "-m", "harness.cli.process", "serve", "--demo"]
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Demo(NamedTuple):
    """A running demonstration: its process, its address, and the passwords that it printed."""

    process: subprocess.Popen[str]
    url: str
    passwords: dict[str, str]

    def stop(self) -> int:
        """Stop it as Ctrl-C does; the exit code."""
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=60)
        assert "serving stopped" in said
        return self.process.returncode


@contextmanager
def running(temporary: Path, *words: str) -> Iterator[Demo]:
    """A demonstration at any free port, whose temporary files are in a folder."""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with (
        (temporary / "log").open("w") as log,
        Started(
            [*COMMAND, "--port", "0", *words],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=temporary,
        ) as process,
    ):  # fmt: skip
        try:
            yield _started(process, temporary / "log")
        finally:
            process.kill()


def _started(process: subprocess.Popen[str], log: Path) -> Demo:
    passwords: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("serving http"):
            return Demo(process, line.split()[1].rstrip(";"), passwords)
        if "@demo.invalid" in line:
            email, password = line.split()
            passwords[email] = password
    raise AssertionError(log.read_text())


@pytest.mark.timeout(600)
def test_a_demonstration_is_served_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path) as demo:
        assert {person.email for person in PEOPLE} == set(demo.passwords)
        assert 1 == len(list(tmp_path.glob("accredit-demo-*")))
        with httpx.Client(base_url=demo.url, trust_env=False, timeout=60) as client:
            api = client.get("/openapi.json")
            assert (200, "Accredit hub") == (api.status_code, api.json()["info"]["title"])
            assert 200 == client.get("/sign-in").status_code
            register = client.get("/")
            assert 200 == register.status_code
            assert all(service.name in register.text for service in SERVICES)
        for email, password in demo.passwords.items():
            assert_signed_in(demo.url, email, password)

        assert 0 == demo.stop()

    assert ["log"] == [path.name for path in tmp_path.iterdir()]
    assert not any(word in (tmp_path / "log").read_text() for word in demo.passwords.values())


def assert_signed_in(url: str, email: str, password: str) -> None:
    """Sign in by the form, as a browser does."""
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
        token = CSRF.search(client.get("/sign-in").text)
        assert token is not None
        form = {"email": email, "password": password, "csrf": token[1]}
        answer = client.post("/sign-in", data=form, headers={"Origin": url})

        assert 303 == answer.status_code, answer.text
        assert "accredit_session" in client.cookies


@only_full
@pytest.mark.timeout(600)
def test_the_folder_of_a_demonstration_is_kept_where_it_is_named(tmp_path: Path) -> None:
    with running(tmp_path, "--hub", "kept") as demo:
        assert 0 == demo.stop()
    again = refused(tmp_path, "--hub", "kept")

    assert (tmp_path / "kept/hub.yaml").is_file()
    assert (tmp_path / "kept/out/registry.sqlite").is_file()
    assert "kept: there is a hub already; serve it by 'accredit serve --hub kept'" in again


@pytest.mark.timeout(600)
def test_one_that_is_stopped_while_it_is_made_leaves_nothing_behind(tmp_path: Path) -> None:
    process = Started(
        [*COMMAND, "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("making"):
                break
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert (130, "accredit: stopped by Ctrl-C (SIGINT)\n") == (process.returncode, said)
    assert [] == list(tmp_path.iterdir())


def refused(folder: Path, *words: str) -> str:
    """What a demonstration says that is a wrong use."""
    ended = run([*COMMAND, "--port", "0", *words], capture_output=True, text=True, cwd=folder)
    assert 2 == ended.returncode, ended.stderr
    return str(ended.stderr)


@pytest.mark.parametrize("words", [("--certificate", "c.pem"), ("--key", "k.pem"), ("--host", "x")])
def test_what_does_not_go_with_a_demonstration_is_refused(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert "--demo serves on 127.0.0.1 alone, without TLS" in refused(tmp_path, *words)


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("x")

    assert "mine: is not empty" in refused(tmp_path, "--hub", "mine")
    assert ["file"] == [path.name for path in (tmp_path / "mine").iterdir()]
