"""Join the entries of a service's log with the requests that it has to show.

An entry belongs to the request whose host it names; requests for a shared host (the one that must
be blocked) are distinguished by their paths. Entries about administration belong to the change of
the policy whose host they name. Everything else in the log is counted and forgotten: the log of a
school holds what its users did.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import unquote

from harness.model.corpus import Item
from harness.model.facts import MOST_ENTRIES, Facts, LogEntryFacts, LogFileFacts
from harness.model.log_case import SECRETS, secret_of
from harness.model.log_entry import LogEntry
from harness.model.observation import AttemptKey, Observation
from harness.model.service_log import LOG_LINE, ROUND


class LogJoin:
    """Entries by the ids of requests and changes; memory grows with these, not with the log.

    ``requests`` are the items that were requested, ``changes`` those whose policy was changed.
    """

    def __init__(self, requests: Iterable[Item], changes: Iterable[Item] = ()) -> None:
        by_host: defaultdict[str, list[Item]] = defaultdict(list)
        for item in requests:
            by_host[item.host].append(item)
        self._alone = {host: held[0].id for host, held in by_host.items() if len(held) == 1}
        self._shared = {
            host: {path_of(item.value): item.id for item in held}
            for host, held in by_host.items()
            if len(held) > 1
        }
        self._changes: defaultdict[str, list[str]] = defaultdict(list)
        for item in changes:
            self._changes[item.host].append(item.id)
        self._found: defaultdict[str, list[LogEntry]] = defaultdict(list)
        self._more: Counter[str] = Counter()
        self.changes = 0
        """How many entries are about administration."""

    def add(self, entry: LogEntry) -> None:
        """Keep an entry that belongs to a request or a change."""
        if entry.action:
            self.changes += 1
            self._add_change(entry)
            return
        host = host_of(entry.url)
        item = self._alone.get(host)
        if item is None and host in self._shared:
            item = self._shared[host].get(path_of(entry.url))
        if item is not None:
            self._keep(item, entry)

    @property
    def found(self) -> Mapping[str, LogEntryFacts]:
        """The entries of each request and change, by its id."""
        return {
            item: LogEntryFacts(entries=tuple(entries), more=self._more[item])
            for item, entries in self._found.items()
        }

    def _add_change(self, entry: LogEntry) -> None:
        words = {word.strip("\"'.,;:()[]") for word in entry.action.lower().split()}
        for host in {host_of(entry.url), *words}:
            for event in self._changes.get(host, ()):
                self._keep(event, entry)

    def _keep(self, item: str, entry: LogEntry) -> None:
        if len(self._found[item]) < MOST_ENTRIES:
            self._found[item].append(entry)
        else:
            self._more[item] += 1


def host_of(url: str) -> str:
    """Return the host that a log shows: of an address, of ``host:443``, or the name alone."""
    authority = url.partition("://")[2] or url
    authority = authority.partition("/")[0].partition("?")[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].rstrip(".").lower()


def path_of(url: str) -> str:
    """Return the path of an address, without its query, with its escapes undone."""
    rest = (url.partition("://")[2] or url).partition("/")[2]
    return unquote(rest.partition("?")[0])


def secret_forms(items: Iterable[Item]) -> dict[bytes, tuple[str, str]]:
    """Return the forms in which a log may hold the secrets of items: (kind, id) by the bytes.

    These are the secret itself, in hexadecimal, and in base64 at each of three positions, as a
    header or body that is encoded as a whole has it (RFC 4648).
    """
    forms: dict[bytes, tuple[str, str]] = {}
    for item in items:
        for kind in SECRETS:
            secret = secret_of(item.id, kind).encode()
            forms[secret] = forms[secret.hex().encode()] = (kind, item.id)
            for before in range(3):
                encoded = base64.b64encode(b"." * before + secret)
                # The first and last characters depend on what stands beside the secret.
                forms[encoded[before + 1 if before else 0 : -4]] = (kind, item.id)
    return forms


def reading_observations(
    campaign: str,
    items: Mapping[str, Item],
    facts: LogFileFacts,
    found: Mapping[str, Facts],
    *,
    number: int,
    at: datetime,
    batch: int,
    name: str,
) -> list[Observation]:
    """Return the observations of one reading: of the file, and of each item that it shows.

    ``items`` are the requests and changes by their ids, ``name`` is that of the file, for people.
    """
    file = Item(id=f"log-reading-{number}", value=name, labels=("CTRL",), kind="vector")
    seen: list[tuple[Item, Facts]] = [(file, facts)]
    seen += [(items[item], entries) for item, entries in sorted(found.items())]
    return [
        log_observation(campaign, item, each, number=number, at=at, batch=batch)
        for item, each in seen
    ]


def log_observation(
    campaign: str, item: Item, facts: Facts, *, number: int, at: datetime, batch: int
) -> Observation:
    """Return what a reading of that number shows of an item."""
    key = AttemptKey(
        campaign=campaign,
        item=item.id,
        probe=LOG_LINE,
        line=LOG_LINE,
        profile=LOG_LINE,
        round=ROUND + number,
    )
    return Observation(key=key, item=item, started=at, batch=batch, role="log", facts=facts)
