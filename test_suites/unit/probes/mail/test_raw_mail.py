"""Any mail is read within limits: what identifies it, how it was marked, and what it holds."""

from __future__ import annotations

import base64
import binascii
import io
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest

from harness.model.mail_case import message_id_of, reference_of
from harness.model.received_mail import Held, ReceivedMail
from probes.mail.marks import gtube, language_marker
from probes.mail.raw_mail import (
    LONGEST_VALUE,
    SPAM_FIELDS,
    read_mail,
)
from probes.net.file_contents import eicar
from probes.range.file_containers import in_container
from probes.range.image_card import AGREED, image_card

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DIGEST = "0123456789abcdef0123456789abcdef"
MARKER = language_marker(DIGEST)
NUMBER = reference_of(DIGEST)
OWN = message_id_of(DIGEST, "a.test")


def read(raw: bytes | EmailMessage) -> ReceivedMail:
    content = raw.as_bytes() if isinstance(raw, EmailMessage) else raw
    return read_mail(content, at=NOW, to=["c@d.test"], sender="s@a.test")


def message(text: str = "hello", subject: str = "Trip") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "s@a.test", "c@d.test", subject
    made["Message-ID"] = f"<{OWN}>"
    made.set_content(text)
    return made


def test_the_envelope_is_kept_in_lower_case_and_in_utc() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=5)))
    raw = message().as_bytes()
    mail = read_mail(raw, at=east, to=["<One@B.test>", "two@b.test", ""], sender="S@A.test")

    assert (NOW, UTC) == (mail.at, mail.at.tzinfo)
    assert ("one@b.test", "two@b.test") == mail.to
    assert ("s@a.test", len(raw), False) == (mail.sender, mail.size, mail.is_note)


def test_a_sender_cannot_make_a_note_that_the_receiver_works() -> None:
    for sender in ("note", "NOTE", "<note>", " note "):
        assert not read_mail(b"", at=NOW, sender=sender).is_note


# What identifies a mail


def test_the_own_id_is_the_first_and_others_follow() -> None:
    mail = message()
    mail["In-Reply-To"], mail["References"] = "<b@x>", "<a@x> <b@x>"
    mail["X-Original-Message-ID"] = "<was@x>"

    assert (OWN, "b@x", "a@x", "was@x") == read(mail).message_ids


@pytest.mark.parametrize(
    ("head", "ids"),
    [
        (b"", ()),
        (b"Subject: x\n\n", ()),
        (b"In-Reply-To: <a@x>\n\n", ("", "a@x")),
        (b"Message-ID: bare@x\n\n", ("bare@x",)),
        (b"Message-ID: two words\n\n", ()),
        (b"MESSAGE-ID:\r\n\t<folded@x>\r\n\r\n", ("folded@x",)),
        (b"Message-ID: <one@x>\nMessage-ID: <two@x>\n\n", ("one@x", "two@x")),
        (b"Message-ID: <a\x00b\xff@x>\n\n", ("ab\ufffd@x",)),
        (b"Message-ID: <" + b"a" * 400 + b"@x>\n\n", ()),
    ],
)
def test_a_mail_without_an_id_of_its_own_has_an_empty_one(
    head: bytes, ids: tuple[str, ...]
) -> None:
    assert ids == read(head).message_ids


def bounce(form: str) -> bytes:
    """A notice of non-delivery that names the mail in one of the ways that servers use."""
    head = (
        b"Message-ID: <bounce@mx>\nContent-Type: multipart/report; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nCould not be delivered.\n"
    )
    quoted = message(f"see {NUMBER}", f"Order {NUMBER}").as_bytes()
    parts = {
        "enclosed": b"Content-Type: message/rfc822\n\n" + quoted,
        "encoded": (
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(quoted)
        ),
        "global": b"Content-Type: message/global\n\n" + quoted,
        "headers": b"Content-Type: text/rfc822-headers\n\n" + quoted.partition(b"\n\n")[0],
        "status": (
            f"Content-Type: message/delivery-status\n\nOriginal-Message-ID: <{OWN}>\n"
            f"Diagnostic-Code: smtp; 550 spam {NUMBER}\n"
        ).encode(),
        "text": b"Content-Type: text/plain\n\nreturned:\n> Message-Id: "
        + f"<{OWN}>\n> Subject: {NUMBER}\n".encode(),
        "markup": b"Content-Type: text/html\n\n<p>Message-ID: "
        + f"&lt;{OWN}&gt;<p>{NUMBER}".encode(),
    }
    return head + b"--b\n" + parts[form] + b"\n--b--\n"


