"""``accredit serve`` as a process: over TLS, stopped in order, and with what a process left."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest

from harness.fleet.messages import (
    AgentStatus,
    Enrolled,
    Poll,
    Polled,
    RunReceived,
    RunReport,
    read_from_hub,
)
from harness.fleet.signed_time import ANSWERS, TimeQuestion, reading_of
from harness.model.surveillance_event import SurveillanceRun
from harness.ports.storage import WallClock
from harness.store.registry.opening import open_registry
from probes.range.authority import Authority
from test_suites.kit.hubs.hub_example import HILL, HubExample
from test_suites.kit.processes.warm_start import Started, run

MESSAGES = "/agent/v1/messages"
JSON = {"Content-Type": "application/json"}
ACCREDIT = [sys.executable, "-m", "harness.cli.process"]


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    made = HubExample(tmp_path)
    made.clock = WallClock()  # type: ignore[assignment]  # the server's clock is the system's
    return made.make()


class Server:
    """A running server; ``client`` speaks to it."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.Client) -> None:
        self.process, self.client = process, client

    def send(self, body: bytes) -> bytes:
        answer = self.client.post(MESSAGES, content=body, headers=JSON)
        assert answer.status_code == 200, answer.text
        return answer.content

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; the exit code and the log."""
        self.process.send_signal(number)
        out, log = self.process.communicate(timeout=60)
        assert "serving stopped" in out
        return self.process.returncode, log


@contextmanager
def serving(example: HubExample, *words: str, authority: Path | None = None) -> Iterator[Server]:
    command = [*ACCREDIT, "serve", "--hub", str(example.hub), "--port", "0", *words]
    with Started(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("serving http"), process.communicate(timeout=30)[1]
            url = line.split()[1].rstrip(";").replace("127.0.0.1", "localhost")
            trusted = ssl.create_default_context(cafile=authority) if authority else True
            with httpx.Client(base_url=url, verify=trusted, trust_env=False, timeout=60) as client:
                yield Server(process, client)
        finally:
            process.kill()


def test_an_agent_is_enrolled_and_served_over_tls(example: HubExample, tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "hub.pem").write_bytes(authority.key_and_chain("localhost"))
    tls = ("--certificate", str(tmp_path / "hub.pem"), "--key", str(tmp_path / "hub.pem"))
    token = example.invite()

    with serving(example, *tls, authority=tmp_path / "ca.pem") as server:
        agent = example.device(token, server.send)
        assert agent.enrol(token) == Enrolled(service="Safe Net", site=HILL)
        answer = agent.ask(Poll(status=AgentStatus(version="0.1.0")))
        assert isinstance(answer, Polled)
        assert answer.order is not None
        question = TimeQuestion.new()
        told = server.client.post(
            "/agent/v1/time", content=msgspec.json.encode(question), headers=JSON
        )
        reading = reading_of(
            ANSWERS.decode(told.content), question, agent.hub,
            system=datetime.now(UTC), asked=0.0, answered=0.0,
        )  # fmt: skip
        assert abs(reading.offset) < 60
        server.client.close()
        code, log = server.stop()

    assert code == 0
    lines = [line for line in map(json.loads, log.splitlines()) if "path" in line]
    assert [(line["path"], line["status"]) for line in lines] == [
        (MESSAGES, 200), (MESSAGES, 200), ("/agent/v1/time", 200),
    ]  # fmt: skip
    assert token[20:60] not in log
    assert agent.id not in log


def test_what_is_no_message_gets_a_word_and_nothing_of_the_inside(example: HubExample) -> None:
    with serving(example) as server:
        client = server.client
        for path in ("/health/live", "/health/ready"):
            assert client.get(path).status_code == 200
        for answer, status in (
            (client.post(MESSAGES, content=b"x", headers=JSON), 400),
            (client.post(MESSAGES, content=b"{}", headers=JSON), 400),
            (client.post(MESSAGES, content=b"{}"), 415),
            (client.post(MESSAGES, data={"a": "b"}), 415),
            (client.post(MESSAGES, content=b"x", headers=JSON | {"Content-Encoding": "gzip"}), 415),
            (client.post(MESSAGES, content=b"x" * 5_000_000, headers=JSON), 413),
            (client.post(MESSAGES, content=iter([b"x" * 2**20] * 6), headers=JSON), 413),
            (client.post("/agent/v1/time", content=b"x" * 1025, headers=JSON), 413),
            (client.post("/agent/v1/time", content=b'{"nonce":"x"}', headers=JSON), 400),
            (client.get(MESSAGES), 405),
            (client.get("/docs"), 404),
            (client.get("/openapi.json"), 200),
        ):
            assert answer.status_code == status, answer.request.url
            assert len(answer.content) < 300 or answer.request.url.path in (
                "/docs",
                "/openapi.json",
            )
            assert "Traceback" not in answer.text
            assert "uvicorn" not in str(answer.headers)
        stranger = example.device(example.invite())
        told = client.post(
            MESSAGES, content=stranger.body(Poll(status=AgentStatus(version="1"))), headers=JSON
        )
        assert told.status_code == 403
        assert read_from_hub(told.content).reason == "unknown"  # type: ignore[union-attr]
        code, log = server.stop(signal.SIGINT)

    assert code == 0
    assert '"path":"other"' in log
    assert "/docs" not in log


def test_a_report_that_a_killed_server_left_is_recorded_by_the_next(example: HubExample) -> None:
    token = example.invite()
    with serving(example) as server:
        agent = example.device(token, server.send)
        agent.enrol(token)
        server.stop()
    due = datetime.now(UTC).replace(second=0, microsecond=0)
    run = SurveillanceRun(
        at=due, actor="x", service="Safe Net", monitoring="acme", site=HILL, schedule="daily",
        due=due, result="missed", reason="no power",
    )  # fmt: skip
    with example.running(lambda _: None) as hub:  # keeps, and ends before it records
        agent._send = example.send
        report = RunReport(run=msgspec.json.encode(run).decode())
        assert isinstance(agent.ask(report), RunReceived)
        assert len(hub.waiting()) == 1
    with serving(example) as server:
        agent._send = server.send
        assert agent.ask(report) == RunReceived(run=run.about, is_new=False)
        server.process.terminate()
        server.process.wait(timeout=60)

    recorded: list[object] = []
    for _ in range(2):
        with open_registry(example.folder / "out/registry.sqlite") as registry:
            if "supplier:acme" in registry.streams():
                with registry.reading("supplier:acme") as access:
                    recorded = [
                        each for each in access.events() if isinstance(each, SurveillanceRun)
                    ]
        if recorded:
            break
        with serving(example) as server:  # it was stopped before it had begun to record
            agent._send = server.send
            for _ in range(5):
                agent.ask(Poll(status=AgentStatus(version="1")))
            server.stop()
    assert [each.reason for each in recorded if isinstance(each, SurveillanceRun)] == ["no power"]


def test_bundles_that_a_killed_server_had_unpacked_do_not_stay(example: HubExample) -> None:
    scratch = example.hub / "scratch"
    (scratch / "accredit-bundle-1").mkdir(parents=True)
    with serving(example) as server:
        assert 200 == server.client.get("/health/live").status_code
        assert [] == [*scratch.iterdir()]
        assert 0o700 == scratch.stat().st_mode & 0o777
        server.stop()

    assert not scratch.exists()


def test_wrong_use_is_told_with_its_exit_code(example: HubExample, tmp_path: Path) -> None:
    def told(*words: str) -> tuple[int, str]:
        ended = run([*ACCREDIT, "serve", *words], capture_output=True, text=True, timeout=120)
        return ended.returncode, " ".join(ended.stderr.split())

    hub = ("--hub", str(example.hub))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, error = told(*hub, "--port", port)
        assert (code, "cannot listen here" in error) == (2, True)
    for words, expected in (
        (("--hub", str(tmp_path / "absent")), "no hub here"),
        ((*hub, "--certificate", "x.pem"), "give both"),
        ((*hub, "--certificate", "x.pem", "--key", "y.pem"), "no certificate with the key"),
    ):
        code, error = told(*words)
        assert (code, expected in error) == (2, True), error
    with serving(example) as server:
        code, error = told(*hub, "--port", "0")
        assert (code, "is writing here" in error) == (2, True), error
        server.stop()
