"""Join the mails that were sent with what arrived of them, and say what became of each.

That a mail did not arrive shows something only if the mailbox was read ``READ_AFTER`` seconds
later, and a harmless mail of the same way, sent with it, arrived: the whole service may be slow, or
the mailbox wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import msgspec

from harness.judge.log_readings import reading_of
from harness.model.facts import Facts, LogFileFacts
from harness.model.mail_case import TWIN_OF, MailCase, MailKind, case_named, mail_case
from harness.model.mail_facts import UNKNOWN_MAILS, MailArrival, MailArrivalFacts, MailFacts
from harness.model.observation import Observation
from harness.model.service_log import ROUND, LogReading, worked_until
from harness.model.service_mail import MAILBOX, READ_AFTER, MailState, SentMail, ServiceMail

CARRIES: dict[MailKind, str] = {
    "infected": "test string",
    "gtube": "GTUBE",
    "language": "language marker",
    "image": "agreed image",
}
"""What a mail of a kind must still hold when it arrives; others must hold a text."""


class SentMails:
    """The mails of a journal and what was read of mailboxes, held in memory: there are few."""

    def __init__(self) -> None:
        self._sent: list[Observation] = []
        self._read: list[Observation] = []
        self.mail = ServiceMail()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep those of mails and mailboxes."""
        for one in observations:
            if one.role == "logged" and mail_case(one.item.stratum) is not None:
                self._sent.append(one)
            elif one.role == "log" and _is_of_mailbox(one.facts):
                self._read.append(one)
            else:
                yield one

    def judge(self) -> None:
        """Say what became of each mail that was kept."""
        readings: list[LogReading] = []
        held = Counter[int]()
        unknown = _unknown(self._read)
        arrivals: defaultdict[str, list[MailArrival]] = defaultdict(list)
        for one in sorted(self._read, key=lambda one: one.key.round):
            if isinstance(one.facts, LogFileFacts):
                readings.append(reading_of(one, one.facts))
            elif isinstance(one.facts, MailArrivalFacts):
                held[one.key.round - ROUND] += len(one.facts.arrivals)
                known = arrivals[one.key.item]
                known += [each for each in one.facts.arrivals if each not in known]
        readings = [msgspec.structs.replace(one, entries=held[one.number]) for one in readings]
        pairs = [(one, _sent(one, arrivals[one.item.id])) for one in self._sent]
        mails = sorted((mail for _, mail in pairs), key=lambda one: (one.started, one.item))
        self.mail = ServiceMail(
            sent=tuple(_with_missing(mails, readings)), readings=tuple(readings), unknown=unknown
        )
        self._sent.clear()
        self._read.clear()


def _unknown(read: Sequence[Observation]) -> int:
    """How many mails the mailboxes hold that belong to none that was sent.

    One that a later reading knows, or shows again, counts once or not at all. Older versions kept
    how many mails they read, but not which of them belong to none: the difference stands until a
    newer one reads the mailboxes again.
    """
    facts = [(one, one.facts) for one in read if isinstance(one.facts, MailArrivalFacts)]
    known, unknown, more = set[str](), set[str](), 0
    for one, each in facts:
        is_unknown = one.key.item == UNKNOWN_MAILS
        (unknown if is_unknown else known).update(arrival.mark for arrival in each.arrivals)
        more = max(more, each.more if is_unknown else 0)
    if any(known) or unknown:
        return len(unknown - known) + more
    left = Counter({one.key.round: -len(each.arrivals) - each.more for one, each in facts})
    digests = {one.facts.sha256: one for one in read if isinstance(one.facts, LogFileFacts)}
    for one in digests.values():
        assert isinstance(one.facts, LogFileFacts)
        left[one.key.round] += one.facts.entries
    return sum(max(0, each) for each in left.values())


def _is_of_mailbox(facts: Facts | None) -> bool:
    is_reading = isinstance(facts, LogFileFacts) and facts.format == MAILBOX
    return is_reading or isinstance(facts, MailArrivalFacts)