@pytest.mark.parametrize(
    "form", ["enclosed", "encoded", "global", "headers", "status", "text", "markup"]
)
def test_a_notice_of_non_delivery_names_the_mail_that_it_is_about(form: str) -> None:
    mail = read(bounce(form))

    assert ("bounce@mx", OWN) == mail.message_ids
    assert (NUMBER,) == mail.references
    assert "attachment" not in mail.holds


@pytest.mark.parametrize("cte", ["7bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_a_number_is_found_in_each_encoding(cte: str, subtype: str) -> None:
    mail = EmailMessage()
    mail.set_content(f"<p>{NUMBER}</p>, {NUMBER}.\n", subtype=subtype, cte=cte)

    assert NUMBER == read(mail).references[0]


@pytest.mark.parametrize(
    "written",
    [
        "27 098740 5603", "270987405603", "27-098740-\n5603", "2 7 0 9 8 7 4 0 5 6 0 3",
        "27\u200b-098740-5603", "\uff12\uff17-098740-5603", "27_098740_5603", "2026 27-098740-5603",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_spaced(written: str) -> None:
    mail = EmailMessage()
    mail.set_content(f"Our reference is {written}.\n")

    assert NUMBER in read(mail).references


def test_a_number_is_found_in_an_encoded_subject_and_in_other_charsets() -> None:
    encoded = base64.b64encode(f"für {NUMBER}".encode()).decode()
    assert (NUMBER,) == read(f"Subject: =?utf-8?B?{encoded}?=\n\nx".encode()).references
    wide = b"Content-Type: text/plain; charset=utf-16\n\n" + f"a {NUMBER} b".encode("utf-16")
    assert (NUMBER,) == read(wide).references


@pytest.mark.parametrize("text", [f"1{NUMBER}", f"{NUMBER}1", "31-4"])
def test_other_numbers_are_no_references(text: str) -> None:
    assert () == read(message(text)).references


# Marks


def test_each_field_of_a_product_marks_spam_and_its_opposite_does_not() -> None:
    for marked, unmarked in (
        ("X-Spam-Flag: YES", "X-Spam-Flag: NO"),
        ("X-Spam-Status: Yes, score=1002.0 required=5.0", "X-Spam-Status: No, score=0 yes"),
        ("X-Spam: Yes", "X-Spam: [F=0.01; S=0.01]"),
        ("X-MS-Exchange-Organization-SCL: 6", "X-MS-Exchange-Organization-SCL: 1"),
        ("X-Forefront-Antispam-Report: CIP:x;SFV:SPM;H:y", "X-Forefront-Antispam-Report: SFV:NSPM"),
        ("X-Forefront-Antispam-Report: SCL:9;SRV:", "X-Forefront-Antispam-Report: SCL:1;SFV:SKN"),
        ("X-Barracuda-Spam-Flag: YES", "X-Barracuda-Spam-Flag: NO"),
        ("X-Barracuda-Spam-Status: Yes, SCORE=9", "X-Barracuda-Spam-Status: No, SCORE=0"),
        (
            "X-Proofpoint-Spam-Details: rule=in_spam policy=x",
            "X-Proofpoint-Spam-Details: rule=outbound_notspam policy=x spamscore=0",
        ),
        ("X-TM-AS-Result: Yes-48.5-5.0", "X-TM-AS-Result: No--4.9-5.0"),
        ("X-KLMS-AntiSpam-Status: spam, bases", "X-KLMS-AntiSpam-Status: not_detected"),
        ("X-purgate-type: spam", "X-purgate-type: clean"),
        ("X-VR-SPAMSTATE: SPAM", "X-VR-SPAMSTATE: OK"),
        (
            "X-Ex-School-MailScanner-SpamCheck: spam, SpamAssassin",
            "X-MailScanner-SpamCheck: not spam",
        ),
        ("X-hMailServer-Spam: YES", "X-hMailServer-Reason-1: YES"),
        ("X-Assp-Spam: YES", "X-Assp-Spam-Prob: 0.1"),
        ("X-Bogosity: Spam, tests=bogofilter", "X-Bogosity: Ham, tests=bogofilter"),
        ("X-DSPAM-Result: Spam", "X-DSPAM-Result: Innocent"),
        ("X-Spambayes-Classification: spam; 0.98", "X-Spambayes-Classification: ham; 0.0"),
        ("X-CRM114-Status: SPAM ( -14.4 )", "X-CRM114-Status: Good ( 12 )"),
    ):
        assert 1 == len(read(f"Subject: x\n{marked}\n\nx".encode()).spam_marks), marked
        assert () == read(f"Subject: x\n{unmarked}\n\nx".encode()).spam_marks, unmarked
    assert len({field.name for field in SPAM_FIELDS}) == len(SPAM_FIELDS)


def test_a_mark_is_shown_with_its_name_and_shortened() -> None:
    raw = b"x-spam-status: Yes, score=9\n\ttests=" + b"A" * 3000 + b"\n\nx"
    (mark,) = read(raw).spam_marks

    assert mark.startswith("X-Spam-Status: Yes, score=9 tests=AAA")
    assert len(mark) <= LONGEST_VALUE + 20


@pytest.mark.parametrize(
    "subject",
    [
        "[SPAM] Trip", "***SPAM*** Trip", "*****SPAM***** Trip", "{Spam?} Trip", "Spam: Trip",
        "SPAM> x", "[SPAM 12.3] x", "[SUSPECTED SPAM] x", "<Possible Spam> x", "(Spam) x",
        "[ SPAM ] x", "##SPAM## x", "[SPAM- x", "[Junk Mail] x", "--SPAM-- x",
        "=?utf-8?Q?=5BSPAM=5D_Ausflug?=",
    ],
)  # fmt: skip
def test_a_tag_before_the_subject_marks_spam(subject: str) -> None:
    (mark,) = read(f"Subject: {subject}\n\nx".encode()).spam_marks

    assert mark.startswith("Subject: ")


@pytest.mark.parametrize(
    "subject",
    [
        "Trip", "How spam filters work", "Spam and eggs", "[Year 7] spam", "[Spam-free lunch] x",
        "[Junk model workshop]", "Spamalot: the play", "Re: no [SPAM] please", "", "*" * 900,
        "[Trip] Spam: x",
    ],
)  # fmt: skip
def test_words_about_spam_are_no_mark(subject: str) -> None:
    assert () == read(f"Subject: {subject}\n\nx".encode()).spam_marks


def test_marks_in_the_text_or_in_an_enclosed_mail_are_no_marks_of_the_mail() -> None:
    inner = b"Subject: [SPAM] x\nX-Spam-Flag: YES\n\nX-Spam-Flag: YES\n"

    assert () == read(b"Subject: x\n\nX-Spam-Flag: YES\n").spam_marks
    assert () == read(b"Content-Type: message/rfc822\n\n" + inner).spam_marks


def test_only_the_results_of_the_last_server_are_kept() -> None:
    raw = (
        b"Received: from local by mx.school.test; Sat, 28 Nov 2026 12:00:01 +0000\n"
        b"Received-SPF: fail (mx.school.test: not permitted)\n"
        b"Authentication-Results: mx.school.test;\n\tspf=fail smtp.mailfrom=a.test\n"
        b"Authentication-Results: other.test; dkim=pass\n"
        b"Authentication-Results: mx.school.test; dkim=fail\n"
        b"Received: from forger; Sat, 28 Nov 2026 12:00:00 +0000\n"
        b"Authentication-Results: mx.school.test; dmarc=pass\n"
        b"Received-SPF: pass\n\nAuthentication-Results: x; spf=pass\n"
    )

    assert (
        "Received-SPF: fail (mx.school.test: not permitted)",
        "Authentication-Results: mx.school.test; spf=fail smtp.mailfrom=a.test",
        "Authentication-Results: mx.school.test; dkim=fail",
    ) == read(raw).results


# What it holds


def holds(raw: bytes | EmailMessage) -> set[Held]:
    return set(read(raw).holds)


def attached(content: bytes, *, name: str = "a.bin", kind: str = "octet-stream") -> EmailMessage:
    made = message()
    made.add_attachment(content, maintype="application", subtype=kind, filename=name)
    return made


def zipped(content: bytes, name: str = "a.txt") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def test_a_plain_mail_holds_a_text_alone() -> None:
    assert {"text"} == holds(message())
    assert {"text"} == holds(b"\n\nhello")
    assert set() == holds(b"Subject: x\n\n \n")
    assert {"text", "attachment"} == holds(attached(b"report"))
    assert {"attachment"} == holds(
        b"Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nx"
    )


@pytest.mark.parametrize(
    "layers",
    [
        ("none",), ("zip",), ("zip", "zip"), ("zip AES-256",), ("tar", "gz"), ("docx",), ("xz",),
        ("html base64 smuggling",), ("uuencode",), ("quoted-printable",), ("mbox",), ("deep",),
    ],
)  # fmt: skip
def test_the_test_string_is_found_in_containers(layers: tuple[str, ...]) -> None:
    made = attached(in_container(eicar(), layers))

    assert {"text", "attachment", "test string"} == holds(made)


def test_the_test_string_is_found_wherever_a_mail_may_carry_it() -> None:
    outer = message()
    outer.add_attachment(attached(zipped(zipped(eicar()))))
    uu = b"begin 644 a.com\n" + b"".join([binascii.b2a_uu(eicar()[at : at + 45]) for at in (0, 45)])
    quoted = (
        b"Content-Type: application/x-msdownload\nContent-Transfer-Encoding: quoted-printable\n"
    )
    for raw in (
        outer,
        message(eicar().decode()),
        b"Subject: x\n\n" + uu + b"`\nend\n",
        quoted + b"\n" + eicar().replace(b"X", b"=58").replace(b"$", b"=24=\n"),
        attached(zipped(eicar()), kind="zip", name="x.docx"),
    ):
        assert "test string" in holds(raw)
    assert "attachment" in holds(b"Subject: x\n\n" + uu + b"`\nend\n")
    assert "test string" not in holds(message(eicar().decode()[:-1]))


def test_files_in_a_large_mail_are_opened_too() -> None:
    made = attached(zipped(eicar()))
    made.add_attachment("hello, world\n" * 200_000)

    assert "test string" in holds(made)
    wide = message("hello, world\n" * 200_000)
    wide.add_attachment(gtube().encode("utf-16"), maintype="text", subtype="x; charset=utf-16")
    assert {"text", "attachment", "GTUBE"} == holds(wide)


def test_each_agreed_text_is_found_in_each_encoding() -> None:
    for text, held in ((gtube(), "GTUBE"), (MARKER, "language marker")):
        inner = message(text)
        outer = message()
        outer.add_attachment(inner)
        html = message("plain")
        html.add_alternative(f"<p>{text[:9]}<b></b>{text[9:]}</p>", subtype="html", cte="base64")
        wide = b"Content-Type: text/plain; charset=utf-16\n\n" + text.encode("utf-16")
        file = message()
        file.add_attachment(f"x {text} y", filename="a.txt", cte="quoted-printable")
        for raw in (inner, outer, html, wide, file, message(subject=text)):
            assert held in holds(raw), raw
        assert held not in holds(message(text[:-1] + "\u00e9"))
        assert held not in holds(message(text.lower()))


def test_the_agreed_image_is_found_whatever_it_is_called() -> None:
    card = image_card(AGREED, ["w1"])

    assert {"text", "attachment", "agreed image"} == holds(attached(card))
    inline = message("look")
    inline.add_related(card, maintype="image", subtype="png", cid="<a@b>")
    assert "agreed image" in holds(inline)
    assert {"text", "attachment"} == holds(attached(image_card("another")))
