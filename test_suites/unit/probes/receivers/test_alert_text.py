"""Any mail becomes a bounded alert: its subject, its best text, and its priority."""

from __future__ import annotations

import base64
import time
import tracemalloc
from datetime import UTC, datetime
from email.message import EmailMessage

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.log_entry import AlertPriority
from harness.model.received_alert import LONGEST, ReceivedAlert
from probes.receivers.alert_text import (
    DEEPEST,
    LONGEST_ADDRESS,
    LONGEST_HEADER,
    LONGEST_SUBJECT,
    MOST_BYTES,
    MOST_PARTS,
    MOST_VISITED,
    clean,
    decoded_header,
    header_fields,
    opened_parts,
    parts_of,
    priority_of_word,
    read_message,
)
from probes.receivers.mailbox import alert_of_mail

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MARK = "ACCREDIT-MARKER-HARM-ab12"


def read(content: bytes) -> ReceivedAlert:
    return alert_of_mail(content, at=NOW, sender="a@b.test", to=("c@d.test",))


def check_bounded(alert: ReceivedAlert) -> None:
    """The alert is within its limits, and the same after it was written and read."""
    assert len(alert.text) <= LONGEST
    assert len(alert.subject) <= LONGEST_SUBJECT
    assert all(len(address) <= LONGEST_ADDRESS for address in (*alert.to, alert.sender))
    assert "\x00" not in alert.text + alert.subject + alert.sender + "".join(alert.to)
    assert "\n" not in alert.subject
    assert alert == msgspec.json.decode(msgspec.json.encode(alert), type=ReceivedAlert)


def test_the_recipients_are_those_of_the_envelope() -> None:
    alert = alert_of_mail(b"To: x@y.test\r\n\r\nhello", at=NOW, to=("a@b.test", "c@d.test"))

    assert ("a@b.test", "c@d.test") == alert.to
    assert ("mail", "hello", "", NOW) == (alert.channel, alert.text, alert.subject, alert.at)


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Alert: HARM", "Alert: HARM"),
        ("=?utf-8?B?R2Vmw6RocmxpY2hl?= =?utf-8?Q?_Suche?=", "Gefährliche Suche"),
        ("=?iso-8859-1?Q?Gef=E4hrlich?=", "Gefährlich"),
        ("=?koi8-r?B?7s/Xz9PU2A==?=", "Новость"),
        ("Gefährlich", "Gefährlich"),
        ("folded\r\n\tover =?utf-8?Q?two?=\r\n =?utf-8?Q?lines?=", "folded over twolines"),
        ("=?utf-8?B?!?=", ""),
        ("=?utf-8?B?a?=", "=?utf-8?B?a?="),
        ("=?nonsense?Q?a=C3=A4?=", "aä"),
        ("=?utf-8?Q?a=00b=0D=0ABcc:x?=", "ab Bcc:x"),
        ("=?punycode?Q?abc-?=", "abc-"),
    ],
)
def test_a_subject_is_decoded(header: str, subject: str) -> None:
    assert subject == read(f"Subject: {header}\r\n\r\nx".encode()).subject


def test_the_first_of_several_subjects_counts_and_names_have_any_case() -> None:
    assert "one" == read(b"SUBJECT: one\nsubject: two\n\nx").subject


def made(*, plain: str = "", markup: str = "", attached: bytes = b"") -> bytes:
    message = EmailMessage()
    message["Subject"] = "x"
    if plain:
        message.set_content(plain)
    if markup and plain:
        message.add_alternative(markup, subtype="html")
    elif markup:
        message.set_content(markup, subtype="html")
    if attached:
        message.add_attachment(attached, maintype="text", subtype="plain", filename="a.txt")
    return message.as_bytes()


@pytest.mark.parametrize("cte", ["7bit", "quoted-printable", "base64"])
def test_plain_text_is_preferred_in_each_transfer_encoding(cte: str) -> None:
    message = EmailMessage()
    message.set_content(f"{MARK}\n" if cte == "7bit" else f"{MARK} für Ann\n", cte=cte)
    message.add_alternative("<p>other</p>", subtype="html", cte=cte)

    assert read(message.as_bytes()).text.startswith(MARK)


def test_markup_is_shown_as_text_where_there_is_no_plain_text() -> None:
    html = f"<title>no</title><style>p{{}}</style><p>{MARK} f&uuml;r <b>Ann</b><script>x</script>"

    assert f"{MARK} für Ann" == " ".join(read(made(markup=html)).text.split())
    assert "plain" == read(made(plain="plain", markup=html)).text
    assert MARK in read(made(plain=" \n", markup=html)).text


