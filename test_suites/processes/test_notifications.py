"""``accredit serve`` as a process tells a webhook over HTTP what happened while it was stopped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.cli.hub_file import read_hub
from harness.cli.registry_session import open_session, place_of
from harness.model.alarm import AlarmRule, RaisedAlarm
from harness.model.event import RecordAdded
from harness.model.registry_record import Service
from harness.model.surveillance_event import AlarmRaised
from harness.ports.storage import WallClock
from test_suites.kit.campaigns.fake_runs import wait_for
from test_suites.kit.hubs.hub_example import HILL, HubExample
from test_suites.processes.test_serve import serving

KEY = b"k" * 32
Request = tuple[str, dict[str, str], bytes]


@contextmanager
def receiver() -> Iterator[tuple[str, list[Request]]]:
    """A web server on loopback that keeps what is posted to it."""
    taken: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            taken.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", taken
        finally:
            server.shutdown()
            thread.join()


def raised(at: datetime) -> AlarmRaised:
    alarm = RaisedAlarm(
        number=1, service="Safe Net", scheme="becta-2008", requirement="URL-01", profile="pupils",
        rule=AlarmRule.MISS, sites=(HILL,), of_sites=1, statement="2 of 60 items were missed.",
        retest_by=at + timedelta(days=5),
    )  # fmt: skip
    return AlarmRaised(at=at, actor="monitor", service="Safe Net", alarm="A-0001", raised=alarm)


def test_an_alarm_is_posted_once_and_signed_and_the_heart_beats(tmp_path: Path) -> None:
    example = HubExample(tmp_path)
    example.clock = WallClock()  # type: ignore[assignment]  # the server's clock is the system's
    example.make()
    (example.hub / "hook.key").write_text(f"whsec_{base64.b64encode(KEY).decode()}")

    def record(*events: Any) -> None:
        registry = read_hub(example.hub).registry
        with open_session(registry, create=True) as session:
            session.record(place_of("Acme"), *events)

    now = datetime.now(UTC)
    record(RecordAdded(at=now, actor="Ann", record=Service(id="Safe Net")))
    with receiver() as (url, taken):
        notify = {
            "targets": [{"name": "desk", "webhook": f"{url}/hook", "secret": "hook.key"}],
            "heartbeat": {"url": f"{url}/beat"},
        }
        example.change(example.hub / "hub.yaml", lambda it: it.update(notify=notify))
        for events in ((), (raised(now),), ()):
            if events:
                record(*events)
            beats = len([path for path, _, _ in taken if path == "/beat"])
            with serving(example) as server:
                wait_for(lambda so_far=beats: [p for p, _, _ in taken].count("/beat") > so_far)  # type: ignore[misc]
                code, log = server.stop()
            assert code == 0, log
    (hook,) = [request for request in taken if request[0] == "/hook"]
    _, headers, body = hook
    covered = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(KEY, covered, hashlib.sha256).digest()).decode()
    assert f"v1,{digest}" == headers["webhook-signature"]
    told = json.loads(body)
    assert told["type"] == "alarm-raised"
    assert told["notification"]["url"].startswith("https://hub.example.org/alarms/")
    assert [path for path, _, _ in taken] == ["/beat", "/hook", "/beat", "/beat"]
    assert url not in log


def test_a_faulty_target_is_told_before_anything_is_served(tmp_path: Path) -> None:
    example = HubExample(tmp_path).make()
    notify = {"targets": [{"name": "desk", "file": "none.txt"}]}
    example.change(example.hub / "hub.yaml", lambda it: it.update(notify=notify))

    with (
        pytest.raises(AssertionError, match=r"none\.txt: No such file or directory"),
        serving(example),
    ):
        pass
