"""``accredit bundle send`` resumes, waits for the end, and says what a person has to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from harness.cli import bundle_send
from harness.cli.bundle_send import PART, TRIES, UPLOADS
from harness.cli.main import app
from harness.errors import InstrumentError, UsageError

CONTENT = bytes(range(256)) * (PART // 128)
"""Two parts."""

URL = "https://hub.example.org"


class FakeHub:
    """A hub that holds what it gets; ``answers`` go before its own."""

    def __init__(self) -> None:
        self.held = b""
        self.state = "receiving"
        self.after = [{"state": "judging"}, {"state": "recorded", "campaign": "autumn"}]
        self.answers: list[httpx.Response | Exception] = []
        self.asked: list[tuple[str, str]] = []
        self.streams = 0

    def shown(self, **more: Any) -> dict[str, Any]:
        return {
            "id": "a" * 32, "size": len(CONTENT), "state": self.state,
            "received": len(self.held), "result": "conforms",
        } | more  # fmt: skip

    def handle(self, request: httpx.Request) -> httpx.Response:
        assert "Bearer secret" == request.headers["authorization"]
        self.asked.append((request.method, request.url.path.removeprefix(UPLOADS)))
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if request.url.path.endswith("/events"):
            return self.events(request)
        if request.method == "PATCH":
            if int(request.headers["upload-offset"]) != len(self.held):
                return httpx.Response(409, json=self.shown())
            self.held += request.read()
            if len(self.held) == len(CONTENT):
                self.state = "waiting"
        return httpx.Response(200, json=self.shown())

    def events(self, request: httpx.Request) -> httpx.Response:
        """One event a connection."""
        last = int(request.headers.get("last-event-id", "0"))
        self.streams += 1
        state = self.after[min(last, len(self.after) - 1)]
        data = json.dumps(self.shown(**state))
        text = f"retry: 5\n\n: beat\n\nid: {last + 1}\nevent: x\ndata: {data}\n\n"
        return httpx.Response(200, text=text)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    made, plain = FakeHub(), httpx.Client
    transport = httpx.MockTransport(made.handle)
    monkeypatch.setattr(httpx, "Client", lambda **named: plain(**named, transport=transport))
    monkeypatch.setattr(bundle_send, "pause", lambda _: None)
    return made


@pytest.fixture
def send(tmp_path: Path) -> Callable[..., str]:
    (tmp_path / "autumn.zip").write_bytes(CONTENT)
    (tmp_path / "token").write_text("secret\n")

    def run(url: str = URL, token: str = "token") -> str:
        words = ["bundle", "send", str(tmp_path / "autumn.zip"), "--hub", url]
        ended = CliRunner().invoke(app, [*words, "--token-file", str(tmp_path / token)])
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return " ".join(ended.stdout.split())

    return run


def test_parts_are_sent_and_the_end_is_awaited(hub: FakeHub, send: Callable[..., str]) -> None:
    assert "autumn.zip: recorded: campaign autumn, conforms" in send()
    assert CONTENT == hub.held
    assert [("POST", ""), *[("PATCH", f"/{'a' * 32}")] * 2] == hub.asked[:3]
    assert 2 == hub.streams


def test_it_goes_on_where_the_hub_says(hub: FakeHub, send: Callable[..., str]) -> None:
    hub.held = CONTENT[:1000]
    send()
    assert CONTENT == hub.held


def test_what_fails_on_the_way_is_tried_again(hub: FakeHub, send: Callable[..., str]) -> None:
    shown = hub.shown(received=0)
    hub.answers = [
        httpx.ConnectError("no route"), httpx.Response(503, json={"detail": "later"}),
        httpx.Response(200, json=shown), httpx.ReadTimeout("slow"), httpx.Response(429),
    ]  # fmt: skip
    assert "recorded" in send()
    hub.answers = [httpx.ConnectError("no route")] * TRIES
    with pytest.raises(InstrumentError, match="cannot be reached: no route; give the same command"):
        send()


def test_a_stream_that_breaks_is_read_again(hub: FakeHub, send: Callable[..., str]) -> None:
    hub.held, hub.state = CONTENT, "waiting"
    hub.answers = [
        httpx.Response(200, json=hub.shown()), httpx.ReadError("cut"), httpx.Response(502),
        httpx.Response(200, json=hub.shown()), httpx.Response(204),
    ]  # fmt: skip
    assert "recorded" in send()


def test_a_self_test_and_a_refusal_are_told_apart(hub: FakeHub, send: Callable[..., str]) -> None:
    hub.after = [{"state": "self-test", "campaign": "autumn"}]
    assert "self-test, which is no evidence: campaign autumn" in send()
    hub.after = [{"state": "refused", "reason": "byte 7 was changed; nothing was stored"}]
    with pytest.raises(UsageError, match="the hub refused it: byte 7 was changed"):
        send()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(401, json={"detail": "x"}), "the token is unknown there"),
        (httpx.Response(404, json={"detail": "x"}), "the token is unknown there"),
        (httpx.Response(413, json={"detail": "at most"}), "did not take it: at most"),
        (httpx.Response(302, headers={"location": "https://evil.example"}), "HTTP status 302"),
        (httpx.Response(200, text="<html>"), "this is no hub"),
        (httpx.Response(200, json={"id": 3}), "this is no hub"),
    ],
)
def test_what_a_person_has_to_correct_is_named(
    hub: FakeHub, send: Callable[..., str], answer: httpx.Response, words: str
) -> None:
    hub.answers = [answer]
    with pytest.raises(UsageError, match=words):
        send()


@pytest.mark.parametrize(
    "url", ["http://hub.example.org", "ftp://x", "hub.example.org", "https://a:b@hub.example.org"]
)
def test_only_a_protected_address_gets_a_token(
    hub: FakeHub, send: Callable[..., str], url: str
) -> None:
    with pytest.raises(UsageError, match="write https://"):
        send(url)
    assert [] == hub.asked
    assert "recorded" in send("http://127.0.0.1:8443")


def test_a_file_without_a_token_is_named(
    hub: FakeHub, send: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "two").write_text("a b")
    (tmp_path / "odd").write_bytes(b"\xff")
    for name, words in (
        ("empty", "no token"), ("two", "no token"), ("odd", "no token"), ("absent", "No such"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            send(URL, name)
    assert [] == hub.asked


def test_a_bundle_that_is_cut_meanwhile_is_named(
    hub: FakeHub, send: Callable[..., str], tmp_path: Path
) -> None:
    hub.held = CONTENT[:5000]
    (tmp_path / "autumn.zip").write_bytes(CONTENT[:5000])
    with pytest.raises(UsageError, match="was cut while it was sent"):
        send()
