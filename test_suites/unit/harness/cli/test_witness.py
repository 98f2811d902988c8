"""Heads that a witness signed: whatever was put back, taken out or exchanged is found and named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import InstrumentError, UsageError
from harness.fleet.witness import Answer, Answers, signed_receipt
from harness.signing import private_key_in
from harness.store.journal.journal import SegmentJournal, open_journal
from harness.store.receipt_file import receipts_in
from harness.store.registry.event_rows import event_of
from harness.store.registry.opening import open_registry
from test_suites.kit.hubs.keys import write_keys
from test_suites.unit.harness.cli.witness_desk import Desk


@pytest.fixture
def desk(desk_of_witness: Desk) -> Desk:
    return desk_of_witness


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
    said = receipts_in(path)[0].statement
    path.write_bytes(signed_receipt(said, private_key_in(stranger)).encoded() + b"\n")
    assert "(key" in desk.verify("journal"), "without a key only the key can be compared"
    with pytest.raises(InstrumentError, match="is no key that was given"):
        desk.verify("journal", "--witness-key", desk.public)
    with pytest.raises(InstrumentError, match="is no key that was given"):
        desk.verify("registry", "--witness", desk.book, "--witness-key", public)


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
    desk.accredit("registry", "rebuild", "--out", desk.out)
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
