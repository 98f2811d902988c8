"""Join the mails that arrived with those that were sent.

A mail is known by any trace that only one of the sent mails has: its Message-ID, its reference
number in any spacing, a boundary or a file, who wrote it when, or its wording. A service can write
some of these anew, but not all of them without changing the mail. A notice of non-delivery quotes
or encloses the mail that it is about. Of mails that belong to none only a digest, the time and the
agreed contents are kept: a mailbox may hold those of real people.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar, cast

from harness.model.mail_case import message_id_of, reference_of
from harness.model.mail_facts import (
    MOST_ARRIVALS,
    MOST_UNKNOWN,
    UNKNOWN_MAILS,
    KnownBy,
    MailArrival,
    MailArrivalFacts,
    MailFacts,
    MailPlace,
)
from harness.model.observation import Observation
from harness.model.received_mail import MOST_WORDS, ReceivedMail

LEAST_WORDS, LEAST_SHARE = 3, 0.4
"""A mail is known by its wording if it has so many digests, and so large a share, of those that
only one sent mail has."""
BEFORE = timedelta(hours=1)
"""How long before the first mail was sent others may be of the test: clocks differ."""
AGREED = frozenset({"test string", "GTUBE", "language marker", "agreed image"})
"""What mails of a test alone hold."""

Trace = TypeVar("Trace", bound=Hashable)


class MailJoin:
    """Arrivals by the ids of mails; memory grows with these, not with the mailbox.

    ``sent`` are the observations of the mails, at least one.
    """

    def __init__(self, sent: Iterable[Observation]) -> None:
        mails = {one.item.id: one for one in sent}
        self._begins: datetime = min(one.started for one in mails.values()) - BEFORE
        digests = {item: item.removeprefix("mail-") for item in mails}
        names = {item: {_local_part(message_id_of(each, ""))} for item, each in digests.items()}
        self._by_name = _unique(names)
        self._by_reference = _unique({item: {reference_of(each)} for item, each in digests.items()})
        facts = {item: one.facts for item, one in mails.items() if isinstance(one.facts, MailFacts)}
        self._by_trace = _unique({item: one.traces for item, one in facts.items()})
        self._by_word = _unique({item: one.words for item, one in facts.items()})
        self._wording = _wording(self._by_word)
        self._found: defaultdict[str, list[MailArrival]] = defaultdict(list)
        self._more: defaultdict[str, int] = defaultdict(int)

    def add(self, mail: ReceivedMail, place: MailPlace) -> None:
        """Keep a mail that was found in some place, if it is of the test or may be."""
        names = [self._by_name.get(_local_part(name)) for name in mail.message_ids]
        own = names[0] if names else None
        known = self._known_by_content(mail)
        if own is None:
            for item in filter(None, names):
                known[item].add("message id")
            for item in filter(None, map(self._by_reference.get, mail.references)):
                known[item].add("reference")
        else:
            known[own].add("message id")
        if (not known or mail.is_cut) and self._may_be_of_test(mail, place):
            known[UNKNOWN_MAILS] = set()
        is_notice = own is None and not mail.sender
        for item in sorted(known):
            self._keep(item, _arrival(mail, place, known[item], is_notice=is_notice))

    @property
    def found(self) -> Mapping[str, MailArrivalFacts]:
        """What was found of each mail by its id, and of mails that belong to none."""
        return {
            item: MailArrivalFacts(arrivals=tuple(arrivals), more=self._more[item])
            for item, arrivals in self._found.items()
        }

    @property
    def unknown(self) -> int:
        """How many mails belong to none that was sent, and may be of the test."""
        return len(self._found.get(UNKNOWN_MAILS, ())) + self._more.get(UNKNOWN_MAILS, 0)

    def _known_by_content(self, mail: ReceivedMail) -> defaultdict[str, set[KnownBy]]:
        """The mails whose parts or wording a mail holds, with the kinds of these."""
        known: defaultdict[str, set[KnownBy]] = defaultdict(set)
        for trace in mail.traces:
            if trace in self._by_trace:
                kind = cast("KnownBy", trace.partition(":")[0])
                known[self._by_trace[trace]].add(kind)
        words = set(mail.words)
        counted = Counter(self._by_word[one] for one in words if one in self._by_word)
        is_sample = len(words) >= MOST_WORDS  # of a long mail larger digests are not kept
        last = max(words) if is_sample else math.inf
        for item, number in counted.items():
            there = sum(one <= last for one in self._wording[item])
            if number >= max(LEAST_WORDS, LEAST_SHARE * there):
                known[item].add("words")
        return known

    def _may_be_of_test(self, mail: ReceivedMail, place: MailPlace) -> bool:
        """Whether a mail that belongs to none may be one that the service changed.

        A program's notice without any file or agreed content is none.
        """
        if place == "quarantine":
            return False
        if AGREED.intersection(mail.holds):
            return True
        is_notice = (mail.is_automatic or not mail.sender) and "attachment" not in mail.holds
        return mail.at >= self._begins and not is_notice

    def _keep(self, item: str, arrival: MailArrival) -> None:
        most = MOST_UNKNOWN if item == UNKNOWN_MAILS else MOST_ARRIVALS
        if len(self._found[item]) < most:
            self._found[item].append(arrival)
        else:
            self._more[item] += 1


def _arrival(
    mail: ReceivedMail, place: MailPlace, known_by: set[KnownBy], *, is_notice: bool
) -> MailArrival:
    """What is kept of a mail; of one that belongs to none neither who got it nor its marks."""
    stated = f"{mail.message_ids[:1]} {mail.at:%Y%m%dT%H%M%S} {mail.size}"
    mark = hashlib.blake2b(stated.encode("utf-8", "replace"), digest_size=8).hexdigest()
    if not known_by:
        holds = tuple(one for one in mail.holds if one in AGREED)
        return MailArrival(at=mail.at, place=place, holds=holds, mark=mark)
    return MailArrival(
        at=mail.at,
        place=place,
        to=mail.to,
        is_notice=is_notice,
        spam_marks=mail.spam_marks,
        results=mail.results,
        holds=mail.holds,
        known_by=tuple(sorted(known_by)),
        mark=mark,
    )


def _unique(traces: Mapping[str, Iterable[Trace]]) -> dict[Trace, str]:
    """Return the traces that only one of the mails has, each with that mail."""
    found: dict[Trace, str | None] = {}
    for item, own in traces.items():
        for trace in set(own):
            found[trace] = None if trace in found else item
    return {trace: item for trace, item in found.items() if item is not None}


def _wording(by_word: Mapping[int, str]) -> Mapping[str, list[int]]:
    wording: defaultdict[str, list[int]] = defaultdict(list)
    for word, item in by_word.items():
        wording[item].append(word)
    return wording


def _local_part(message_id: str) -> str:
    return message_id.strip("<> ").partition("@")[0].lower()
