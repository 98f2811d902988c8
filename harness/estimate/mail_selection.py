"""Which mails count, and whether each was handled as it has to be."""

from __future__ import annotations

from collections.abc import Iterable

from harness.estimate.item_selection import Selection
from harness.model.condition import Condition
from harness.model.mail_case import BY_CONTENT, MARKABLE, Direction, MailKind, case_named
from harness.model.outcome import Witness
from harness.model.service_mail import MailService, MailState, SentMail

NOT_SENT = "no mail was sent (accredit mail send)"
NOT_READ = "no mailbox was read (accredit mail import)"
NOT_DECLARED = "how mail reaches the service is not declared (service.mail)"

UNKNOWN: frozenset[MailState] = frozenset(("deferred", "open", "not sent"))
STOPPED: frozenset[MailState] = frozenset(
    ("refused", "bounced", "withheld", "without content", "quarantined")
)


class Mails:
    """The mails of a profile, by what became of them.

    Unwanted mail that was stopped counts only if harmless mail of the same direction arrived: a
    service that takes no mail at all filters none. Harmless mail that was refused before its
    content was sent counts only if the service took other mail of that direction: it may not know
    the tester.
    """

    def __init__(self, selection: Selection) -> None:
        self.all = selection.mail.sent if selection.mail.readings else ()
        self._open = {one.direction for one in self.all if _is_harmless(one) and _came(one)}
        self._taking = {one.direction for one in self.all if one.accepted is not None}

    def of(self, *kinds: MailKind, direction: Direction | None = None) -> list[SentMail]:
        """The mails of some kinds, of one direction or both."""
        return [
            one for one in self.all if kind_of(one) in kinds and direction in (None, one.direction)
        ]

    def is_right(self, mail: SentMail) -> bool | None:
        """Whether a mail was handled as it has to be; ``None`` if that is not known."""
        if mail.state in UNKNOWN:
            return None
        if _is_harmless(mail):
            is_early = mail.state == "refused early" and mail.direction not in self._taking
            return None if is_early else _came(mail)
        kind = kind_of(mail)
        if _came(mail) or (mail.state in ("marked", "junk") and kind not in MARKABLE):
            return False
        if mail.direction not in self._open:
            return None
        return None if mail.state == "refused early" and kind in BY_CONTENT else True

    def wrong(self, mails: Iterable[SentMail]) -> list[SentMail]:
        """Those that were not handled as they have to be."""
        return [one for one in mails if self.is_right(one) is False]

    def answers(self, mails: Iterable[SentMail]) -> list[bool | None]:
        """Whether each was handled as it has to be, in the order of sending."""
        return [self.is_right(one) for one in sorted(mails, key=lambda one: one.started)]

    def counts(self, mails: Iterable[SentMail]) -> tuple[int, int, int]:
        """How many were handled rightly, how many are decided, and how many are not."""
        answers = self.answers(mails)
        undecided = answers.count(None)
        return answers.count(True), len(answers) - undecided, undecided


def kind_of(mail: SentMail) -> MailKind:
    """The kind of a mail."""
    return case_named(mail.case).kind


def barred(selection: Selection) -> str:
    """Why mail cannot show conformity: nothing was sent, or no mailbox was read."""
    if declared(selection) is None:
        return NOT_DECLARED
    if not selection.mail.sent:
        return NOT_SENT
    return "" if selection.mail.readings else NOT_READ


def unknown_mails(selection: Selection) -> tuple[Condition, ...]:
    """What forbids that a missing mail speaks for the service: mails that belong to none.

    A service may have changed a mail so much that it is not known again.
    """
    number = selection.mail.unknown
    if not number:
        return ()
    of_them = "mail belongs" if number == 1 else "mails belong"
    detail = f"{number:,} {of_them} to none; use a mailbox for the test alone, and import it again"
    return (
        Condition(name="each mail in the mailboxes is one that was sent", held=None, detail=detail),
    )


def declared(selection: Selection) -> MailService | None:
    """What the campaign declares of mail."""
    service = selection.service
    return service.mail if service else None


def witness(mail: SentMail) -> Witness:
    """A mail that speaks against the service."""
    saw = [STATE_WORDS[mail.state]]
    if mail.facts is not None and mail.facts.code is not None:
        saw.append(f"the server answered {mail.facts.code} {mail.facts.reply}".strip())
    return Witness(
        item=mail.item,
        value=case_named(mail.case).words,
        category="CTRL",
        state="allowed" if mail.state == "arrived" else "blocked",
        mechanism="none",
        rule="mail",
        saw=tuple(saw),
    )


STATE_WORDS: dict[MailState, str] = {
    "arrived": "it arrived in the mailbox",
    "marked": "it arrived, marked as spam",
    "junk": "it is in the folder for junk",
    "quarantined": "it was kept for an administrator",
    "without content": "it arrived without what it carried",
    "refused early": "it was refused before its content was sent",
    "refused": "it was refused",
    "bounced": "a notice of non-delivery came",
    "withheld": "it was accepted and came to no address, though a harmless mail beside it arrived",
    "deferred": "the server was busy at each attempt",
    "open": "it had not arrived when the mailbox was read",
    "not sent": "the server could not be reached",
}
"""What became of a mail, in words."""


def _is_harmless(mail: SentMail) -> bool:
    return not case_named(mail.case).is_unwanted


def _came(mail: SentMail) -> bool:
    return mail.state == "arrived"
