"""Join the mails that arrived with those that were sent.

A mail belongs to the one whose Message-ID it has, or whose reference number stands in it where a
server gave it another Message-ID. A notice of non-delivery quotes or encloses the mail that it is
about. All other mails are forgotten: a mailbox may hold those of real people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from harness.model.corpus import Item
from harness.model.mail_case import message_id_of, reference_of
from harness.model.mail_facts import MOST_ARRIVALS, MailArrival, MailArrivalFacts, MailPlace
from harness.model.received_mail import ReceivedMail


class MailJoin:
    """Arrivals by the ids of mails; memory grows with these, not with the mailbox."""

    def __init__(self, sent: Iterable[Item]) -> None:
        self._by_name: dict[str, str] = {}
        self._by_reference: dict[str, str] = {}
        for item in sent:
            digest = item.id.removeprefix("mail-")
            self._by_name[_local_part(message_id_of(digest, ""))] = item.id
            self._by_reference[reference_of(digest)] = item.id
        self._found: defaultdict[str, list[MailArrival]] = defaultdict(list)
        self._more: defaultdict[str, int] = defaultdict(int)

    def add(self, mail: ReceivedMail, place: MailPlace) -> None:
        """Keep a mail that was found in some place, if it is of the test."""
        names = [self._by_name.get(_local_part(name)) for name in mail.message_ids]
        own = names[0] if names else None
        about = {name for name in names if name is not None}
        about |= {
            self._by_reference[each] for each in mail.references if each in self._by_reference
        }
        if own is None and not mail.sender:
            self._keep(about, mail, place, is_notice=True)
        elif own is not None:
            self._keep({own}, mail, place)
        else:
            self._keep(about, mail, place)

    @property
    def found(self) -> Mapping[str, MailArrivalFacts]:
        """What was found of each mail, by its id."""
        return {
            item: MailArrivalFacts(arrivals=tuple(arrivals), more=self._more[item])
            for item, arrivals in self._found.items()
        }

    def _keep(
        self, items: Iterable[str], mail: ReceivedMail, place: MailPlace, *, is_notice: bool = False
    ) -> None:
        arrival = MailArrival(
            at=mail.at,
            place=place,
            to=mail.to,
            is_notice=is_notice,
            spam_marks=mail.spam_marks,
            results=mail.results,
            holds=mail.holds,
        )
        for item in sorted(items):
            if len(self._found[item]) < MOST_ARRIVALS:
                self._found[item].append(arrival)
            else:
                self._more[item] += 1


def _local_part(message_id: str) -> str:
    return message_id.strip("<> ").partition("@")[0].lower()
