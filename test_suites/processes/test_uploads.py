"""Uploads survive that the server is killed: between parts, and while a bundle is judged."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.model.event import RecordAdded
from harness.model.registry_record import CampaignRecord
from harness.ports.storage import WallClock
from harness.store.journal.journal import open_journal
from probes.range.authority import Authority
from test_suites.kit.campaigns.sent_bundles import SentBundles
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.upload_desk import ACME, UploadDesk
from test_suites.kit.processes.warm_start import Started, run
from test_suites.processes.test_serve import Server

UPLOADS = "/api/v1/uploads"
HUB = [sys.executable, "-m", "test_suites.processes.hub_with_tokens"]
ACCREDIT = [sys.executable, "-m", "harness.cli.process"]
PATIENCE = 120.0


@pytest.fixture
def example(tmp_path: Path) -> HubExample:
    made = HubExample(tmp_path)
    made.clock = WallClock()  # type: ignore[assignment]  # the server's clock is the system's
    return made.make()


@pytest.fixture
def bundle(example: HubExample) -> Path:
    """A bundle of a laboratory that the hub trusts."""
    sent = SentBundles(example.folder / "laboratory")
    with example.running() as hub:
        UploadDesk(example, hub).trust(sent)
    return sent.bundle(sent.measure(), "autumn")


@contextmanager
def serving(example: HubExample, *words: str, authority: Path | None = None) -> Iterator[Server]:
    command = [*HUB, "serve", "--hub", str(example.hub), "--port", "0", *words]
    environment = {**os.environ, "ACCREDIT_TEST_STOP": str(example.folder / "stop")}
    with Started(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("serving http"), process.communicate(timeout=30)[1]
            url = line.split()[1].rstrip(";").replace("127.0.0.1", "localhost")
            trusted = ssl.create_default_context(cafile=authority) if authority else True
            headers = {"Authorization": "Bearer ama"}
            with httpx.Client(
                base_url=url, verify=trusted, trust_env=False, timeout=60, headers=headers
            ) as client:
                yield Server(process, client)
        finally:
            process.kill()


def killed(server: Server) -> None:
    server.client.close()
    server.process.kill()
    server.process.communicate(timeout=60)


def awaited(path: Path) -> None:
    """Wait until a file is there."""
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def events_of(client: httpx.Client, upload: str, last: str = "") -> Iterator[dict[str, Any]]:
    """The events until the stream ends."""
    headers = {"Last-Event-ID": last} if last else {}
    path = f"{UPLOADS}/{upload}/events"
    with client.stream("GET", path, headers=headers, timeout=PATIENCE) as answer:
        number = ""
        for line in answer.iter_lines():
            if line.startswith("id: "):
                number = line[4:]
            if line.startswith("data: "):
                yield json.loads(line[6:]) | {"number": number}


def recorded(example: HubExample) -> list[str]:
    with example.running():
        added = [each.record for each in example.events(ACME) if isinstance(each, RecordAdded)]
    return [each.id for each in added if isinstance(each, CampaignRecord)]


def test_a_bundle_is_recorded_though_the_server_is_killed_twice(
    example: HubExample, bundle: Path
) -> None:
    content = bundle.read_bytes()
    stop = example.folder / "stop"
    digest = subprocess.run(
        ["sha256sum", str(bundle)], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    announced = {"name": bundle.name, "size": len(content), "sha256": digest}
    with serving(example) as server:
        upload = server.client.post(UPLOADS, json=announced).json()["id"]
        path = f"{UPLOADS}/{upload}"
        first = server.client.patch(path, content=content[:1000], headers={"Upload-Offset": "0"})
        assert 200 == first.status_code
        killed(server)
    stop.write_text("")
    with serving(example) as server:
        head = server.client.head(path)
        assert "1000" == head.headers["upload-offset"]
        again = server.client.patch(path, content=content[:9], headers={"Upload-Offset": "0"})
        assert (409, 1000) == (again.status_code, again.json()["received"])
        rest = server.client.patch(path, content=content[1000:], headers={"Upload-Offset": "1000"})
        assert "receiving" != rest.json()["state"]
        awaited(stop.with_suffix(".here"))
        state = server.client.get(path).json()
        assert "judging" == state["state"]
        killed(server)
    assert [] == recorded(example)
    stop.unlink()
    with serving(example) as server:
        seen = list(events_of(server.client, upload))
        assert "recorded" == seen[-1]["state"], seen[-1]["reason"]
        assert [] == list(events_of(server.client, upload, seen[-1]["number"]))
        server.client.close()
        server.stop()

    assert ["autumn"] == recorded(example)
    with closing(open_journal(example.folder / "out/autumn/journal")) as journal:
        journal.verify()


def test_a_server_stops_while_somebody_reads_events(example: HubExample) -> None:
    with serving(example) as server:
        announced = {"name": "a.zip", "size": 9, "sha256": "0" * 64}
        upload = server.client.post(UPLOADS, json=announced).json()["id"]
        with server.client.stream("GET", f"{UPLOADS}/{upload}/events") as answer:
            lines = answer.iter_lines()
            assert "retry: 2000" == next(lines)
            code, _ = server.stop()

    assert 0 == code


def sent(*words: str) -> tuple[int, str]:
    """The exit code and the output of ``accredit bundle send``."""
    ended = run(
        [*ACCREDIT, "bundle", "send", *words],
        capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    return ended.returncode, " ".join((ended.stdout + ended.stderr).split())


def test_the_command_sends_a_bundle_over_tls(example: HubExample, bundle: Path) -> None:
    authority, folder = Authority(), example.folder
    (folder / "ca.pem").write_bytes(authority.pem)
    (folder / "hub.pem").write_bytes(authority.key_and_chain("localhost"))
    (folder / "token").write_text("ama\n")
    (folder / "other-token").write_text("nobody\n")
    (folder / "changed.zip").write_bytes(bundle.read_bytes()[:-1])
    tls = ("--certificate", str(folder / "hub.pem"), "--key", str(folder / "hub.pem"))
    with serving(example, *tls, authority=folder / "ca.pem") as server:
        hub = ("--hub", str(server.client.base_url), "--authority", str(folder / "ca.pem"))
        token = ("--token-file", str(folder / "token"))
        first = sent(str(bundle), *hub, *token)
        second = sent(str(bundle), *hub, *token)
        refused = sent(str(folder / "changed.zip"), *hub, *token)
        unknown = sent(str(bundle), *hub, "--token-file", str(folder / "other-token"))
        server.client.close()
        server.stop()

    assert (0, True) == (first[0], "autumn.zip: recorded: campaign autumn, " in first[1]), first
    assert first == second
    assert (2, True) == (refused[0], "nothing was stored" in refused[1]), refused
    assert (2, True) == (unknown[0], "the token is unknown there" in unknown[1]), unknown
    assert ["autumn"] == recorded(example)
