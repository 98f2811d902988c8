"""Heads that a witness signed: whatever was put back, taken out or exchanged is found and named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from harness.cli import witness as witness_verbs
from harness.cli.main import app
from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import Answer, Answers, checked, read_answers, signed_receipt
from harness.signing import private_key_in
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.registry.event_rows import event_of
from harness.store.registry.opening import open_registry
from test_suites.hub_serving import served
from test_suites.keys import write_keys
from test_suites.sent_bundles import SentBundles, batches_of
from test_suites.set_clock import SetClock
from test_suites.unit.harness.cli.hub_example import HubExample
from test_suites.unit.harness.cli.registry_words import ACME, NOW
from test_suites.unit.harness.cli.upload_desk import UploadDesk

BETA = ("--supplier", "Beta")


class Desk:
    """A folder of results with a journal and a registry, and a witness with a key of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.further = folder, folder / "out", folder / "further"
        self.home = self.out / "autumn"
        self.journal, self.registry = self.home / "journal", self.out / "registry.sqlite"
        (folder / "elsewhere").mkdir(exist_ok=True)
        self.key, self.public = write_keys(folder / "elsewhere", "witness", 7)
        self.book = self.key.with_name("witness.signed.jsonl")
        self.receipts = self.out / "registry.sqlite.witness.jsonl"
        self.number = 0

    def accredit(self, *words: str | Path) -> str:
        """Give a command; its standard output. Raises what the command raises."""
        ended = CliRunner().invoke(app, [str(word) for word in words])
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        assert ended.exit_code == 0, ended.output
        return " ".join(ended.stdout.split())

    def record(self, name: str, *whose: str) -> None:
        self.accredit("registry", "add", "service", name, *(whose or ACME), "--out", self.out)

    def asked(self) -> Path:
        """A new request."""
        self.number += 1
        path = self.folder / f"request-{self.number}.json"
        self.accredit("witness", "ask", "--to", path, "--out", self.out)
        return path

    def signed(self, request: Path) -> Path:
        """The answer of the witness."""
        path = request.with_name(request.name.replace("request", "answer"))
        self.accredit("witness", "sign", request, "--key", self.key, "--to", path, "--name", "Ama")
        return path

    def add(self, answer: Path, key: Path | None = None) -> str:
        return self.accredit(
            "witness", "add", answer, "--out", self.out, "--witness-key", key or self.public
        )

    def witnessed(self) -> None:
        """Have everything signed, and the receipts kept."""
        self.add(self.signed(self.asked()))

    def verify(self, what: str, *words: str | Path) -> str:
        place = ("journal", "verify", self.home) if what == "journal" else (
            "registry", "verify", "--out", self.out
        )  # fmt: skip
        return self.accredit(*place, *words)

    def kept(self, name: str = "kept") -> Path:
        """A copy of the folder of results as it is now."""
        return Path(shutil.copytree(self.out, self.folder / name))

    def put_back(self, kept: Path, *, with_receipts: bool) -> None:
        """Put an older state back; the receipts stay unless they are put back as well."""
        paths = (self.receipts, self.journal / "witness.jsonl")
        newer = {path: path.read_bytes() for path in paths if path.exists()}
        shutil.rmtree(self.out)
        shutil.copytree(kept, self.out)
        for path, content in {} if with_receipts else newer.items():
            path.write_bytes(content)

    def measure_on(self) -> None:
        with (
            closing(open_journal(self.further)) as whole,
            closing(open_journal(self.journal)) as on,
        ):
            for number, found in batches_of(whole)[-2:]:
                on.append(number, found)
                on.seal()


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results: a journal that lacks its last two batches, and a registry of two suppliers.

    Beside them the whole journal is in the folder ``further``.
    """
    bundles = SentBundles(tmp_path_factory.mktemp("measured"))
    made = Desk(tmp_path_factory.mktemp("results"))
    journal = bundles.measure()
    with closing(open_journal(journal)) as whole:
        whole.seal()
        shutil.copytree(journal, made.further)
        with closing(SegmentJournal.create(made.journal, whole.document)) as shorter:
            for number, found in batches_of(whole)[:-2]:
                shorter.append(number, found)
            shorter.seal()
    made.record("Safe Net")
    made.record("Other Net", *BETA)
    return made.folder


@pytest.fixture
def desk(tmp_path: Path, measured: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(witness_verbs, "clock", SetClock(NOW))
    return Desk(Path(shutil.copytree(measured, tmp_path / "desk")))


# The ways in which somebody who can write every file hides what happened.


def test_what_was_signed_is_named_while_everything_continues_it(desk: Desk) -> None:
    assert "no witness: nothing shows" in desk.verify("journal")
    desk.witnessed()
    desk.measure_on()
    desk.record("Third Net")
    said = desk.verify("journal"), desk.verify("registry", "--witness", desk.book)
    for each in said:
        assert "witness Ama (key" in each
        assert "on 2026-03-02 09:00 UTC; they are unchanged" in each


def test_1_a_journal_that_was_rolled_back(desk: Desk) -> None:
    old = desk.kept()
    desk.measure_on()
    desk.witnessed()
    desk.put_back(old, with_receipts=False)
    with pytest.raises(InstrumentError, match=r"signed on .* was rolled back: .* entries here"):
        desk.verify("journal")
    with pytest.raises(InstrumentError, match="was rolled back"):
        desk.accredit("conclude", desk.home)


def test_2_a_registry_that_was_rolled_back(desk: Desk) -> None:
    old = desk.kept()
    desk.record("Third Net")
    desk.witnessed()
    desk.put_back(old, with_receipts=False)
    with pytest.raises(InstrumentError, match="was rolled back: 2 entries here, 3 were signed"):
        desk.verify("registry")


def test_3_a_stream_that_was_removed(desk: Desk) -> None:
    desk.witnessed()
    with closing(sqlite3.connect(desk.registry)) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for table in ("stream_events", "streams", "derived_rows"):
            connection.execute(f"DELETE FROM {table} WHERE stream = 'supplier:beta'")
        connection.commit()
    with pytest.raises(InstrumentError, match=r"a stream of 2 entries .* was removed"):
        desk.verify("registry")


def test_4_rolled_back_with_the_receipts(desk: Desk) -> None:
    old = desk.kept()
    desk.measure_on()
    desk.record("Third Net")
    desk.witnessed()
    desk.put_back(old, with_receipts=True)
    assert "no witness: nothing shows" in desk.verify("journal")
    for what in ("journal", "registry"):
        with pytest.raises(InstrumentError, match=r"witness Ama .* was rolled back"):
            desk.verify(what, "--witness", desk.book)
    request = desk.asked()
    with pytest.raises(InstrumentError, match="not signed: was rolled back: 2 entries here"):
        desk.signed(request)


def test_5_a_receipt_of_another_journal(desk: Desk, tmp_path: Path) -> None:
    desk.witnessed()
    with closing(open_journal(desk.further)) as whole:
        document = whole.document
    other = tmp_path / "other" / "journal"
    changed = {"campaign": json.dumps(json.loads(document["campaign"]) | {"campaign": "winter"})}
    SegmentJournal.create(other, document | changed).close()
    shutil.copy(desk.journal / "witness.jsonl", other)
    with pytest.raises(InstrumentError, match="holds the receipt of another journal"):
        desk.accredit("journal", "verify", other)
    (other / "witness.jsonl").unlink()
    with pytest.raises(UsageError, match="signed no head of this journal, so nothing was compared"):
        desk.accredit("journal", "verify", other, "--witness", desk.book)


@pytest.mark.parametrize("change", ["time", "entries", "signature", "key", "type", "line"])
def test_6_a_receipt_that_was_changed(desk: Desk, change: str) -> None:
    desk.witnessed()
    path = desk.journal / "witness.jsonl"
    receipt = json.loads(path.read_bytes())
    held = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])["envelope"]
    if change in {"time", "entries"}:
        payload = msgspec.json.decode(msgspec.convert(held["payload"], bytes))
        if change == "time":
            payload["at"] = "2026-03-01T09:00:00Z"
        else:
            payload["chains"][0]["entries"] -= 1
        receipt["envelope"]["payload"] = msgspec.to_builtins(msgspec.json.encode(payload))
    elif change == "signature":
        receipt["envelope"]["signatures"][0]["sig"] = msgspec.to_builtins(bytes(64))
    elif change == "key":
        receipt["key"] = "ab" * 32
    elif change == "type":
        receipt["envelope"]["payloadType"] = "application/json"
    path.write_text("{}\n" if change == "line" else json.dumps(receipt) + "\n")
    with pytest.raises(InstrumentError, match="receipt of a witness"):
        desk.verify("journal")


def test_7_a_receipt_signed_by_another_key(desk: Desk) -> None:
    desk.witnessed()
    stranger, public = write_keys(desk.folder / "elsewhere", "stranger", 9)
    path = desk.journal / "witness.jsonl"
    said = checked(read_answers(_answers(path), path).answers[0].receipt, path).statement  # type: ignore[arg-type]
    path.write_bytes(signed_receipt(said, private_key_in(stranger)).encoded() + b"\n")
    assert "(key" in desk.verify("journal"), "without a key only the key can be compared"
    with pytest.raises(InstrumentError, match="is no key that was given"):
        desk.verify("journal", "--witness-key", desk.public)
    with pytest.raises(InstrumentError, match="is no key that was given"):
        desk.verify("registry", "--witness", desk.book, "--witness-key", public)


def _answers(path: Path) -> bytes:
    lines = path.read_bytes().splitlines()
    return b'{"format":"accredit-witness-answers/1","answers":[{"receipt":%s}]}' % lines[0]


def test_8_a_registry_written_anew_with_more_events(desk: Desk) -> None:
    desk.witnessed()
    with closing(sqlite3.connect(desk.registry)) as connection:
        bodies = connection.execute(
            "SELECT stream, body FROM stream_events ORDER BY stream, position"
        ).fetchall()
    desk.registry.unlink()
    (opened, _), others = bodies[:2], bodies[2:]
    with open_registry(desk.registry, create=True) as registry:
        for stream, body in (opened, *others):
            event = event_of(body)
            assert event is not None
            with registry.writing(stream) as access:
                access.append(event, is_kept=True)
    for name in ("New Net", "Newer Net", "Newest Net"):
        desk.record(name)
    with pytest.raises(InstrumentError, match="was rewritten: entry 2 is not the one that was"):
        desk.verify("registry")


def test_9_a_registry_that_was_deleted(desk: Desk) -> None:
    desk.witnessed()
    desk.registry.unlink()
    with pytest.raises(InstrumentError, match="heads of a registry that is not here any more"):
        desk.accredit("conclude", desk.home)


def test_10_records_of_the_instrument_that_were_taken_out(desk: Desk) -> None:
    shutil.rmtree(desk.journal)
    shutil.copytree(desk.further, desk.journal)
    desk.witnessed()
    (desk.journal / "instrument.jsonl").unlink()
    head = json.loads((desk.journal / "head.json").read_text())
    del head["chains"]["instrument.jsonl"]
    (desk.journal / "head.json").write_bytes(msgspec.json.encode(head) + b"\n")
    with pytest.raises(InstrumentError, match=r"a part of .* entries that was signed is not here"):
        desk.verify("journal")


# What the files of a witness say, and when they are refused.


def test_names_do_not_leave_the_machine(desk: Desk) -> None:
    request = desk.asked().read_text()
    for name in ("acme", "beta", "safe net", "supplier", "autumn"):
        assert name not in request.lower()


def test_the_key_of_a_witness_has_to_be_given_once(desk: Desk) -> None:
    answer = desk.signed(desk.asked())
    with pytest.raises(UsageError, match="the key of this witness is not known"):
        desk.accredit("witness", "add", answer, "--out", desk.out)
    _, stranger = write_keys(desk.folder / "elsewhere", "stranger", 9)
    with pytest.raises(UsageError, match="no key that was given"):
        desk.add(answer, stranger)
    assert not desk.receipts.exists()
    desk.add(answer)
    desk.accredit("witness", "add", desk.signed(desk.asked()), "--out", desk.out)
    assert 2 == len(desk.receipts.read_bytes().splitlines())


def test_an_answer_about_something_else_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    answer = desk.signed(desk.asked())
    with pytest.raises(UsageError, match="neither a journal nor a registry"):
        desk.accredit("witness", "add", answer, "--out", tmp_path / "nothing")
    shutil.rmtree(desk.home)
    with pytest.raises(UsageError, match="is about a journal that is not here"):
        desk.add(answer)
    refused = tmp_path / "refused.json"
    refused.write_bytes(msgspec.json.encode(Answers(answers=(Answer(refused="no"),))))
    with pytest.raises(InstrumentError, match="the witness does not sign: no"):
        desk.add(refused)


def test_reports_name_the_witness_or_say_that_there_is_none(desk: Desk) -> None:
    def concluded(*words: str) -> str:
        ended = CliRunner().invoke(app, ["conclude", str(desk.home), *words])
        assert not isinstance(ended.exception, InstrumentError), ended.exception
        return ended.stdout

    assert [] == json.loads(concluded("--json"))["witnessed"]
    assert "no witness signed the heads" in " ".join(concluded().split())
    desk.witnessed()
    found = json.loads(concluded("--json"))["witnessed"]
    assert [("journal", "Ama"), ("registry", "Ama")] == [(x["of"], x["witness"]) for x in found]
    assert "witness: Ama (key" in " ".join(concluded().split())
    page = desk.folder / "report.html"
    CliRunner().invoke(app, ["report", str(desk.home), "--out", str(page)])
    assert "Ama (key" in page.read_text()


# A hub as the witness.


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
        said = checked(read_answers(_answers(desk.receipts), "x").answers[0].receipt, "x").statement  # type: ignore[arg-type]
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
