"""Mails of a corpus keep what filters look at, lose their way here, and come from our domain."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from probes.mail import mail_corpus
from probes.mail.mail_corpus import corpus_mails, prepared, raw_mails
from probes.mail.mime_mail import Envelope
from test_suites.kit.networks.mail_writing import AT, body_of, digest_of, leaves, parsed

ENVELOPE = Envelope(
    sender="office@news-7f000001.example.org", recipient="head@school.test",
    school_domain="school.test", at=AT,
)  # fmt: skip
DIGEST = digest_of("corpus")
HEAD = b"From: Big Prize <winner@spam.example>\nSubject: You won\n"
MULTIPART = b"""\
Return-Path: <bounce@spam.example>
Received: from spam.example by mx.example; Mon, 1 Jan 2024 00:00:00 +0000
Received-SPF: pass
Delivered-To: somebody@private.example
Authentication-Results: mx.example; spf=pass
ARC-Seal: i=1; a=rsa-sha256
DKIM-Signature: v=1; a=rsa-sha256; d=spam.example;
\tb=abc
X-Spam-Status: Yes, score=20
X-Spam-Flag: YES
X-MS-Exchange-Organization-AntiSpam-Report: none
Disposition-Notification-To: winner@spam.example
Bcc: secret@private.example
X-Mailer: Bulk 1.0
Reply-To: Claims <claims@spam.example>
From: "Big, Prize" <winner@spam.example>
To: somebody@private.example
Subject: =?utf-8?q?You_=E2=82=AC_won?=
Date: Mon, 1 Jan 2024 00:00:00 +0000
Message-ID: <old@spam.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Gr\xc3\xbc\xc3\x9fe http://spam.example/claim
--b
Content-Type: text/html

