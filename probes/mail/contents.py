"""What a mail of each kind says and holds: its subject, its body and its further fields."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage, MIMEPart

from harness.model.mail_case import MailCase, MailKind, reference_of
from probes.mail.attachments import (
    IN_TEXT,
    PASSWORD_SENTENCE,
    attachment,
    document,
    file_name,
    payload,
    uuencoded,
)
from probes.mail.invented import FORENAMES, SUBJECTS, SURNAMES, Draws, facts_of
from probes.mail.letter_form import OF_SCHOOL, Letter, blocks_of, is_reply, list_name
from probes.mail.letters_in_languages import LETTERS as IN_LANGUAGES
from probes.mail.letters_of_school import LETTERS as OF_SCHOOLS
from probes.mail.letters_to_school import LETTERS as TO_SCHOOLS
from probes.mail.marks import gtube, language_marker
from probes.mail.mime_mail import (
    Attached,
    Fields,
    TextCoding,
    file_part,
    html_text,
    joined,
    message_part,
    plain_text,
    text_part,
    with_fields,
)
from probes.range.image_card import AGREED, image_card

LETTERS: tuple[Letter, ...] = OF_SCHOOLS + TO_SCHOOLS + IN_LANGUAGES
"""All letters of legitimate school mail."""
_OUTGOING = tuple(letter for letter in LETTERS if letter.writer in OF_SCHOOL)


def _short(subject: str, *paragraphs: str) -> Letter:
    """A short note without any striking word. It carries what a test is about."""
    return Letter(writer="teacher", subject=subject, paragraphs=paragraphs)


NOTES = (
    _short("Meeting on {date}", "I have put the meeting on {date} at {time}, in {room}."),
    _short("{subject} for {class}", "Thank you for your message about {subject} in {class}."),
    _short("The plan for {day}", "Here is the plan for {day}. {teacher} has seen it already."),
    _short("Room change", "On {day} we are in {room} instead, at {hour} as usual."),
    _short("Notes from today", "These are my notes from today. Please add what I forgot."),
    _short("Books for {year}", "We need {count} copies of Treasure Island for {year}."),
    _short("Thank you", "Thank you for your help with {year} on {date}. It went very well."),
    _short("Question about {date}", "Is {date} at {time} still right? {teacher} was not sure."),
    _short("Seating plan", "The seating plan for {class} is done. {other} sits at the front."),
    _short("Music on {day}", "The choir meets on {day} at {time}. {count} children have joined."),
    _short("Garden club", "The beans are up. We water them on {day}, after {hour}."),
    _short("Chess club", "{count} children came to the chess club. The next one is on {date}."),
)
"""The notes, each with facts to be filled in."""

ATTACHED = (
    "It is attached.",
    "Please see the attachment.",
    "I have attached what you asked for.",
    "You will find it with this message.",
)
"""Sentences that mention an attachment."""

_GTUBE_START = 1
"""The first letter of GTUBE that may be changed: other products know it with another first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A mail that is being written: what it is about, and what it is drawn from.

    ``domains`` are those of its sender and its recipient.
    """

    case: MailCase
    draws: Draws
    at: datetime
    domains: tuple[str, str]

    @property
    def letter(self) -> Letter:
        """The letter or note that the mail begins with."""
        return letter_of(self.case, self.draws)

    @property
    def subject(self) -> str:
        """The subject of the letter."""
        return self.letter.subject.format_map(facts_of(self.draws, self.at))

    def blocks(self, *further: str) -> list[str]:
        """Return the paragraphs of the letter with its reference number."""
        reference = reference_of(self.draws.digest)
        return blocks_of(self.letter, self.draws, self.at, reference, further)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The content of a mail: its subject, its body with its own fields, and fields of the mail."""

    subject: str
    body: EmailMessage
    fields: tuple[tuple[str, str], ...] = ()


def letter_of(case: MailCase, draws: Draws) -> Letter:
    """Return the letter of a mail: of school mail one of many, else a short note."""
    if (case.kind, case.variant) != ("ham", "school"):
        return draws.one_of("note", NOTES)
    return draws.one_of("letter", LETTERS if case.direction == "in" else _OUTGOING)


def content_of(writing: Writing) -> Content:
    """Return the content of a mail of any case but those of a corpus."""
    return _MAKERS[writing.case.kind](writing)


def _note(writing: Writing, *further: str) -> Content:
    return Content(subject=writing.subject, body=text_part(plain_text(writing.blocks(*further))))


def _with_parts(writing: Writing, *parts: MIMEPart) -> Content:
    """A note with attachments."""
    text = text_part(plain_text(writing.blocks(writing.draws.one_of("attached", ATTACHED))))
    return Content(subject=writing.subject, body=joined("mixed", (text, *parts)))


def _ham(writing: Writing) -> Content:
    if writing.case.variant == "broken":
        return _note(writing, broken_gtube(writing.draws))
    letter, draws = writing.letter, writing.draws
    blocks = writing.blocks()
    is_foreign = letter.language != "en"
    coding: TextCoding | None = "base64" if is_foreign and draws.number("coding", 2) else None
    body = text_part(plain_text(blocks), coding=coding)
    if draws.number("has HTML", 2):
        body = joined("alternative", (body, text_part(html_text(blocks, draws), "html", coding)))
    if letter.attached:
        title = writing.subject
        file = document(letter.attached, title, " ".join(blocks[1:-1]), draws, writing.at)
        body = joined("mixed", (body, file_part(file)))
    if letter.writer == "list":
        return Content(subject=writing.subject, body=body, fields=_list_fields(writing))
    if is_reply(letter, draws):
        quoted = f"<{draws.hexadecimal('quoted message', 20)}@{writing.domains[1]}>"
        fields = (("In-Reply-To", quoted), ("References", quoted))
        return Content(subject=f"Re: {writing.subject}", body=body, fields=fields)
    return Content(subject=writing.subject, body=body)


