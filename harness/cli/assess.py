"""``accredit assess``: record what people state of documents, records and conversations.

Two reviewers answer about each requirement, each alone: on the terminal, or in a file. What they
state becomes a part of the campaign's journal, so that ``accredit conclude`` can decide it. A
supplier's self-certification is kept there too, and compared with what was measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.assess_dialogue import Dialogue, Stopped
from harness.cli.declared_scheme import scheme_of
from harness.cli.paths import JOURNAL, journal_folder
from harness.cli.person_identity import IDENTITY
from harness.cli.printing import say, say_document
from harness.cli.signed_statements import is_kept, key_in, say_identity, signed_for, stated_in
from harness.errors import StoppedError, UsageError, known
from harness.interop.people_file import (
    NAME_OR_ROLE,
    is_name,
    people_observation,
    read_answers,
    read_self_certification,
    visible_name,
)
from harness.model.campaign import Campaign
from harness.model.facts import Facts
from harness.model.journal_header import JournalHeader
from harness.model.people_answer import PeopleAnswer, PeopleRecords
from harness.model.people_facts import PeopleAnswerFacts
from harness.model.people_question import REVIEWERS, Question
from harness.model.person_names import is_of_organisation, is_same_person
from harness.model.plain_twin import next_number
from harness.model.scheme import Requirement
from harness.model.service_log import next_turn
from harness.model.signature import BY_NAME_ONLY
from harness.ports.storage import Clock, WallClock

app = typer.Typer(no_args_is_help=True)

SELF_CERTIFICATION = "self-certification"
"""What the observation of a supplier's own statement is about."""

ONLY = Annotated[
    list[str] | None, typer.Option(help="Only this requirement, such as PRV-01; repeatable.")
]
SCHEME = Annotated[str, typer.Option(help="Another scheme; default: that of the campaign.")]
Row = tuple[Requirement, Question]


@app.command("ask")
def ask_command(
    journal: JOURNAL,
    reviewer: Annotated[str, typer.Option(help="Who answers: a name or a role.")],
    only: ONLY = None,
    scheme: SCHEME = "",
    *,
    identity: IDENTITY = None,
    again: Annotated[bool, typer.Option("--again", help="Ask what was answered as well.")] = False,
) -> None:
    """Ask one reviewer about the requirements that only people can judge; resumable."""
    folder, name = journal_folder(journal), _reviewer(reviewer)
    _refuse_the_supplier(folder, name)
    rows, records, clock = _rows(folder, scheme, only), _records(folder), WallClock()
    now = clock.now()
    left = [row for row in rows if again or not _is_answered(row[1], name, records, now)]
    if not left:
        say(f"{name} has answered all {len(rows)} requirements; --again asks anew")
        return
    ask(folder, name, left, clock, identity)


def ask(
    folder: Path, reviewer: str, rows: Sequence[Row], clock: Clock, identity: Path | None = None
) -> None:
    """Ask about the rows, and keep each answer at once, signed with the key in a file if given.

    Raises StoppedError if it is stopped.
    """
    kept = 0

    def keep(facts: PeopleAnswerFacts) -> None:
        nonlocal kept
        keep_stated(folder, signed_for(_header(folder), [facts], identity), clock)
        kept += 1

    read = sys.stdin.readline if sys.stdin is not None else str
    talk = Dialogue(reviewer=reviewer, read=read, clock=clock, keep=keep)
    try:
        talk.ask_all(rows)
    except (KeyboardInterrupt, Stopped):
        left = len(rows) - kept
        msg = f"stopped: {kept} recorded, {left} left; run the same command to go on"
        raise StoppedError(msg) from None
    say("", f"{kept} recorded; next: a second reviewer, or accredit conclude {folder}")
    say_identity(identity)


@app.command("import")
def import_command(
    journal: JOURNAL,
    answers: Annotated[Path, typer.Argument(help="A YAML file of one reviewer's answers.")],
    identity: IDENTITY = None,
) -> None:
    """Read a reviewer's answers from a file; nothing of a file with a fault is kept."""
    from harness.schemes.people_questions import questions  # noqa: PLC0415 - keep the start light

    folder, clock = journal_folder(journal), WallClock()
    stated = read_answers(answers, questions(), clock.now())
    _refuse_the_supplier(folder, stated[0].reviewer)
    key, held = key_in(identity), _records(folder)
    new = [one for one in stated if not is_kept(one, key, held)]
    keep_stated(folder, signed_for(_header(folder), new, identity), clock)
    there = f"; {len(stated) - len(new)} were there already" if len(new) < len(stated) else ""
    say(f"answers of {stated[0].reviewer} that were kept: {len(new)}{there}")
    say_identity(identity)


@app.command("form")
def form_command(journal: JOURNAL, only: ONLY = None, scheme: SCHEME = "") -> None:
    """Print a file of answers to fill in, with the questions as comments."""
    say_document(form(_rows(journal_folder(journal), scheme, only)))


@app.command("status")
def status_command(journal: JOURNAL, only: ONLY = None, scheme: SCHEME = "") -> None:
    """Show who answered about which requirement; never what."""
    folder = journal_folder(journal)
    records = _records(folder)
    for requirement, question in _rows(folder, scheme, only):
        answers = records.about(question.requirement)
        names = ", ".join(f"{one.reviewer} ({one.at:%Y-%m-%d}{_by_name(one)})" for one in answers)
        missing = REVIEWERS - len(answers)
        left = f"; {missing} more needed" if missing > 0 else ""
        say(f"{requirement.id} {requirement.subject}: {names or 'nobody'}{left}")
    if records.declaration is not None:
        say(f"the supplier's self-certification of {records.declaration.signed:%Y-%m-%d} is kept")


