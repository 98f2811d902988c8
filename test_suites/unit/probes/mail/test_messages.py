"""Each case of mail composes, holds what it is about and nothing else, and names no test."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.mail_case import CASES, MailCase, mail_case, message_id_of, reference_of
from harness.model.marker import MARKER_PREFIX
from probes import mail as mail_package
from probes.mail.attachments import PASSWORD_SENTENCE
from probes.mail.contents import LETTERS, letter_of
from probes.mail.invented import Draws, facts_of
from probes.mail.letter_form import blocks_of
from probes.mail.marks import gtube, language_marker
from probes.mail.messages import compose, needs_key
from probes.mail.mime_mail import Envelope, plain_text
from probes.mail.sender_domains import records_of
from probes.net.file_contents import Opening, eicar, holds_test_string
from probes.range.image_card import is_agreed
from test_suites.kit.networks.mail_writing import (
    AT,
    OUTSIDE,
    SCHOOL,
    body_of,
    digest_of,
    leaves,
    parsed,
    signing_key,
    text_of,
    written,
)

COMPOSED = tuple(case for case in CASES if case.variant != "corpus")
LOCKED = Opening()
"""A scanner that knows no password."""


def case_of(name: str) -> MailCase:
    case = mail_case(f"CTRL/mail:{name}")
    assert case is not None
    return case


SCHOOL_MAIL = case_of("in:ham:school")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mail_is_one_that_any_server_can_carry(case: MailCase) -> None:
    mail = written(case, digest_of(case.name))

    head, _, body = mail.partition(b"\r\n\r\n")
    assert body.endswith(b"\r\n")
    assert mail.isascii()
    assert mail.count(b"\r\n") == mail.count(b"\n") == mail.count(b"\r")
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert max(map(len, head.split(b"\r\n"))) <= 100
    assert not any(part.defects for part in parsed(mail).walk())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_has_the_fields_of_a_mail_each_once_and_its_own_message_id(case: MailCase) -> None:
    digest = digest_of(case.name)
    sender = OUTSIDE.sender(case, digest) if case.direction == "in" else SCHOOL
    mail = parsed(written(case, digest))

    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        assert 1 == len(mail.get_all(name, [])), name
    domain = sender.rpartition("@")[2]
    assert f"<{message_id_of(digest, domain)}>" == mail["Message-ID"]
    assert AT == mail["Date"].datetime
    assert mail["From"].addresses[0].domain == domain
    assert mail["From"].addresses[0].display_name
    assert ("head@school.test" if case.direction == "in" else "tester@outside.test") == mail["To"]
    assert "Received" not in mail


@pytest.mark.parametrize("case", COMPOSED, ids=lambda case: case.name)
def test_its_text_has_the_reference_and_nothing_in_it_names_the_test(case: MailCase) -> None:
    digest = digest_of(case.name)
    mail = parsed(written(case, digest))
    marker = language_marker(digest)

    assert 1 <= text_of(mail).count(reference_of(digest)) <= 2  # in plain text, and in HTML
    readable = b"\n".join(
        [part.as_bytes() for part in mail.walk()] + [body_of(part) for part in leaves(mail)]
    )
    # The origin's zone in the tests bears its name; that of a real origin does not.
    readable = readable.replace(b".canary.accredit.test", b"").replace(marker.encode(), b"")
    readable = readable.replace(gtube().encode(), b"").replace(b"school.test", b"")
    readable = readable.replace(eicar(), b"")
    for word in (b"accredit", b"probe", b"nonce", b"canary", b"marker", digest.encode()):
        assert word not in readable.lower()
    for part in mail.walk():
        assert not [name for name in part if name.lower().startswith("x-")]
        assert not {"User-Agent", "X-Mailer"} & set(part)


@pytest.mark.parametrize("case", COMPOSED, ids=lambda case: case.name)
def test_it_holds_what_its_case_is_about_and_nothing_else(case: MailCase) -> None:
    digest = digest_of(case.name)
    raw = written(case, digest)
    mail = parsed(raw)
    decoded = b"\n".join([str(mail["Subject"]).encode(), *(body_of(part) for part in leaves(mail))])

    assert (case.kind == "gtube") == (gtube().encode() in decoded)
    assert (case.kind == "language") == (language_marker(digest).encode() in decoded)
    assert (case.kind == "language") == (MARKER_PREFIX.encode() in decoded)
    assert (case.kind == "image") == is_agreed(decoded)
    files = [body_of(part) for part in leaves(mail)]
    assert (case.kind == "infected") == any(map(holds_test_string, files))
    assert (case.kind == "signed" or case.variant == "dkim") == ("DKIM-Signature" in mail)
    pictures = [part for part in leaves(mail) if body_of(part).startswith(b"\x89PNG")]
    assert (case.kind == "image" or case.variant in ("inline", "attached")) >= bool(pictures)


@pytest.mark.parametrize(
    ("variant", "place"),
    [
        ("text", ("text/plain", "7bit")), ("html", ("text/html", "7bit")),
        ("base64", ("text/plain", "base64")),
        ("quoted-printable", ("text/plain", "quoted-printable")),
        ("attached", ("text/plain", "7bit")),
    ],
)  # fmt: skip
def test_gtube_is_on_one_line_in_the_place_that_the_variant_names(
    variant: str, place: tuple[str, str]
) -> None:
    raw = written(case_of(f"in:gtube:{variant}"), digest_of(variant))
    mail = parsed(raw)

    holding = [part for part in leaves(mail) if gtube().encode() in body_of(part).splitlines()]
    assert [place] == [
        (part.get_content_type(), part["Content-Transfer-Encoding"]) for part in holding
    ]
    assert (variant in ("text", "html", "attached")) == (gtube().encode() in raw)
    kinds = [part.get_content_type() for part in mail.walk()]
    assert (variant == "attached") == ("message/rfc822" in kinds)


def test_the_broken_test_message_differs_in_one_letter_that_no_product_knows() -> None:
    wanted = gtube()
    for number in range(200):
        text = text_of(parsed(written(case_of("in:ham:broken"), digest_of(number))))
        (line,) = [line for line in text.splitlines() if "-ANTI-UBE-" in line or "GTUBE" in line]
        changed = [place for place in range(68) if line[place] != wanted[place]]

        assert (68, 1) == (len(line), len(changed))
        assert 0 not in changed  # rspamd knows GTUBE with Y, Z or A there


@pytest.mark.parametrize("direction", ["in", "out"])
def test_the_language_marker_and_mild_words_stand_in_the_same_places(direction: str) -> None:
    for variant in ("text", "subject", "html", "base64", "attachment"):
        digest = digest_of(variant)
        marked = parsed(written(case_of(f"{direction}:language:{variant}"), digest))
        mild = parsed(written(case_of(f"{direction}:mild:{variant}"), digest))

        marker = language_marker(digest)
        assert (variant == "subject") == (marker in marked["Subject"])
        assert (variant == "attachment") == (
            marker.encode() in b"".join(body_of(part) for part in marked.iter_attachments())
        )
        shape = [(part.get_content_type(), part.get_filename()) for part in marked.walk()]
        assert shape == [(part.get_content_type(), part.get_filename()) for part in mild.walk()]


@pytest.mark.parametrize("variant", ["inline", "attached"])
def test_a_picture_is_shown_in_the_text_or_attached(variant: str) -> None:
    for kind in ("image", "mild"):
        mail = parsed(written(case_of(f"in:{kind}:{variant}"), digest_of(variant)))

        (picture,) = [part for part in leaves(mail) if part.get_content_type() == "image/png"]
        assert (kind == "image") == is_agreed(body_of(picture))
        if variant == "inline":
            assert f"cid:{picture['Content-ID'].strip('<>')}" in text_of(mail)
        else:
            assert "attachment" == picture.get_content_disposition()


INFECTED = tuple(case for case in CASES if case.kind == "infected")


@pytest.mark.parametrize("case", INFECTED, ids=lambda case: case.name)
def test_a_clean_mail_differs_from_its_infected_twin_in_the_file_alone(case: MailCase) -> None:
    digest = digest_of(case.variant)
    infected = written(case, digest)
    clean = written(replace(case, kind="clean"), digest)

    assert infected != clean
    one, other = parsed(infected), parsed(clean)
    assert one.items() == other.items()
    for first, second in zip(one.walk(), other.walk(), strict=True):
        assert first.items() == second.items()
    lengths = [abs(len(infected) - len(clean)), len(infected)]
    assert lengths[0] < 150, lengths
    assert len(eicar()) == 68


@pytest.mark.parametrize("case", INFECTED, ids=lambda case: case.name)
def test_the_test_string_is_plain_only_where_it_has_to_be(case: MailCase) -> None:
    raw = written(case, digest_of(case.name))
    files = [body_of(part) for part in leaves(parsed(raw))]

    assert eicar() not in raw
    at_once = case.variant in ("plain", "double-name", "wrong-type", "quoted-printable", "attached")
    assert at_once == (eicar() in files)
    assert (case.variant != "encrypted") == any(holds_test_string(file, LOCKED) for file in files)


def test_variants_of_files_look_as_they_are_named() -> None:
    def attachment(variant: str) -> tuple[str, str]:
        mail = parsed(written(case_of(f"in:infected:{variant}"), digest_of(variant)))
        part = list(leaves(mail))[-1]
        name = re.sub(r"^[a-z-]+-\d\d", "", part.get_filename() or "")
        return name, part.get_content_type()

    octets = "application/octet-stream"
    assert (".pdf.com", octets) == attachment("double-name")
    assert (".png", "image/png") == attachment("wrong-type")
    assert (".zip", "application/zip") == attachment("zip")
    assert (".tar.gz", "application/gzip") == attachment("tar.gz")
    assert (".html", "text/html") == attachment("html")
    assert (".txt", octets) == attachment("attached")
    encrypted = text_of(parsed(written(case_of("in:infected:encrypted"), digest_of(1))))
    assert PASSWORD_SENTENCE in encrypted
    assert "begin 644 " in text_of(parsed(written(case_of("out:clean:uuencode"), digest_of(1))))


def test_a_forged_sender_is_one_that_no_record_allows() -> None:
    digest = digest_of("forged")
    senders = {name: OUTSIDE.sender(case_of(f"in:{name}"), digest) for name in
               ("forged:spf", "forged:dkim", "forged:own-domain", "signed:text", "ham:school")}  # fmt: skip

    domains = {name: sender.rpartition("@")[2] for name, sender in senders.items()}
    for name in ("forged:spf", "forged:dkim"):
        assert ("TXT", "v=spf1 ip4:192.0.2.1 -all") in (records_of(domains[name]) or ())
    for name in ("signed:text", "ham:school"):
        assert ("TXT", "v=spf1 ip4:127.0.0.1 -all") in (records_of(domains[name]) or ())
    assert "school.test" == domains["forged:own-domain"]


def test_a_mail_in_the_name_of_the_school_has_its_domain_whatever_the_envelope_says() -> None:
    case, digest = case_of("in:forged:own-domain"), digest_of(1)
    envelope = Envelope(
        sender="info@elsewhere.example", recipient=SCHOOL, school_domain="school.test", at=AT
    )

    mail = parsed(compose(case, digest, envelope))

    assert "info@school.test" == mail["From"].addresses[0].addr_spec
    assert f"<{message_id_of(digest, 'elsewhere.example')}>" == mail["Message-ID"]


@pytest.mark.parametrize("case", COMPOSED, ids=lambda case: case.name)
def test_the_same_digest_gives_the_same_mail_and_no_two_are_alike(case: MailCase) -> None:
    mails = [written(case, digest_of(f"{case.name} {number}")) for number in range(6)]

    assert mails[0] == written(case, digest_of(f"{case.name} 0"))
    assert len(mails) == len(set(mails)) == len({mail.partition(b"\r\n\r\n")[2] for mail in mails})


def test_there_are_thousands_of_different_school_mails() -> None:
    bodies = set()
    for number in range(2050):
        digest = digest_of(f"school mail {number}")
        mail = written(SCHOOL_MAIL, digest)
        # Without what every mail has of its own.
        words = mail.replace(reference_of(digest).encode(), b"")
        words = re.sub(rb"(?m)^(Message-ID|From):.*(\r\n .*)*", b"", words)
        words = re.sub(rb"(b\d_|=_|={15})[0-9a-f]{19,40}", b"", words)
        bodies.add(words)

    assert len(LETTERS) >= 40
    assert len(bodies) >= 2000


def test_school_mails_differ_in_their_structure() -> None:
    mails = [parsed(written(SCHOOL_MAIL, digest_of(number))) for number in range(300)]
    kinds = {part.get_content_type() for mail in mails for part in mail.walk()}
    texts = [text_of(mail) for mail in mails]

    assert {
        "text/plain", "text/html", "multipart/alternative", "multipart/mixed", "application/pdf",
        "text/csv", "text/calendar",
    } <= kinds  # fmt: skip
    assert any("List-Id" in mail and "List-Unsubscribe" in mail for mail in mails)
    assert any("In-Reply-To" in mail and mail["Subject"].startswith("Re: ") for mail in mails)
    assert any("\n-- \n" in text.replace("\r", "") for text in texts)
    assert any("\n> " in text.replace("\r", "") for text in texts)
    for words in ("breast", "Scunthorpe", "Penistone", "Middlesex", "Dick", "Cockburn", "ysgol|bws",
                  "rodzic|klasy", "Veuillez|élèves", "free school meals", "prize draw"):  # fmt: skip
        assert any(re.search(words, text) for text in texts), words


def test_each_letter_is_drawn_and_leaves_no_place_empty() -> None:
    drawn = {letter_of(SCHOOL_MAIL, Draws(digest_of(number))) for number in range(2000)}
    assert set(LETTERS) == drawn
    out = {letter_of(case_of("out:ham:school"), Draws(digest_of(one))) for one in range(2000)}
    assert {"office", "teacher"} == {letter.writer for letter in out}
    assert len(out) >= 25

    for number, letter in enumerate(LETTERS):
        draws = Draws(digest_of(number))
        blocks = blocks_of(letter, draws, AT, "31-402713-8841")
        subject = letter.subject.format_map(facts_of(draws, AT))
        assert not re.search(r"[{}]", "\n".join((subject, *blocks)))
        assert 1 == sum("31-402713-8841" in block for block in blocks)


def test_a_mail_without_what_it_needs_is_refused() -> None:
    envelope = Envelope(sender="a@b.test", recipient=SCHOOL, school_domain="school.test", at=AT)

    with pytest.raises(ValueError, match="needs the bytes of a mail of a corpus"):
        compose(case_of("in:spam:corpus"), digest_of(1), envelope)
    for case in CASES:
        if needs_key(case):
            with pytest.raises(UsageError, match="the mail cannot be signed"):
                compose(case, digest_of(1), envelope)
    assert {"in:signed:text", "in:forged:dkim"} == {case.name for case in CASES if needs_key(case)}


@pytest.mark.parametrize(
    "change",
    [{"sender": "nobody"}, {"sender": "@a.test"}, {"recipient": "jürgen@a.test"},
     {"recipient": "a@b.test\r\nBcc: c@d.test"}, {"at": datetime(2026, 1, 1)}],  # noqa: DTZ001
)  # fmt: skip
def test_an_envelope_that_cannot_be_sent_is_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {
        "sender": "a@b.test", "recipient": SCHOOL, "school_domain": "school.test", "at": AT,
    }  # fmt: skip

    with pytest.raises(ValueError, match=r"is not an address of mail|needs a zone"):
        Envelope(**good | change)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=40)
@given(
    local=st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", fullmatch=True),
    labels=st.lists(st.from_regex(r"[a-z0-9]{1,50}", fullmatch=True), min_size=1, max_size=3),
    case=st.sampled_from(COMPOSED),
)
def test_any_addresses_can_be_written_and_read_again(
    local: str, labels: list[str], case: MailCase
) -> None:
    address = f"{local}@{'.'.join(labels)}.test"
    envelope = Envelope(sender=address, recipient=address, school_domain="school.test", at=AT)

    raw = compose(case, digest_of(address), envelope, signing_key=signing_key())

    mail = parsed(raw)
    to = mail["To"].addresses[0]
    assert (local, address.rpartition("@")[2]) == (to.username, to.domain)
    assert f"<{message_id_of(digest_of(address), to.domain)}>" == mail["Message-ID"]
    assert raw.isascii()


def test_lines_are_filled_and_no_word_is_parted() -> None:
    words = [f"{'x' * length}-two-three" for length in range(1, 30)] + [gtube()] + ["x" * 90]

    lines = plain_text([" ".join(words), "kept\nas it is"]).splitlines()

    assert words == " ".join(lines[:-3]).split()
    assert all(len(line) <= 72 or " " not in line for line in lines)
    assert ["", "kept", "as it is"] == lines[-3:]


def test_no_source_holds_an_agreed_content_as_a_whole() -> None:
    folder = Path(mail_package.__path__[0])
    for path in sorted(folder.glob("*.py")):
        assert gtube() not in path.read_text("utf-8"), path
        assert eicar().decode() not in path.read_text("utf-8"), path
        assert eicar().decode().replace("\\", "\\\\") not in path.read_text("utf-8"), path
