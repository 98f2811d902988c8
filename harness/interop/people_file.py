"""Read what people stated, and what a supplier declares, from YAML files.

A file of answers is of one reviewer, so that each answers alone. All faults of a file are reported
by line, and then nothing of it is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.corpus import Item
from harness.model.declared import Declared, Time
from harness.model.facts import Facts
from harness.model.observation import AttemptKey, Observation
from harness.model.people_answer import PEOPLE_LINE
from harness.model.people_facts import PeopleAnswerFacts, SeenDocument, SupplierDeclarationFacts
from harness.model.people_question import CHOICES, UNKNOWN, Question, fault_of
from harness.model.person_names import identity_of, is_same_name
from harness.model.scheme import Day
from harness.model.service_log import ROUND
from harness.model.submission import Certification
from harness.untrusted.regular_file import open_regular
from harness.untrusted.visible_text import visible
from harness.yaml_reader import Document, KeyPath, dotted, read_document, validate

Add = Callable[[KeyPath, str, str], None]
"""Adds a fault: the keys where it is, what was found, and the remedy."""

MOST_DOCUMENTS = 20
LARGEST_DOCUMENT = 1024**3
"""Bytes of the largest document whose digest is computed."""

LONGEST_REVIEWER = 80
NAME_OR_ROLE = f"a name or a role of at most {LONGEST_REVIEWER} characters, without < and >"
Note = Annotated[str, Field(max_length=2000)]


class DocumentEntry(Declared):
    """A document that was looked at: its file, or that it was only shown."""

    name: Annotated[str, Field(max_length=200)] = ""
    file: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    shown: bool = False


class AnswerEntry(Declared):
    """The answers of one reviewer about one requirement."""

    requirement: str
    says: dict[str, Any]
    documents: Annotated[tuple[DocumentEntry, ...], Field(max_length=MOST_DOCUMENTS)] = ()
    note: Note = ""
    valid_until: Day | None = None


class AnswersFile(Declared):
    """A file of answers of one reviewer (a name or a role)."""

    reviewer: str
    answered: Time
    answers: Annotated[tuple[AnswerEntry, ...], Field(min_length=1, max_length=200)]


def read_answers(
    path: Path, questions: Mapping[str, Question], now: datetime
) -> tuple[PeopleAnswerFacts, ...]:
    """Read a file of answers; the digests of documents are computed from their files.

    Paths of documents are relative to the file. Raises UsageError, FaultyDocument with all faults.
    """
    document = read_document(path)
    written = validate(document, AnswersFile)
    faults: list[Fault] = []

    def add(at: KeyPath, found: str, remedy: str) -> None:
        faults.append(document.fault(document.line_of(at), dotted(at), found, remedy))

    if not is_name(visible_name(written.reviewer)):
        remedy = f"write {NAME_OR_ROLE}"
        add(("reviewer",), f"{written.reviewer[:40]!r} is no name or role", remedy)
    if written.answered > now:
        add(("answered",), f"{written.answered.isoformat()} is in the future", "check the clock")
    answers: dict[str, PeopleAnswerFacts] = {}
    for position, entry in enumerate(written.answers):
        at: KeyPath = ("answers", position)
        question = questions.get(entry.requirement)
        if question is None:
            found = f"nobody is asked about {entry.requirement!r}"
            add((*at, "requirement"), found, known(questions))
            continue
        if entry.requirement in answers:
            add((*at, "requirement"), f"{entry.requirement} is answered twice", "keep one")
        before = len(faults)
        said = _said(question, entry, written.answered, at, add)
        documents = _documents(entry, path.parent, at, add)
        why, remedy = lacking(question, said, documents, entry.note)
        if why and len(faults) == before:
            add(at, f"{entry.requirement}: {why}", remedy)
        answers[entry.requirement] = PeopleAnswerFacts(
            requirement=entry.requirement,
            reviewer=visible_name(written.reviewer),
            at=written.answered.astimezone(UTC),
            said=said,
            documents=documents,
            note=" ".join(entry.note.split()),
            until=entry.valid_until,
        )
    if faults:
        raise FaultyDocument(tuple(faults))
    return tuple(answers.values())


def visible_name(name: str) -> str:
    """A name or role with single spaces."""
    return " ".join(name.split())


def is_name(name: str) -> bool:
    """Whether a text can name a reviewer: it has letters, is short, and all of it is visible.

    ``<`` and ``>`` stand around an account, which only a hub writes.
    """
    is_shown = len(name) <= LONGEST_REVIEWER and visible(name) == name
    return is_shown and bool(identity_of(name)) and not {"<", ">"} & set(name)


def lacking(
    question: Question, said: Mapping[str, str], documents: tuple[SeenDocument, ...], note: str
) -> tuple[str, str]:
    """What an answer lacks as a whole, and the remedy; empty if nothing.

    Something that was found needs a document, and a judgement needs a reason.
    """
    stated = [one for one in question.asks if said.get(one.key, UNKNOWN) != UNKNOWN]
    is_found = any(one.kind not in CHOICES or said[one.key] in _FOUND for one in stated)
    if is_found and not documents:
        return "no document is named", "name at least one file, or one that was shown"
    if any(one.kind == "judgement" for one in stated) and not note.strip():
        return "a judgement without a reason", "write the reason as its note"
    return "", ""


_FOUND = frozenset({"present", "yes", "no", "adequate", "not adequate"})


def _said(
    question: Question, entry: AnswerEntry, answered: datetime, at: KeyPath, add: Add
) -> dict[str, str]:
    """The answers of an entry by their keys; adds a fault for each that is wrong or missing."""
    said: dict[str, str] = {}
    for key in entry.says:
        if question.ask(key) is None:
            keys = known([one.key for one in question.asks])
            add((*at, "says", key), f"{entry.requirement} does not ask for {key!r}", keys)
    for ask in question.asks:
        place: KeyPath = (*at, "says", ask.key)
        if ask.key not in entry.says:
            add((*at, "says"), f"{ask.key} is missing ({ask.words})", f"write {ask.form}")
            continue
        try:
            said[ask.key] = ask.read(_text_of(entry.says[ask.key]))
        except ValueError as error:
            add(place, f"{str(entry.says[ask.key])[:40]!r} is no answer", f"write {error}")
            continue
        why = fault_of(ask, said[ask.key], answered)
        if why:
            add(place, why, "check the day")
    return said


def _text_of(value: Any) -> str:
    """The text of a value of YAML, which reads days and numbers itself."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text_of, value))
    if isinstance(value, datetime) and value.tzinfo is None:
        return f"{value.isoformat()}+00:00"  # YAML: a time without an offset is of UTC
    return value.isoformat() if isinstance(value, date) else str(value)


