"""Join received alerts with the sessions that raised them.

An alert belongs to the session whose host it names, or the number of whose search it quotes; it is
kept whether it says what was searched for, because the host of a search tells nobody what happened.
Alerts that belong to none, and went to the operator, are kept apart; all others are forgotten: a
mailbox may receive what real pupils did.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import unquote_plus

from msgspec.structs import replace

from harness.model.alert_case import number_of, searches_in
from harness.model.corpus import Item
from harness.model.facts import LogEntryFacts
from harness.model.log_entry import LogEntry
from harness.model.received_alert import ReceivedAlert
from harness.model.service_alert import TO_OPERATOR

MOST_ALERTS = 500
"""The most alerts that are kept of one session, or to the operator."""

_WORD = re.compile(r"[\w][\w.-]*[\w]")


class AlertJoin:
    """Alerts by the ids of sessions; memory grows with these, not with the mailbox.

    ``sessions`` are the items that were played, ``operator`` the addresses of the operator.
    """

    def __init__(self, sessions: Iterable[Item], operator: Collection[str] = ()) -> None:
        self._by_word: dict[str, str] = {}
        self._searches: dict[str, tuple[str, ...]] = {}
        self._hosts: dict[str, str] = {}
        for item in sessions:
            self._hosts[item.id] = item.host
            self._searches[item.id] = searches_in(item)
            self._by_word[item.host] = item.id
            self._by_word[number_of(item.id.removeprefix("session-"))] = item.id
        self._operator = {address.lower() for address in operator}
        self._found: defaultdict[str, list[LogEntry]] = defaultdict(list)
        self._more: defaultdict[str, int] = defaultdict(int)

    def add(self, number: int, alert: ReceivedAlert) -> None:
        """Keep an alert, the ``number``-th that was received, for each session that it names."""
        if alert.is_note:
            return
        text = f"{alert.subject}\n{alert.text}".lower()
        text += f"\n{unquote_plus(text)}"
        sessions = {self._by_word[word] for word in _WORD.findall(text) if word in self._by_word}
        if not sessions and self._operator.intersection(to.lower() for to in alert.to):
            sessions = {TO_OPERATOR}
        entry = LogEntry(
            line=number,
            at=alert.at,
            to=tuple(to.lower() for to in alert.to),
            priority=alert.priority,
        )
        shown = " ".join(text.split())
        for session in sorted(sessions):
            if len(self._found[session]) < MOST_ALERTS:
                asked = (one for one in self._searches.get(session, ()) if one in shown)
                search, url = next(asked, ""), self._hosts.get(session, "")
                self._found[session].append(replace(entry, search=search, url=url))
            else:
                self._more[session] += 1

    @property
    def found(self) -> Mapping[str, LogEntryFacts]:
        """The alerts of each session by its id, and those to the operator."""
        return {
            item: LogEntryFacts(entries=tuple(entries), more=self._more[item])
            for item, entries in self._found.items()
        }
