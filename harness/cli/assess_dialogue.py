"""Ask one reviewer, on the terminal, about the requirements that only people can judge.

Each requirement that was answered is kept at once, so that Ctrl-C loses at most the one that is
being answered. What other reviewers answered is never shown: independence is the purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from harness.cli.printing import say
from harness.errors import HarnessError, UsageError
from harness.interop.people_file import MOST_DOCUMENTS, digested, lacking, visible_name
from harness.model.people_facts import PeopleAnswerFacts, SeenDocument
from harness.model.people_question import UNKNOWN, Ask, Question, fault_of
from harness.model.scheme import Requirement
from harness.ports.storage import Clock

SKIP, SHOWN = "skip", "shown:"
LONGEST = 2000

Keep = Callable[[PeopleAnswerFacts], None]
"""Keeps the answers about one requirement."""


class Stopped(Exception):
    """The input ended before the last question."""


class _Skipped(Exception):
    """The reviewer leaves out a requirement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """Questions to one reviewer; ``read`` returns a line with its end, or nothing at the end."""

    reviewer: str
    read: Callable[[], str]
    clock: Clock
    keep: Keep

    def ask_all(self, rows: Sequence[tuple[Requirement, Question]]) -> None:
        """Ask about each requirement. Raises Stopped."""
        say(
            f"Answer as {self.reviewer}, without talking to the other reviewer.",
            f"Write {UNKNOWN} where you cannot say it, and {SKIP} to leave out a requirement.",
            "Ctrl-C stops; what was answered is kept, and the same command goes on.",
        )
        for number, (requirement, question) in enumerate(rows, 1):
            say("", f"{requirement.id} {requirement.title} ({number} of {len(rows)})")
            try:
                self._record(self._ask(question))
            except _Skipped:
                say(f"{requirement.id} is left out.")
            else:
                say(f"{requirement.id} is recorded.")

    def _record(self, facts: PeopleAnswerFacts) -> None:
        """Keep the answers; again, as often as the reviewer wants, if that fails."""
        while True:
            try:
                self.keep(facts)
            except HarnessError as error:
                say(*str(error).splitlines())
                self._line("Your answer is not recorded yet. Press Enter to try again:", str)
            else:
                return

    def _ask(self, question: Question) -> PeopleAnswerFacts:
        """Ask about one requirement until the answer is complete."""
        say(f"  {question.question}", f"  Look at: {question.look_at}")
        said = {one.key: self._answer(one) for one in question.asks}
        documents = self._documents()
        note = self._line("A note, or the reason of your judgement (may be empty):", _note)
        while True:
            why, remedy = lacking(question, said, documents, note)
            if not why:
                break
            say(f"{why[0].upper()}{why[1:]}: {remedy}.")
            if not documents and "document" in why:
                documents = self._documents()
            else:
                note = self._line("The reason:", _note)
        until = self._line(
            "Until which day is this evidence valid, if it says so (else empty)?", _day
        )
        return PeopleAnswerFacts(
            requirement=question.requirement,
            reviewer=self.reviewer,
            at=self.clock.now(),
            said=said,
            documents=documents,
            note=note,
            until=date.fromisoformat(until) if until else None,
        )

    def _answer(self, ask: Ask) -> str:
        def check(text: str) -> str:
            try:
                value = ask.read(text)
            except ValueError as error:
                msg = f"write {error}"
                raise UsageError(msg) from None
            if why := fault_of(ask, value, self.clock.now()):
                raise UsageError(why)
            return value

        return self._line(f"{ask.words} [{ask.form}]", check)

    def _documents(self) -> tuple[SeenDocument, ...]:
        say(
            "Which documents did you look at? Write the path of a file (its SHA-256 is recorded), "
            f"or '{SHOWN} TITLE' if it was only shown to you. An empty line ends."
        )
        documents: list[SeenDocument] = []

        def add(text: str) -> str:
            if text.lower().startswith(SHOWN):
                name = visible_name(text[len(SHOWN) :])
                if not name:
                    msg = f"write {SHOWN} and the title of the document"
                    raise UsageError(msg)
                documents.append(SeenDocument(name=name))
                return text
            if text:
                one = digested(Path(text).expanduser())
                documents.append(one)
                say(f"  {one.name}: SHA-256 {one.sha256}")
            return text

        while len(documents) < MOST_DOCUMENTS and self._line("Document:", add):
            pass
        return tuple(documents)

    def _line(self, question: str, check: Callable[[str], str]) -> str:
        """Ask until the answer can be used; ``check`` returns it as it is recorded."""
        while True:
            say(f"  {question}")
            try:
                line = self.read()
            except UnicodeDecodeError:
                say("That is not readable as text.")
                continue
            if not line:
                raise Stopped
            answer = " ".join(line.split())
            if answer.lower() == SKIP:
                raise _Skipped
            try:
                return check(answer)
            except UsageError as error:
                say(*str(error).splitlines())


def _note(text: str) -> str:
    if len(text) > LONGEST:
        msg = f"longer than {LONGEST} characters: write less"
        raise UsageError(msg)
    return text


def _day(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        msg = "write a day such as 2026-11-24, or nothing"
        raise UsageError(msg) from None