def _sent(one: Observation, arrivals: Sequence[MailArrival]) -> SentMail:
    """Return a mail with what arrived of it; *open* if nothing did."""
    case = mail_case(one.item.stratum)
    assert case is not None
    facts = one.facts if isinstance(one.facts, MailFacts) else None
    is_accepted = facts is not None and facts.is_taken
    seconds = facts.seconds if facts is not None else 0.0
    return SentMail(
        item=one.item.id,
        case=case.name,
        direction=case.direction,
        profile=one.key.profile,
        sending=one.key.round - ROUND,
        started=one.started,
        accepted=one.started + timedelta(seconds=seconds) if is_accepted else None,
        state=_arrived(case, facts, arrivals) if is_accepted else _refused(facts),
        facts=facts,
        arrivals=tuple(arrivals),
    )


def _is(facts: MailFacts, first: int) -> bool:
    """Whether the last answer begins with that digit (RFC 5321 section 4.2.1)."""
    return facts.code is not None and facts.code // 100 == first


def _refused(facts: MailFacts | None) -> MailState:
    if facts is None or facts.code is None or facts.stage in ("connect", "greeting"):
        return "not sent"
    if _is(facts, 5):
        return "refused" if facts.stage == "content" else "refused early"
    return "deferred" if _is(facts, 4) else "not sent"


def _arrived(case: MailCase, facts: MailFacts | None, arrivals: Iterable[MailArrival]) -> MailState:
    """What became of an accepted mail, by the arrival that is worst for the service."""
    recipient = facts.recipient.lower() if facts is not None else ""
    found: set[MailState] = set()
    for one in arrivals:
        if _is_mere_notice(case, recipient, one):
            found.add("bounced")
        elif one.place == "quarantine":
            found.add("quarantined")
        elif recipient in one.to or not one.to:
            found.add(_held(case, one))
    return next((state for state in WORST_FIRST if state in found), "open")


def _is_mere_notice(case: MailCase, recipient: str, arrival: MailArrival) -> bool:
    """Whether a mail is a notice about another one, and does not bring it to its recipient.

    A mail that holds what the case is about is no mere notice. Where that is the text alone, one
    that quotes an id or a number and has other words is no more than a notice.
    """
    is_for_recipient = recipient in arrival.to
    carried = CARRIES.get(case.kind)
    if carried is not None or not arrival.known_by:
        return arrival.is_notice and not (is_for_recipient and carried in arrival.holds)
    is_quoted = set(arrival.known_by) <= {"message id", "reference"}
    if arrival.is_notice:
        return is_quoted or not is_for_recipient
    return False


WORST_FIRST: tuple[MailState, ...] = (
    "arrived", "marked", "junk", "without content", "quarantined", "bounced",
)  # fmt: skip
"""The states of mails of which something was found, the worst for unwanted mail first."""


def _held(case: MailCase, arrival: MailArrival) -> MailState:
    if CARRIES.get(case.kind, "text") not in arrival.holds:
        return "without content"
    if arrival.place == "junk":
        return "junk"
    return "marked" if arrival.spam_marks else "arrived"


def _with_missing(mails: Sequence[SentMail], readings: Sequence[LogReading]) -> Iterator[SentMail]:
    """Yield all mails; those that are missing for sure are *withheld*.

    One that came to another address is not missing.
    """
    delivered = [one for one in mails if one.state == "arrived"]
    for one in mails:
        if one.state == "open" and not one.arrivals and _is_missing(one, delivered, readings):
            yield msgspec.structs.replace(one, state="withheld")
        else:
            yield one


def _is_missing(
    mail: SentMail, delivered: Iterable[SentMail], readings: Sequence[LogReading]
) -> bool:
    """Whether a mail would have arrived by now, if the service had let it through."""
    until = worked_until(readings, mail.started)
    if mail.accepted is None or until is None or until < mail.accepted + READ_AFTER:
        return False
    case = case_named(mail.case)
    beside = TWIN_OF.get(case.kind, case.kind)
    return any(
        case_named(one.case).kind == beside
        for one in delivered
        if (one.direction, one.profile, one.sending) == (mail.direction, mail.profile, mail.sending)
    )