def _documents(entry: AnswerEntry, folder: Path, at: KeyPath, add: Add) -> tuple[SeenDocument, ...]:
    documents = []
    for position, one in enumerate(entry.documents):
        place: KeyPath = (*at, "documents", position)
        if one.shown == (one.file is not None):
            remedy = "write file: PATH, or shown: true"
            add(place, "a document has a file, or was only shown: one of both", remedy)
        elif one.file is not None:
            try:
                documents.append(digested(folder / one.file, one.name))
            except UsageError as error:
                add((*place, "file"), str(error), "check the path")
        elif not one.name.strip():
            add(place, "a document that was shown needs a name", "write its title and its date")
        else:
            documents.append(SeenDocument(name=visible_name(one.name)))
    return tuple(documents)


def digested(path: Path, name: str = "") -> SeenDocument:
    """Return a document with the SHA-256 of its file. Raises UsageError if it cannot be read."""
    digest, size = hashlib.sha256(), 0
    try:
        with open_regular(path) as stream:
            while block := stream.read(1024 * 1024):
                digest.update(block)
                size += len(block)
                if size > LARGEST_DOCUMENT:
                    msg = f"{path}: larger than {LARGEST_DOCUMENT // 1024**3} GiB"
                    raise UsageError(msg)
    except FileNotFoundError:
        msg = f"{path}: no such file"
        raise UsageError(msg) from None
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from None
    if not size:
        msg = f"{path}: is empty"
        raise UsageError(msg)
    return SeenDocument(name=visible_name(name) or path.name, sha256=digest.hexdigest(), bytes=size)


def read_self_certification(path: Path, supplier: str, now: datetime) -> SupplierDeclarationFacts:
    """Read what a supplier certifies: of a submission, its supplier and its self-certification.

    ``supplier`` is that of the campaign; the file has to be of the same. Other parts of a
    submission are not looked at (``accredit submission check``). Raises UsageError, FaultyDocument.
    """
    content = read_document(path)
    data = content.data if isinstance(content.data, dict) else {}
    service = data.get("service")
    named = service.get("supplier") if isinstance(service, dict) else None
    if not isinstance(named, str) or "certification" not in data:
        key = "certification" if isinstance(named, str) else "service.supplier"
        remedy = "accredit init submission writes such a file"
        raise FaultyDocument((content.fault(None, key, "is missing", remedy),))
    written = validate(content, Certification, data["certification"], ("certification",))
    faults = list(_wrong(content, named, supplier, written.signed, now))
    if faults:
        raise FaultyDocument(tuple(faults))
    return SupplierDeclarationFacts(
        supplier=visible_name(named),
        signed=written.signed.astimezone(UTC),
        sha256=digested(path).sha256,
        claims={name: one.answer for name, one in written.answers.items()},
    )


def _wrong(
    content: Document, named: str, supplier: str, signed: datetime, now: datetime
) -> Iterator[Fault]:
    if supplier and not is_same_name(named, supplier):
        key: KeyPath = ("service", "supplier")
        found = f"{named[:80]!r} is not the supplier of the campaign"
        yield content.fault(content.line_of(key), dotted(key), found, f"it is {supplier}")
    if signed > now:
        key = ("certification", "signed")
        yield content.fault(content.line_of(key), dotted(key), "is in the future", "check the time")


def people_observation(
    campaign: str, name: str, facts: Facts, *, number: int, at: datetime, batch: int
) -> Observation:
    """Return the observation of what somebody stated about ``name``, at the time ``at``."""
    item = Item(id=f"people-{name}", value=name, labels=("CTRL",), kind="vector")
    key = AttemptKey(
        campaign=campaign,
        item=item.id,
        probe=PEOPLE_LINE,
        line=PEOPLE_LINE,
        profile=PEOPLE_LINE,
        round=ROUND + number,
    )
    return Observation(key=key, item=item, started=at, batch=batch, role="people", facts=facts)