def test_an_attachment_counts_only_where_there_is_nothing_else() -> None:
    assert "shown" == " ".join(read(made(markup="<p>shown</p>", attached=b"file")).text.split())
    alone = b"Content-Type: text/plain\nContent-Disposition: attachment\n\nfile"
    assert "file" == read(alone).text


def test_a_forwarded_message_is_read() -> None:
    inner = f"Subject: inner\n\n{MARK}".encode()
    assert MARK == read(b"Content-Type: message/rfc822\n\n" + inner).text
    mixed = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: message/rfc822\n\n'
    assert MARK == read(mixed + inner + b"\n--b--\n").text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"a\x00b\xffc", "ab\ufffdc"),
        (b"a\r\nb\rc", "a\nb\nc"),
        (b"\n\n a \n", "a"),
        (b"\xef\xbb\xbfa", "a"),
        (b"", ""),
    ],
)
def test_broken_texts_are_shown_as_far_as_they_go(body: bytes, text: str) -> None:
    assert text == read(b"Subject: x\r\n\r\n" + body).text


@pytest.mark.parametrize(
    "kind", ["utf-16", "utf-7", "punycode", "unicode_escape", "idna", "hex", "rot13", "no-such"]
)
def test_charsets_that_no_mail_should_have_break_nothing(kind: str) -> None:
    check_bounded(read(f"Content-Type: text/plain; charset={kind}\n\n\\N{{x}} +2AA- a".encode()))


def test_broken_base64_is_decoded_as_far_as_it_goes() -> None:
    whole = base64.b64encode(b"hello world, hello")
    head = b"Content-Transfer-Encoding: base64\n\n"
    assert "hello world, hello" == read(head + b"*" + whole[:9] + b" \n-" + whole[9:]).text
    for end in range(len(whole)):
        assert "hello world, hello".startswith(read(head + whole[:end]).text.rstrip("\ufffd"))


@pytest.mark.parametrize(
    ("headers", "priority"),
    [
        ("X-Priority: 1 (Highest)", "urgent"),
        ("X-Priority: 2", "urgent"),
        ("X-Priority: 3", "normal"),
        ("X-Priority: 5 (Lowest)", "low"),
        ("X-Priority: 10", ""),
        ("X-Priority: high", "urgent"),
        ("Importance: HIGH", "urgent"),
        ("Importance: low", "low"),
        ("Priority: urgent", "urgent"),
        ("Priority: non-urgent", "low"),
        ("Priority: normal", "normal"),
        ("X-MSMail-Priority: High", "urgent"),
        ("X-Priority: 3\nImportance: high", "urgent"),
        ("X-Priority: 5\nPriority: normal", "normal"),
        ("Importance: whatever", ""),
        ("Subject: urgent", ""),
    ],
)
def test_a_mail_states_its_priority(headers: str, priority: AlertPriority) -> None:
    assert priority == read(f"{headers}\n\nx".encode()).priority


def test_a_number_alone_states_no_priority() -> None:
    assert ["", "", "urgent"] == [priority_of_word(word) for word in ("1", "", " Critical ")]


def nested(levels: int, inner: bytes) -> bytes:
    message = b"Content-Type: text/plain\n\n" + inner
    for level in range(levels):
        boundary = b"b%d" % level
        head = b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n--" + boundary + b"\n"
        message = head + message + b"\n--" + boundary + b"--\n"
    return message


def test_nesting_and_parts_have_limits() -> None:
    assert MARK == read(nested(DEEPEST, MARK.encode())).text
    check_bounded(read(nested(2000, MARK.encode())))
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000
    assert MOST_PARTS == len(parts_of(*read_message(many)))
    assert "x" == read(many).text


