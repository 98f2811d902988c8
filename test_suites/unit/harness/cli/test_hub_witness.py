"""A hub as a witness: it finds what was rolled back together with the receipts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import signed_receipt
from harness.signing import private_key_in
from harness.store.receipt_file import receipts_in
from test_suites.kit.hubs.hub_example import HubExample
from test_suites.kit.hubs.hub_serving import served
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.hubs.upload_desk import UploadDesk
from test_suites.unit.harness.cli.witness_desk import Desk


@pytest.fixture
def desk(desk_of_witness: Desk) -> Desk:
    return desk_of_witness


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[UploadDesk]:
    example = HubExample(tmp_path / "hub-example").make()
    with example.running() as opened:
        yield UploadDesk(example, opened)


@contextmanager
def reached(desk: Desk, hub: UploadDesk) -> Iterator[Callable[..., str]]:
    """Commands that end with the hub's address and a token."""
    token = desk.folder / "token"
    token.write_text("ama\n")
    with served(hub.app()) as url:

        def give(*words: str | Path) -> str:
            place = "--hub" if words[0] == "witness" else "--witness"
            return desk.accredit(*words, place, url, "--token-file", token)

        yield give


def test_11_a_hub_finds_what_was_rolled_back_with_the_receipts(desk: Desk, hub: UploadDesk) -> None:
    with reached(desk, hub) as give:
        give("witness", "send", "--out", desk.out)
        old = desk.kept()
        desk.measure_on()
        desk.record("Third Net")
        said = give("witness", "send", "--out", desk.out)
        assert "signed by https://hub.example.org (key" in said
        assert "they are unchanged" in give("registry", "verify", "--out", desk.out)
        assert "they are unchanged" in give("journal", "verify", desk.home)
        desk.put_back(old, with_receipts=True)
        assert "they are unchanged" in desk.verify("registry"), "its receipts are older too"
        with pytest.raises(InstrumentError, match="was rolled back: 2 entries here, 3 were"):
            give("registry", "verify", "--out", desk.out)
        with pytest.raises(InstrumentError, match=r"this journal does not continue .* rolled back"):
            give("journal", "verify", desk.home)
        with pytest.raises(InstrumentError, match="does not sign it: was rolled back"):
            give("witness", "send", "--out", desk.out)


def test_a_hub_keeps_in_its_registry_what_it_signed(desk: Desk, hub: UploadDesk) -> None:
    with reached(desk, hub) as give:
        give("witness", "send", "--out", desk.out)
        hub.example.clock.at += timedelta(days=1)
        give("witness", "send", "--out", desk.out)
    signed = [each for each in hub.example.events("owner") if "Witnessed" in type(each).__name__]
    assert 2 == len(signed), "what is signed again with a new time is not kept again"
    assert 2 == len(desk.receipts.read_bytes().splitlines())
    with reached(desk, hub) as give:  # a hub that was started anew
        assert "witness https://hub.example.org" in give("journal", "verify", desk.home)


@pytest.mark.parametrize(
    ("token", "words"),
    [("nobody", "token is unknown there"), ("grace", "the token lacks the scope upload")],
)
def test_who_may_not_send_is_told_why(desk: Desk, hub: UploadDesk, token: str, words: str) -> None:
    (desk.folder / "other").write_text(token)
    with served(hub.app()) as url, pytest.raises(UsageError, match=words):
        desk.accredit("witness", "send", "--out", desk.out, "--hub", url, "--token-file",
                      desk.folder / "other")  # fmt: skip


def test_a_hub_refuses_what_is_no_request(hub: UploadDesk) -> None:
    client, path = hub.client("ama"), "/api/v1/witness"
    chain = {"chain": "a" * 64, "entries": 1, "head": "b" * 64}
    twice = {"heads": [{"kind": "journal", "chains": [chain, chain]}]}
    bodies: list[dict[str, Any]] = [
        {}, {"heads": []}, twice, {"heads": [{"kind": "page", "chains": [chain]}]},
    ]  # fmt: skip
    for body in bodies:
        assert 422 == client.ask("POST", path, json=body).status_code
    assert 415 == client.ask("POST", path, content=b"{}").status_code
    assert 422 == client.ask("POST", f"{path}/find", json={"chains": ["a"]}).status_code
    assert 401 == hub.client().ask("POST", f"{path}/find", json={"chains": []}).status_code
    found = client.ask("POST", f"{path}/find", json={"chains": ["a" * 64]})
    assert [] == found.json()["answers"]


def test_another_key_of_a_hub_is_not_taken_unasked(desk: Desk, hub: UploadDesk) -> None:
    with reached(desk, hub) as give:
        give("witness", "send", "--out", desk.out)
        before = desk.receipts.read_bytes()
        said = receipts_in(desk.receipts)[0].statement
        stranger, _ = write_keys(desk.folder / "elsewhere", "stranger", 9)
        desk.receipts.write_bytes(signed_receipt(said, private_key_in(stranger)).encoded() + b"\n")
        with pytest.raises(UsageError, match="signs with another key"):
            give("witness", "send", "--out", desk.out)
        desk.receipts.write_bytes(before)
        give("witness", "send", "--out", desk.out)


def test_what_a_hub_cannot_answer_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = httpx.Client
    (desk.folder / "token").write_text("ama")
    send = ("witness", "send", "--out", desk.out, "--hub", "https://hub.example.org",
            "--token-file", desk.folder / "token")  # fmt: skip

    def answer(handle: Callable[[httpx.Request], httpx.Response]) -> None:
        transport = httpx.MockTransport(handle)
        monkeypatch.setattr(httpx, "Client", lambda **named: plain(**named, transport=transport))

    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route")

    cases: list[tuple[Any, type[Exception], str]] = [
        (broken, InstrumentError, "cannot be reached: no route"),
        (lambda _: httpx.Response(503), InstrumentError, "cannot witness now"),
        (lambda _: httpx.Response(200, text="<html>"), UsageError, "not the answers of a witness"),
        (lambda _: httpx.Response(200, json={"answers": []}), UsageError, "did not answer for"),
    ]
    for handle, kind, words in cases:
        answer(handle)
        with pytest.raises(kind, match=words):
            desk.accredit(*send)
    with pytest.raises(UsageError, match="give --token-file"):
        desk.verify("journal", "--witness", "https://hub.example.org")


def test_a_hub_knows_what_it_signed_of_its_own_campaigns(desk: Desk, hub: UploadDesk) -> None:
    old = desk.kept()
    desk.measure_on()
    with reached(desk, hub) as give:
        give("witness", "send", "--out", desk.out)
    home = hub.results / "autumn"
    for source in (desk.home, old / "autumn"):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(source, home, ignore=shutil.ignore_patterns("witness.jsonl"))
        ended = CliRunner().invoke(app, ["conclude", str(home), "--json"])
        if source == desk.home:
            (signed,) = json.loads(ended.stdout)["witnessed"]
            assert (signed["of"], signed["witness"]) == ("journal", "https://hub.example.org")
        else:
            assert isinstance(ended.exception, InstrumentError)
            assert "was rolled back" in str(ended.exception)
