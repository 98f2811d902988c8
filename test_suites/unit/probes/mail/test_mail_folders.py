"""Mails are read from spools, mbox files and Maildir folders; what is none of them is refused."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FaultyDocument, UsageError
from harness.model.received_mail import ReceivedMail, note_at
from probes.mail import mail_folders
from probes.mail import mbox as mbox_file
from probes.mail.mail_folders import (
    MOST_NAMED,
    UNKNOWN,
    read_source,
    source_kind,
)
from probes.mail.mbox import LINE_BYTES
from probes.mail.raw_mail import read_mail
from probes.receivers.spool import ALERTS, MAILS, Spool

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FROM = b"From s@a.test Sat Nov 28 12:00:00 2026\n"


def mail(name: str, extra: bytes = b"", text: bytes = b"hello\n") -> bytes:
    head = f"Return-Path: <S@a.test>\nDelivered-To: c@d.test\nMessage-ID: <{name}@a.test>\n"
    return head.encode() + extra + b"\n" + text


def names(mails: Iterator[ReceivedMail]) -> list[str]:
    return [one.message_ids[0].partition("@")[0] for one in mails]


@pytest.fixture
def mbox(tmp_path: Path) -> Path:
    return tmp_path / "mbox"


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "maildir" / name).mkdir(parents=True)
    return tmp_path / "maildir"


def only(path: Path) -> ReceivedMail:
    (found,) = read_source(path)
    return found


# The three forms


def test_a_spool_is_read_with_its_notes(tmp_path: Path) -> None:
    path = tmp_path / "mails.jsonl"
    kept = read_mail(mail("a"), at=NOW, to=["c@d.test"], sender="s@a.test")
    with Spool(path, MAILS) as spool:
        spool.append(note_at(NOW))
        spool.append(kept)
    lines: list[bytes] = []

    assert "spool" == source_kind(path)
    assert [note_at(NOW), kept] == list(read_source(path, lines.append))
    assert path.read_bytes() == b"".join(lines)


def test_a_spool_of_alerts_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    with Spool(path, ALERTS) as spool:
        spool.append(ALERTS.note_at(NOW))

    with pytest.raises(UsageError, match="holds received alerts, not mails"):
        list(read_source(path))


def test_an_mbox_file_is_read_mail_by_mail(mbox: Path) -> None:
    mbox.write_bytes(FROM + mail("a") + b"\n" + FROM + mail("b", text=b"x\n\nFrom you\n") + b"\n")
    pieces: list[bytes] = []
    first, second = read_source(mbox, pieces.append)

    assert "mbox" == source_kind(mbox)
    assert mbox.read_bytes() == b"".join(pieces)
    assert (("a@a.test",), ("c@d.test",), "s@a.test", NOW, ("text",)) == (
        first.message_ids,
        first.to,
        first.sender,
        first.at,
        first.holds,
    )
    assert (len(mail("a")), "b@a.test") == (first.size, second.message_ids[0])


def test_an_empty_mbox_holds_no_mail(mbox: Path) -> None:
    mbox.touch()

    assert [] == list(read_source(mbox))


@pytest.mark.parametrize(
    "line",
    [
        FROM,
        FROM.replace(b"\n", b"\r\n"),
        b"From - Sat Nov 28 12:00:00 2026\n",
        b"From MAILER-DAEMON Sat Nov  8 12:00:00 2026\n",
        b"From 1234@xxx Sat Nov 28 12:00:00 +0000 2026\n",
        b'From "a b"@c.test Sat Nov 28 12:00 GMT 2026\n',
    ],
)
def test_each_form_of_the_line_before_a_mail_is_known(line: bytes, mbox: Path) -> None:
    end = b"\r\n" if line.endswith(b"\r\n") else b"\n"
    content = b"".join(line + mail(name).replace(b"\n", end) + end for name in "abc")
    mbox.write_bytes(content)

    assert ["a", "b", "c"] == names(read_source(mbox))


def test_quoted_lines_lose_one_sign(mbox: Path) -> None:
    text = b"a\n\n>From x Sat Nov 28 12:00:00 2026\n>>From y\n> From z\n"
    mbox.write_bytes(FROM + mail("a", text=text) + b"\n")

    assert len(mail("a", text=text)) - 2 == only(mbox).size


def test_a_line_in_a_text_that_is_no_start_of_a_mail_ends_none(mbox: Path) -> None:
    inside = b"x\n" + FROM + b"\nFrom the headmaster: come at 10:00\n\n" + b"y" * LINE_BYTES + FROM
    mbox.write_bytes(FROM + mail("a", text=inside) + b"\n" + FROM + mail("b"))

    assert ["a", "b"] == names(read_source(mbox))


def test_a_maildir_folder_is_read_without_its_subfolders(maildir: Path) -> None:
    for name, content in (
        ("cur/1000.M2.host:2,S", mail("b")),
        ("new/999.M1.host", mail("a")),
        ("new/1001.M3.host", mail("c").rstrip(b"\n")),
        ("cur/.nfs01", b"no mail"),
        ("tmp/1002.M4.host", mail("unfinished")),
        ("dovecot-uidlist", b"3 V1"),
    ):
        (maildir / name).write_bytes(content)
    junk = maildir / ".Junk"
    for name in ("cur", "new"):
        (junk / name).mkdir(parents=True)
    (junk / "cur" / "1000.M5.host:2,").write_bytes(mail("j"))

    assert "maildir" == source_kind(maildir)
    assert ["b", "c", "a"] == names(read_source(maildir)), "in the order of their names"
    assert ["j"] == names(read_source(junk))


# Envelope and time


def test_the_time_is_that_of_the_topmost_received_field(maildir: Path) -> None:
    file = maildir / "new" / "1"
    received = (
        b"Received: from a by b; Sat, 28 Nov 2026 13:00:05 +0100\n"
        b"Received: from c by a; Sat, 28 Nov 2026 01:00:00 +0000\n"
    )
    for extra, at in (
        (received, NOW + timedelta(seconds=5)),
        (b"Received: from a by b; Sat, 28 Nov 2026 12:00:00 -0000 (GMT)\n", NOW),
        (b"Received: from a by b; not a time\n", NOW - timedelta(days=1)),
        (b"Received: x; Sat, 31 Dec 9999 23:59:59 -1200\n", NOW - timedelta(days=1)),
        (b"Received: x; 99 Nov 99999999999999 99:99\n", NOW - timedelta(days=1)),
        (b"", NOW - timedelta(days=1)),
    ):
        file.write_bytes(mail("a", extra))
        os.utime(file, ((NOW - timedelta(days=1)).timestamp(),) * 2)
        assert at == only(maildir).at, extra


def test_an_mbox_mail_without_received_field_has_the_time_of_its_from_line(mbox: Path) -> None:
    for line, at in (
        (FROM, NOW),
        (b"From s@a.test Sat Nov 28 13:00:00 +0100 2026\n", NOW),
        (b"From s@a.test Sat Nov 28 99:00:00 2026\n", datetime.fromtimestamp(0, UTC)),
    ):
        mbox.write_bytes(line + mail("a"))
        os.utime(mbox, (0, 0))
        assert at == only(mbox).at, line


def test_a_file_from_the_far_future_is_read(maildir: Path) -> None:
    file = maildir / "new" / "1"
    file.write_bytes(mail("a"))
    with contextlib.suppress(OSError):
        os.utime(file, (2**34, 2**34))

    assert only(maildir).at > NOW


@pytest.mark.parametrize(
    ("line", "fields", "sender"),
    [
        (FROM, b"Return-Path: <P@a.test>\nFrom: f@a.test\n", "p@a.test"),
        (FROM, b"Return-Path: <>\nFrom: f@a.test\n", ""),
        (FROM, b"From: f@a.test\n", "s@a.test"),
        (FROM.replace(b"s@a.test", b"MAILER-DAEMON"), b"From: f@a.test\n", ""),
        (FROM.replace(b"s@a.test", b"-"), b'From: "A, B" <F@a.test>\n', "f@a.test"),
        (FROM.replace(b"s@a.test", b"-"), b"", UNKNOWN),
        (FROM.replace(b"s@a.test", b"note"), b"Return-Path: <note>\n", "<note>"),
    ],
)
def test_only_a_server_says_that_a_mail_is_a_bounce(
    line: bytes, fields: bytes, sender: str, mbox: Path
) -> None:
    mbox.write_bytes(line + fields + b"\nhello\n")

    assert (sender, False) == (only(mbox).sender, only(mbox).is_note)


@pytest.mark.parametrize(
    ("fields", "to"),
    [
        (b"Delivered-To: A@b.test\nTo: x@y.test\n", ("a@b.test",)),
        (b"X-Original-To: a@b.test\nDelivered-To: c@b.test\n", ("a@b.test", "c@b.test")),
        (b"Envelope-To: a@b.test, c@b.test\n", ("a@b.test", "c@b.test")),
        (b'To: "X, x@y" <a@b.test>,\n c@b.test\nCc: D <d@b.test>\n',
         ("a@b.test", "c@b.test", "d@b.test")),
        (b"To: undisclosed-recipients:;\n", ()),
        (b"", ()),
    ],
)  # fmt: skip
def test_the_recipients_are_those_of_the_delivery_else_those_addressed(
    fields: bytes, to: tuple[str, ...], mbox: Path
) -> None:
    mbox.write_bytes(FROM + fields + b"\nhello\n")

    assert to == only(mbox).to


# What is refused


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n", b"\n" + FROM, b"Subject: x\n\nx\n", b"From the headmaster: come at 10\n",
        b"\x1f\x8b\x08", b"\0" * 100, b"From " + b"x" * LINE_BYTES,
    ],
)  # fmt: skip
def test_other_files_are_refused(content: bytes, mbox: Path) -> None:
    mbox.write_bytes(content)
    with pytest.raises(UsageError, match=r"neither a spool of mails nor an mbox file; give a"):
        list(read_source(mbox))


def test_other_places_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "half" / "cur").mkdir(parents=True)
    (tmp_path / "loop").symlink_to("loop")
    for name, said in (
        ("pipe", "is a pipe"),
        ("/dev/zero", "is a device"),
        ("none", "no such file"),
        ("loop", "cannot be read"),
        ("half", "is no Maildir folder: it holds no folder 'new'"),
        (".", "holds no folder 'cur'"),
    ):
        with pytest.raises(UsageError, match=said):
            list(read_source(tmp_path / name))


def test_a_last_mail_that_is_cut_off_is_reported_and_not_read(mbox: Path) -> None:
    whole = FROM + mail("a") + b"\n" + FROM
    mbox.write_bytes(whole + mail("b").rstrip(b"\n"))
    mails = read_source(mbox)
    assert "a@a.test" == next(mails).message_ids[0]
    with pytest.raises(FaultyDocument, match=r":8: the last mail is cut off") as refused:
        next(mails)

    assert 8 == refused.value.faults[0].line


def test_what_is_no_file_in_a_maildir_folder_is_reported_at_the_end(maildir: Path) -> None:
    secret = maildir / "secret"
    secret.write_bytes(mail("secret"))
    (maildir / "new" / "1").symlink_to(secret)
    (maildir / "new" / "2").symlink_to("nowhere")
    os.mkfifo(maildir / "new" / "3")
    (maildir / "cur" / "4").mkdir()
    (maildir / "cur" / "5").write_bytes(mail("a"))
    mails = read_source(maildir)

    assert "a@a.test" == next(mails).message_ids[0]
    with pytest.raises(FaultyDocument) as refused:
        next(mails)
    assert ["symbolic", "symbolic", "pipe", "folder"] == [
        next(word for word in ("symbolic", "pipe", "folder") if word in fault.found)
        for fault in refused.value.faults
    ]


def test_a_mail_that_vanished_while_the_folder_was_read_is_reported(maildir: Path) -> None:
    for name in ("1", "2"):
        (maildir / "new" / name).write_bytes(mail(name))
    mails = read_source(maildir)
    next(mails)
    (maildir / "new" / "2").unlink()
    with pytest.raises(FaultyDocument, match="No such file"):
        next(mails)


def test_few_faults_are_named_and_folders_have_a_limit(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MOST_NAMED + 20):
        (maildir / "new" / str(number)).symlink_to("x")
    with pytest.raises(FaultyDocument) as refused:
        list(read_source(maildir))
    assert MOST_NAMED == len(refused.value.faults)

    monkeypatch.setattr(mail_folders, "MOST_MAILS", 10)
    with pytest.raises(UsageError, match="more than 10 mails"):
        list(read_source(maildir))


# Size


def test_a_large_mbox_is_read_as_a_stream(mbox: Path) -> None:
    with mbox.open("wb") as file:
        for number in range(30):
            file.write(FROM + mail(str(number), text=b"x, " * 20_000 + b"\n") + b"\n")
    tracemalloc.start()
    try:
        assert 30 == sum(1 for _ in read_source(mbox))
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024 < mbox.stat().st_size
    finally:
        tracemalloc.stop()


def test_of_a_mail_that_is_too_large_the_beginning_is_read(
    mbox: Path, maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (mail_folders, mbox_file):
        monkeypatch.setattr(module, "MOST_BYTES", 200_000)
    large = mail("large", text=b"x\n" * 200_000)
    mbox.write_bytes(FROM + large + b"\n" + FROM + mail("next"))
    (maildir / "new" / "1").write_bytes(large)
    first, second = read_source(mbox)

    assert ("large@a.test", "next@a.test") == (first.message_ids[0], second.message_ids[0])
    assert len(large) + 1 == first.size
    assert len(large) == only(maildir).size


PIECES = st.sampled_from(
    [FROM, b"\n", b"\r\n", b">From x\n", mail("a"), b"From ", b"To: ", b'"<,', b"(" * 50, b"{"]
)


@given(st.lists(PIECES | st.binary(max_size=60), max_size=12))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.mbox"
    for content in (b"".join(pieces), FROM + b"".join(pieces)):
        path.write_bytes(content)
        with contextlib.suppress(UsageError):
            assert all(isinstance(one, ReceivedMail) for one in islice(read_source(path), 50))


@given(st.lists(st.binary(min_size=1, max_size=300).filter(lambda text: b"From " not in text)))
def test_each_mail_of_an_mbox_file_is_found(
    tmp_path_factory: pytest.TempPathFactory, texts: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "whole.mbox"
    path.write_bytes(b"".join(FROM + mail("a", text=text + b"\n") + b"\n" for text in texts))

    assert len(texts) == sum(1 for _ in read_source(path))