HOSTILE = {
    "encoded words": b"Subject: " + b"=?a?q?bcd" * 110_000 + b"\n\nx",
    "message in message": b"Content-Type: message/rfc822\n\n" * 35_000,
    "headers": b"A: b\n" * 200_000 + b"\nx",
    "a folded header": b"Subject: a" + b"\n b" * 340_000 + b"\n\nx",
    "delimiters": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 250_000,
    "a long delimiter": b"Content-Type: multipart/mixed; boundary=" + b"b" * 1_000_000 + b"\n\nx",
    "nested tags": b"Content-Type: text/html\n\n" + b"<div>" * 200_000,
    "nested parts": nested(5000, b"x"),
    "blank lines": b"\n" * 1_000_000,
    "colons": b":" * 1_000_000,
    "parameters": b"Content-Type: multipart/mixed" + b'; boundary="' * 80_000 + b"\n\nx",
    "zeros": b"\x00" * 1_000_000,
    "escapes": b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=" * 1_000_000,
    "digits": b"Content-Type: text/plain; charset*999999999999999999999="
    + b"9" * 100_000
    + b"\n\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mails_take_little_time(name: str) -> None:
    began = time.process_time()
    check_bounded(read(HOSTILE[name][:MOST_BYTES]))

    assert time.process_time() - began < 10


def test_long_headers_are_cut_and_take_little_time() -> None:
    headers, _ = read_message(b"Subject: " + b"a" * 100_000 + b"\n\n")
    assert LONGEST_HEADER >= len(headers["subject"])
    began = time.process_time()
    decoded_header("=?a?q?bcd" * 100_000)

    assert time.process_time() - began < 10


ANY_TEXT = st.text(st.characters() | st.sampled_from("\ud800\udfff\x00\r\x85"), max_size=200)
PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: text/html; charset=utf-16\n",
        b"Content-Type: message/rfc822\n", b"Content-Transfer-Encoding: base64\n", b"\n", b"\r\n",
        b"Content-Transfer-Encoding: quoted-printable\n", b"--b\n", b"\n--b--\n", b"\n--b",
        b"Subject: =?utf-8?B?4p?= =?x?q?=ff?=\n", b"X-Priority: 1\n", b"\x00", b"\xff\xfe", b"=",
        b"<p>a", b"</", b"<!--", b"Content-Type: text/plain; charset=punycode\n", b" ", b":", b"a",
    ]
)  # fmt: skip


@given(st.binary(max_size=3000))
def test_any_bytes_become_a_bounded_alert(content: bytes) -> None:
    check_bounded(alert_of_mail(content, at=NOW))


@given(st.lists(PIECES | st.binary(max_size=20), max_size=60).map(b"".join))
def test_any_pieces_of_mails_become_a_bounded_alert(content: bytes) -> None:
    check_bounded(read(content))


def test_halves_of_characters_and_controls_are_removed() -> None:
    assert "a?b c\n\td" == clean("\x00 a\ud800b\x1b c\r\td\x85 ")


@given(ANY_TEXT, st.integers(min_value=0, max_value=100))
def test_any_text_is_cleaned_to_its_limit(text: str, longest: int) -> None:
    cleaned = clean(text, longest)

    assert len(cleaned) <= longest
    assert cleaned == clean(cleaned, longest)
    cleaned.encode()
    assert "\r" not in cleaned


@given(ANY_TEXT, st.text(max_size=10))
def test_any_addresses_and_headers_are_accepted(address: str, word: str) -> None:
    check_bounded(alert_of_mail(b"x", at=NOW, sender=address * 10, to=(address * 10, "")))
    assert len(decoded_header(f"=?{word}?B?{address}?= =?utf-8?Q?{word}?=")) <= LONGEST_SUBJECT


def test_fields_keep_their_order_and_repeats() -> None:
    fields, body = header_fields(b"B: 1\r\nA: 2\r\n\tx\r\nB: 3\r\nno field\r\n\r\nbody\r\n")

    assert [("b", "1"), ("a", "2\tx"), ("b", "3")] == fields
    assert b"body\n" == body


def test_headers_of_enclosed_messages_are_returned_from_the_outermost_to_the_innermost() -> None:
    inner = b"Subject: inner\n\nx"
    coded = b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(inner)
    middle = b"Subject: middle\nContent-Type: message/global\n" + coded
    headers, body = read_message(b"Content-Type: message/rfc822\n\n" + middle)
    opened = opened_parts(headers, body)

    assert ["middle", "inner"] == [each["subject"] for each in opened.enclosed]
    assert [b"x"] == [part.content for part in opened.parts]


def test_parts_that_hold_nothing_are_looked_at_only_so_often() -> None:
    empty = b"--a\nContent-Type: multipart/mixed; boundary=none\n\n\n" * (MOST_PARTS - 1)
    group = b"--b\nContent-Type: multipart/mixed; boundary=a\n\n" + empty + b"--a--\n"
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    for number, found in ((2, 1), (MOST_VISITED // MOST_PARTS + 1, 0)):
        assert found == len(parts_of(*read_message(head + group * number + b"--b\n\nx\n--b--\n")))


def test_nested_parts_take_no_memory_of_their_own() -> None:
    body = b"\n\n" + b"x\n" * MOST_BYTES
    for number in range(DEEPEST):
        head = f'Content-Type: multipart/mixed; boundary="b{number}"\n\n--b{number}\n'
        body = head.encode() + body
    headers, body = read_message(body)
    tracemalloc.start()
    try:
        assert 1 == len(parts_of(headers, body))
        assert tracemalloc.get_traced_memory()[1] < 2 * len(body)
    finally:
        tracemalloc.stop()