<a href="http://spam.example/claim">Claim</a>
--b--
"""


def test_a_mail_keeps_its_contents_and_loses_its_way_here() -> None:
    raw = prepared(MULTIPART, ENVELOPE, DIGEST)
    mail = parsed(raw)

    assert "You € won" == mail["Subject"]
    assert ("Big, Prize", "winner@news-7f000001.example.org") == (
        mail["From"].addresses[0].display_name,
        mail["From"].addresses[0].addr_spec,
    )
    assert "Claims <claims@spam.example>" == mail["Reply-To"]
    assert "Bulk 1.0" == mail["X-Mailer"]
    assert ("head@school.test", AT) == (mail["To"], mail["Date"].datetime)
    assert mail["Message-ID"].endswith("@news-7f000001.example.org>")
    assert {"reply-to", "x-mailer", "from", "to", "date", "message-id", "subject", "mime-version",
            "content-type"} == {name.lower() for name in mail}  # fmt: skip
    for gone in (b"private.example", b"old@", b"mx.example", b"bounce@"):
        assert gone not in raw
    assert ["text/plain", "text/html"] == [part.get_content_type() for part in leaves(mail)]
    body = MULTIPART.partition(b"\n\n")[2].replace(b"\n", b"\r\n")
    assert raw.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("field", "name", "address"),
    [
        (b"a.b@x.example", "", "a.b"), (b"<a@x.example>", "", "a"), (b"a@x.example (Ann B)", "Ann B", "a"),
        (b"=?utf-8?b?Sm9zw6k=?= <j@x.example>", "José", "j"), ("Zoë <z@x.example>".encode(), "Zoë", "z"),
        (b"Z\xeb <z@x.example>", "Zë", "z"), (b'"A \\"B\\" C" <q@x.example>', 'A "B" C', "q"),
        (b"No address at all", "", "office"), (b"Bad <not an address>", "Bad", "office"),
        (b'Odd <"a b"@x.example>', "Odd", "office"), (b"Long <" + b"a" * 65 + b"@x.example>", "Long", "office"),
        (b"Folded\n\tName <f@x.example>", "Folded Name", "f"), (b"", "", "office"),
    ],
)  # fmt: skip
def test_the_sender_keeps_his_name(field: bytes, name: str, address: str) -> None:
    mail = parsed(prepared(b"From: " + field + b"\nSubject: x\n\ntext\n", ENVELOPE, DIGEST))

    sender = mail["From"].addresses[0]
    assert (name, f"{address}@news-7f000001.example.org") == (sender.display_name, sender.addr_spec)


def test_encoded_words_that_nobody_can_decode_stay_as_they_are() -> None:
    for name in (b"=?no-such-charset?q?x?=", b"=?utf-8?b?A?="):
        raw = prepared(b"From: " + name + b" <c@x.example>\n\n", ENVELOPE, DIGEST)

        assert b'From: "' + name + b'"\r\n <c@news-7f000001.example.org>\r\n' in raw


def test_line_ends_in_encoded_words_begin_no_field() -> None:
    raw = prepared(b"From: =?utf-8?q?A=0D=0ABcc:_b?= <a@b.example>\n\n", ENVELOPE, DIGEST)

    assert b'From: "ABcc: b"\r\n <a@news-7f000001.example.org>\r\n' in raw


def test_a_header_that_is_not_ascii_is_made_so_and_its_structure_stays() -> None:
    raw = prepared(
        "From: a@b.example\nSubject: Grüße\n an alle\nReply-To: Zoë <z@x.example>\n"
        'Content-Type: multipart/mixed; boundary="q"; name="ü"\n\n--q\n\nhello\n--q--\n'.encode(),
        ENVELOPE, DIGEST,
    )  # fmt: skip
    mail = parsed(raw)

    assert raw.isascii()
    assert "Grüße an alle" == mail["Subject"]
    assert "z@x.example" == mail["Reply-To"].addresses[0].addr_spec
    assert [b"hello"] == [body_of(part) for part in leaves(mail)]


def test_lines_that_are_too_long_are_broken() -> None:
    words = b"word " * 400 + b"x" * 2500
    header = b"References: " + b"<a@b> " * 300 + b"y" * 2000
    raw = prepared(HEAD + header + b"\n\n" + words + b"\n", ENVELOPE, DIGEST)

    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head, _, body = raw.partition(b"\r\n\r\n")
    assert words == body.replace(b"\r\n", b"")
    assert not any(line.strip() == b"" for line in head.split(b"\r\n"))
    assert "You won" == parsed(raw)["Subject"]


FROM = b"From x@y.example Thu Jan  1 00:00:00 2026\n"


def test_a_corpus_is_an_mbox_file_a_mail_or_a_folder(tmp_path: Path) -> None:
    first, second, third = (HEAD + b"\n%d\n" % number for number in range(3))
    box = mbox(tmp_path, first, second + b"\n>From here.\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in (("00002", second), ("00001", FROM + first), (".hidden", third)):
        (folder / name).write_bytes(content)

    assert [first, second + b"\nFrom here.\n"] == list(raw_mails(box))
    assert [first, second] == list(raw_mails(folder))
    (folder / "b.EML").write_bytes(third)
    assert [third] == list(raw_mails(folder)) == list(raw_mails(folder / "b.EML"))
    (folder / "b.EML").write_bytes(b"")
    assert [] == list(raw_mails(folder))


def mbox(folder: Path, *mails: bytes) -> Path:
    path = folder / "corpus.mbox"
    path.write_bytes(b"".join(FROM + mail + b"\n" for mail in mails))
    return path


def test_faulty_mails_are_reported_by_their_number_and_others_yielded_once(tmp_path: Path) -> None:
    good, other = HEAD + b"\nHello.\n", HEAD + b"\nOther.\n"
    faulty = (
        b"Subject: none\n\nx\n", HEAD + HEAD + b"\nx\n", b"no field here\n\n", HEAD + b"\na\0b\n",
        HEAD + b"X: y\n" * 501 + b"\n", b"\nbody alone\n", HEAD + b"X: " + b"y" * 300_000 + b"\n\n",
    )  # fmt: skip
    said: list[str] = []

    mails = list(corpus_mails(mbox(tmp_path, good, *faulty, good, other), said.append))

    assert [good, other] == [raw for _, raw in mails]
    assert [hashlib.blake2b(raw, digest_size=16).hexdigest() for _, raw in mails] == [
        digest for digest, _ in mails
    ]
    path = tmp_path / "corpus.mbox"
    assert [
        f"{path}: mail {number} is left out: {fault}"
        for number, fault in enumerate(
            ("it has no field From, or several", "it has no field From, or several",
             "a line of its header is no field (RFC 5322 section 2.2)", "it holds a NUL byte",
             "its header has more than 500 fields",
             "a line of its header is no field (RFC 5322 section 2.2)",
             "its header is larger than 256 KiB"), 2)
    ] == said  # fmt: skip
    for raw in faulty:
        with pytest.raises(ValueError, match="the mail of a corpus cannot be sent: "):
            prepared(raw, ENVELOPE, DIGEST)


def test_a_large_mail_and_a_large_corpus_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_corpus, "MOST_BYTES", 1024 * 1024)
    monkeypatch.setattr(mail_corpus, "MOST_MAILS", 2)
    said: list[str] = []
    path = mbox(tmp_path, HEAD + b"\n" + b"a\n" * 1024 * 1024, HEAD + b"\nx\n", HEAD + b"\ny\n")

    assert [HEAD + b"\nx\n"] == [raw for _, raw in corpus_mails(path, said.append)]
    assert [
        "mail 1 is left out: it is larger than 1 MiB",
        "mails after the first 2 are left out",
    ] == [one.removeprefix(f"{path}: ") for one in said]


def test_a_corpus_without_mails_is_refused_with_one_sentence(tmp_path: Path) -> None:
    empty = tmp_path / "folder"
    empty.mkdir()
    faulty = mbox(tmp_path, b"Subject: x\n\n")

    for path, said in (
        (empty, "it holds no mail; give an mbox file, or a folder"),
        (faulty, "none of its 1 mails can be used; give"),
        (tmp_path / "none", "cannot be read as mails: No such file"),
    ):
        with pytest.raises(UsageError, match=said):
            list(corpus_mails(path, lambda _: None))


FIELDS = st.lists(
    st.sampled_from([b"From: a <b@c>", b"From:", b"Subject: x", b"Subject : \xff\xfe", b" folded",
                     b"\t", b"X: " + b"z" * 1100, b"To: y", b"X-Spam: 1", b"Bcc: q", b"Reply-To: \xe9",
                     b"From: =?utf-8?b?A?= <\r@x>", b"Content-Type: text/plain; charset=\x80", b"\r",
                     b"From: =?utf-8?q?=0D=0ABcc:_a@b?= <a@b>"]),
    max_size=8,
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(fields=FIELDS, body=st.binary(max_size=1500), rest=st.binary(max_size=300))
@example(fields=[b"From: =?utf-8?q?=0D=0ABcc:_a@b?= <a@b>"], body=b"", rest=b"")
@example(fields=[b"From: a <b@c>", b"Subject: x", b"\t"], body=b"", rest=b"")
@example(fields=[b"From: a <b@c>"], body=b"a" * 1200, rest=b"")
def test_whatever_a_corpus_holds_is_sent_safely_or_refused(
    fields: list[bytes], body: bytes, rest: bytes
) -> None:
    for raw in (b"\n".join(fields) + b"\n\n" + body, rest):
        try:
            sent = prepared(raw, ENVELOPE, DIGEST)
        except ValueError:
            continue
        head = sent.partition(b"\r\n\r\n")[0]
        assert head.isascii()
        assert b"\0" not in sent
        assert sent.count(b"\r\n") == sent.count(b"\r") == sent.count(b"\n")
        assert max(map(len, sent.split(b"\r\n"))) <= 998
        names = [
            line.partition(b":")[0].strip().lower()
            for line in head.split(b"\r\n")
            if line[:1].strip()
        ]
        assert [1, 1, 1, 1] == [
            names.count(one) for one in (b"from", b"to", b"date", b"message-id")
        ]
        assert not {b"bcc", b"x-spam"} & set(names)
        assert not any(line.strip() == b"" for line in head.split(b"\r\n"))