def _list_fields(writing: Writing) -> tuple[tuple[str, str], ...]:
    """The fields of a mailing list (RFC 2369, RFC 2919)."""
    name, domain = list_name(writing.letter), writing.domains[0]
    return (
        ("List-Id", f"<{name}.{domain}>"),
        ("List-Unsubscribe", f"<mailto:{name}-leave@{domain}>"),
        ("Precedence", "list"),
    )


def broken_gtube(draws: Draws) -> str:
    """Return GTUBE with one letter changed, so that it is the test message no more."""
    whole = gtube()
    places = [place for place, one in enumerate(whole) if one in string.ascii_uppercase]
    place = draws.one_of("changed letter", [place for place in places if place >= _GTUBE_START])
    others = string.ascii_uppercase.replace(whole[place], "")
    return whole[:place] + draws.one_of("other letter", others) + whole[place + 1 :]


def _gtube(writing: Writing) -> Content:
    return _with_sentence(writing, gtube())


def _language(writing: Writing) -> Content:
    return _with_sentence(writing, language_marker(writing.draws.digest))


def _mild(writing: Writing) -> Content:
    if writing.case.variant in ("inline", "attached"):
        return _with_picture(writing, f"picture {writing.draws.hexadecimal('picture', 16)}")
    draws = writing.draws
    return _with_sentence(writing, f"{draws.one_of('words', SUBJECTS)} first, then the others.")


def _image(writing: Writing) -> Content:
    return _with_picture(writing, AGREED)


def _with_sentence(writing: Writing, sentence: str) -> Content:
    """A note with a sentence in the place that the variant names."""
    draws, subject = writing.draws, writing.subject
    match writing.case.variant:
        case "html":
            body = text_part(html_text(writing.blocks(sentence), draws), "html")
        case "base64":
            body = text_part(plain_text(writing.blocks(sentence)), coding="base64")
        case "quoted-printable":
            body = text_part(plain_text(writing.blocks(sentence)), coding="quoted-printable")
        case "attached":
            return _with_parts(
                writing, message_part(_enclosed(writing, text_part(sentence + "\n")))
            )
        case "attachment":
            text = f"{subject}\r\n\r\n{sentence}\r\n".encode()
            file = Attached(file_name(draws, "txt"), "text/plain", text)
            return _with_parts(writing, file_part(file))
        case "subject":
            return Content(subject=f"{subject}: {sentence}", body=_note(writing).body)
        case _:
            return _note(writing, sentence)
    return Content(subject=subject, body=body)


def _enclosed(writing: Writing, content: EmailMessage) -> EmailMessage:
    """An older message that a mail encloses; ``content`` is its body."""
    draws, domain = writing.draws.within("enclosed"), writing.domains[0]
    forename, surname = draws.one_of("forename", FORENAMES), draws.one_of("surname", SURNAMES)
    fields = Fields(
        sender=f"{forename}.{surname}@{domain}".lower(),
        display=f"{forename} {surname}",
        recipient=f"{draws.one_of('recipient', SURNAMES)}@{domain}".lower(),
        subject=draws.one_of("note", NOTES).subject.format_map(facts_of(draws, writing.at)),
        at=writing.at - timedelta(minutes=30 + draws.number("minutes", 6000)),
        message_id=f"{draws.hexadecimal('id', 24)}@{domain}",
    )
    return with_fields(content, fields, draws)


def _with_picture(writing: Writing, seed: str) -> Content:
    draws = writing.draws
    file = Attached(file_name(draws, "png"), "image/png", image_card(seed))
    if writing.case.variant == "attached":
        return _with_parts(writing, file_part(file))
    name = f"{draws.hexadecimal('picture id', 16)}@{writing.domains[0]}"
    page = text_part(html_text(writing.blocks(), draws, name), "html")
    return Content(subject=writing.subject, body=joined("related", (page, file_part(file, name))))


def _infected(writing: Writing) -> Content:
    return _with_file(writing, payload(writing.draws, infected=True))


def _clean(writing: Writing) -> Content:
    return _with_file(writing, payload(writing.draws, infected=False))


def _with_file(writing: Writing, file: bytes) -> Content:
    """A note with a file in the container that the variant names."""
    draws, variant = writing.draws, writing.case.variant
    if variant == IN_TEXT:
        return _note(writing, uuencoded(file, draws))
    if variant == "attached":
        inside = file_part(attachment("plain", file, draws))
        text = text_part(f"{draws.one_of('attached', ATTACHED)}\n")
        return _with_parts(
            writing, message_part(_enclosed(writing, joined("mixed", (text, inside))))
        )
    part = file_part(attachment(variant, file, draws))
    if variant != "encrypted":
        return _with_parts(writing, part)
    text = text_part(plain_text(writing.blocks(PASSWORD_SENTENCE)))
    return Content(subject=writing.subject, body=joined("mixed", (text, part)))


_MAKERS: Mapping[MailKind, Callable[[Writing], Content]] = {
    "gtube": _gtube,
    "ham": _ham,
    "infected": _infected,
    "clean": _clean,
    "language": _language,
    "image": _image,
    "mild": _mild,
    "walled": _note,
    "partner": _note,
    "forged": _note,
    "signed": _note,
}
