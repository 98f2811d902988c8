"""Letters, and what stands around their text: greeting, reference, closing, name, footers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from probes.mail.invented import FORENAMES, SURNAMES, Draws, facts_of

Writer = Literal["office", "teacher", "parent", "health", "council", "company", "charity", "list"]
"""Who writes a letter; *list* is a mailing list."""

OF_SCHOOL: frozenset[Writer] = frozenset(("office", "teacher"))
"""The writers who have an account at the school."""

Language = Literal["en", "cy", "pl", "fr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter with places for the facts of ``probes.mail.invented``, as ``{pupil}``.

    ``paragraphs`` are without greeting, reference and name. ``attached`` is the kind of a document
    of ``probes.mail.attachments``, or empty.
    """

    writer: Writer
    subject: str
    paragraphs: tuple[str, ...]
    attached: Literal["", "pdf", "docx", "csv", "ics"] = ""
    language: Language = "en"


GREETINGS: Mapping[Language, tuple[str, ...]] = {
    "en": ("Dear {parent},", "Dear colleague,", "Dear all,", "Hello,", "Good morning,"),
    "cy": ("Annwyl {parent},", "Annwyl bawb,", "Bore da,"),
    "pl": ("Dzień dobry,", "Szanowni Państwo,"),
    "fr": ("Bonjour,", "Madame, Monsieur,"),
}
REFERENCES: Mapping[Language, tuple[str, ...]] = {
    "en": (
        "Your reference: {}", "Our reference is {}.", "Reference number {}",
        "Please quote {} if you write to us.", "Ref. {}", "If you reply, please mention {}.",
    ),
    "cy": ("Eich cyfeirnod: {}", "Cyfeirnod {}"),
    "pl": ("Numer sprawy: {}", "W odpowiedzi proszę podać numer {}."),
    "fr": ("Votre référence : {}", "Référence {}"),
}  # fmt: skip
"""Sentences with the reference number of a mail (``harness.model.mail_case.reference_of``)."""
CLOSINGS: Mapping[Language, tuple[str, ...]] = {
    "en": ("Kind regards,", "Best wishes,", "Yours sincerely,", "With thanks,", "Regards,"),
    "cy": ("Cofion cynnes,", "Yn gywir,"),
    "pl": ("Pozdrawiam,", "Z poważaniem,"),
    "fr": ("Cordialement,", "Bien à vous,"),
}
_ORGANISATIONS: Mapping[Writer, tuple[str, ...]] = {
    "office": ("{school} Office", "{school}"),
    "health": ("School Nursing Team", "{place} Health Centre", "Screening Office {place}"),
    "council": ("{place} Council", "School Admissions {place}"),
    "company": ("{town} School Supplies", "Bell and {surname}", "{surname} Photography"),
    "charity": ("{place} Hospice", "{town} Community Fund"),
}
"""Names of writers who write in the name of an organisation."""
_ROLES = ("Class teacher", "Head of year", "School office", "Secretary", "Chair", "Coordinator")


def display_name(letter: Letter, draws: Draws, facts: Mapping[str, str]) -> str:
    """Return the name of the invented writer of a letter."""
    if names := _ORGANISATIONS.get(letter.writer):
        return draws.one_of("organisation", names).format_map(facts)
    forename, surname = _name(draws)
    return draws.one_of("form of name", (f"{forename} {surname}", f"{forename[0]}. {surname}"))


def local_part(letter: Letter, draws: Draws) -> str:
    """Return the local part of an address that fits the writer of a letter."""
    if letter.writer in _ORGANISATIONS:
        return draws.one_of("local part", ("office", "info", "contact", "admin", "enquiries"))
    forename, surname = _name(draws)
    forms = (f"{forename}.{surname}", f"{forename[0]}{surname}", f"{surname}{forename[0]}")
    return draws.one_of("local part", forms).lower()


def _name(draws: Draws) -> tuple[str, str]:
    return (
        draws.one_of("writer's forename", FORENAMES),
        draws.one_of("writer's surname", SURNAMES),
    )


def blocks_of(
    letter: Letter, draws: Draws, at: datetime, reference: str, further: tuple[str, ...] = ()
) -> list[str]:
    """Return the paragraphs of a letter from the greeting to the last footer.

    ``further`` are paragraphs after the text. A block with line ends is shown line by line, one
    whose lines begin with ``>`` is a quotation.
    """
    facts, language = facts_of(draws, at), letter.language
    paragraphs = [text.format_map(facts) for text in letter.paragraphs]
    sentence = draws.one_of("sentence", REFERENCES[language]).format(reference)
    greeting = draws.one_of("greeting", GREETINGS[language]).format_map(facts)
    closing = draws.one_of("closing", CLOSINGS[language])
    is_first = not draws.number("place of the reference", 4)
    text = [sentence, *paragraphs, *further] if is_first else [*paragraphs, *further, sentence]
    blocks = [
        greeting,
        *text,
        f"{closing}\n{display_name(letter, draws, facts)}",
        *_signature(letter, draws, facts),
    ]
    if letter.writer == "list":
        blocks.append(_list_footer(letter, draws))
    elif is_reply(letter, draws):
        blocks += _quotation(draws, at, facts)
    return blocks


def is_reply(letter: Letter, draws: Draws) -> bool:
    """Whether a letter answers another, which it quotes."""
    writes_alone = letter.writer in ("teacher", "parent") and letter.language == "en"
    return writes_alone and not letter.attached and not draws.number("is a reply", 4)


def _signature(letter: Letter, draws: Draws, facts: Mapping[str, str]) -> list[str]:
    kind = draws.number("signature", 4)
    if letter.writer in ("parent", "list") or not kind:
        return []
    role = draws.one_of("role", _ROLES) if letter.writer == "teacher" else "Office"
    lines = [role, facts["school"] if letter.writer in ("office", "teacher") else facts["place"]]
    lines += [f"Telephone {facts['phone']}"] * (kind > 1)
    return ["\n".join(("-- ", *lines))]


def _list_footer(letter: Letter, draws: Draws) -> str:
    name = list_name(letter)
    lines = (
        f"You receive this message because you are a member of the list {name}.",
        f"To leave it, write to {name}-leave with any subject.",
    )
    rule = draws.one_of("rule", ("_" * 47, "-" * 40, "--"))
    return "\n".join((rule, *lines[: 1 + draws.number("footer", 2)]))


def list_name(letter: Letter) -> str:
    """Return the name of the mailing list of a letter, as in its address."""
    return letter.subject.partition("]")[0].strip("[").lower()


def _quotation(draws: Draws, at: datetime, facts: Mapping[str, str]) -> list[str]:
    """Return the message that a reply quotes."""
    asked = draws.one_of(
        "question",
        ("Could you tell me more about {day}?", "When would suit you? {day} is difficult for me.",
         "Thank you. Is there anything that we should bring?", "Who can I ask about {subject}?"),
    )  # fmt: skip
    before = at - timedelta(hours=1 + draws.number("hours", 50))
    head = f"On {before:%d/%m/%Y %H:%M}, {facts['parent']} wrote:"
    return [head, f"> {asked.format_map(facts)}\n>\n> {facts['parent']}"]