@app.command("self-certification")
def self_certification_command(
    journal: JOURNAL,
    submission: Annotated[Path, typer.Argument(help="A submission, or its certification alone.")],
) -> None:
    """Read what the supplier certifies of its own service, to compare it with what is measured."""
    folder, clock = journal_folder(journal), WallClock()
    campaign = _campaign(folder)
    facts = read_self_certification(submission, campaign.service.supplier, clock.now())
    ids = {one.id for one in scheme_of(folder).requirements}
    compared = len(facts.claims.keys() & ids)
    if not compared:
        msg = f"{submission}: certifies no requirement of the campaign's scheme, {campaign.scheme}"
        raise UsageError(msg)
    keep_stated(folder, [(SELF_CERTIFICATION, facts)], clock)
    say(
        f"kept what {facts.supplier} certifies; of {campaign.scheme} it certifies {compared} "
        f"of {len(ids)} requirements; this changes no outcome",
        f"next: accredit conclude {folder}",
    )


def _by_name(answer: PeopleAnswer) -> str:
    return f", {BY_NAME_ONLY}" if answer.is_by_name_only else ""


def keep_stated(folder: Path, stated: Iterable[tuple[str, Facts]], clock: Clock) -> None:
    """Append what was stated to a journal, all or nothing. Raises UsageError, InstrumentError."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    stated = list(stated)
    if not stated:
        return
    with closing(open_journal(folder)) as journal:
        journal.write()
        number = next_turn(journal.sentinels(), "people", len(stated))
        batch, at = next_number(journal.batches()), clock.now()
        name = journal.header.campaign.campaign
        made = [
            people_observation(name, about, facts, number=number + place, at=at, batch=batch)
            for place, (about, facts) in enumerate(stated)
        ]
        journal.append(batch, made)
        journal.seal()


def form(rows: Iterable[Row]) -> str:
    """A file of answers to fill in."""
    return "\n".join(_form_lines(rows)) + "\n"


def _form_lines(rows: Iterable[Row]) -> Iterator[str]:
    yield "# One file for each reviewer; answer without talking to the other one."
    yield "reviewer: WHO ANSWERS (a name or a role)"
    yield "answered: 2026-11-24T12:00:00Z"
    yield "answers:"
    for requirement, question in rows:
        yield f"  # {requirement.title}"
        yield f"  # {question.question}"
        yield f"  # Look at: {question.look_at}"
        yield f"  - requirement: {question.requirement}"
        yield "    says:"
        for one in question.asks:
            yield f"      # {one.words} [{one.form}]"
            yield f"      {one.key}: unknown"
        yield "    documents: []  # such as [{file: dpia.pdf}, {name: Contract, shown: true}]"
        yield '    note: ""'


def _reviewer(name: str) -> str:
    name = visible_name(name)
    if not is_name(name):
        msg = f"--reviewer: write {NAME_OR_ROLE}"
        raise UsageError(msg)
    return name


def _refuse_the_supplier(folder: Path, reviewer: str) -> None:
    """Raise UsageError if a reviewer is the supplier: a supplier does not judge its own service."""
    if is_of_organisation(reviewer, _campaign(folder).service.supplier):
        msg = (
            f"{reviewer} is the supplier of this service, and cannot be its reviewer; let another "
            "person answer, and read what the supplier states with accredit assess "
            "self-certification"
        )
        raise UsageError(msg)


def _campaign(folder: Path) -> Campaign:
    """The campaign of a journal."""
    return _header(folder).campaign


def _header(folder: Path) -> JournalHeader:
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    with closing(open_journal(folder)) as journal:
        return journal.header


def _requirements(folder: Path, scheme: str) -> tuple[Requirement, ...]:
    """The requirements of a scheme; without one, of the campaign's."""
    return scheme_of(folder, scheme).requirements


def _rows(folder: Path, scheme: str, only: Sequence[str] | None) -> list[Row]:
    """The requirements of a scheme that people are asked about. Raises UsageError for none."""
    from harness.schemes.people_questions import question_of  # noqa: PLC0415 - keep the start light

    asked = [
        (one, question)
        for one in _requirements(folder, scheme)
        if (question := question_of(one.measure.metric)) is not None
    ]
    ids = [one.id for one, _ in asked]
    for name in only or ():
        if name not in ids:
            msg = f"--only {name}: people are asked nothing about it by this scheme; {known(ids)}"
            raise UsageError(msg)
    chosen = [row for row in asked if not only or row[0].id in only]
    if not chosen:
        msg = "people are asked about no requirement of this scheme; name another (--scheme)"
        raise UsageError(msg)
    return chosen


def _records(folder: Path) -> PeopleRecords:
    """What people stated in a journal so far."""
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy

    with closing(open_journal(folder)) as journal:
        return stated_in(journal)


def _is_answered(question: Question, reviewer: str, records: PeopleRecords, now: datetime) -> bool:
    """Whether a reviewer has answered all that a question asks, not too long ago."""
    asked = {one.key for one in question.asks}
    return any(
        asked <= one.said.keys() and (now - one.at).days <= question.valid_days
        for one in records.about(question.requirement)
        if is_same_person(one.reviewer, reviewer)
    )
