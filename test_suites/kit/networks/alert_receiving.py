"""Alerts of a range in tests: searches, receivers at real sockets, and time that tests move."""

from __future__ import annotations

import heapq
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from harness.model.log_entry import AlertPriority
from harness.model.received_alert import ReceivedAlert, note_at
from probes.range.connection import Request, parse_request
from probes.receivers.mailbox import Mailbox, alert_of_mail
from probes.receivers.webhook import Webhook
from test_suites.kit.networks.served_in_thread import served_in_thread

HOST = "page-1.sites.accredit.test"
MARKER = "ACCREDIT-MARKER-HARM-ab12"
SETTINGS: dict[str, Any] = {
    "alert_mail": "127.0.0.1:25",
    "recipients": {"ks2": "dsl@school.test"},
    "operator": "operator@isp.test",
    "escalate_to": "head@school.test",
    "escalate_after": 600.0,
    "notices_after": 100.0,
}
WAIT = 60.0
"""Seconds until an alert must be there."""


def search(query: str = "", body: bytes = b"", *lines: str, method: str = "GET") -> Request:
    """Return a request to a proxy for a search."""
    url = f"http://{HOST}/search{query}"
    length = (f"Content-Length: {len(body)}",) if body else ()
    head = "\r\n".join((f"{method} {url} HTTP/1.1", f"Host: {HOST}", *length, *lines, "", ""))
    parsed = parse_request(head.encode() + body)
    assert parsed is not None
    return parsed


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """An alert without its number and its time."""

    to: str
    category: str
    user: str
    url: str
    priority: AlertPriority = ""
    subject: str = ""

    @classmethod
    def of_mail(cls, alert: ReceivedAlert) -> Seen:
        found = dict(re.findall(r"^(\w+): +(.*)$", alert.text, re.MULTILINE))
        return cls(
            to=" ".join(alert.to),
            category=found.get("Category", ""),
            user=found.get("User", ""),
            url=found.get("Address", ""),
            priority=alert.priority,
            subject=re.sub(r"\d+", "N", alert.subject),
        )


@dataclass(slots=True)
class Inbox:
    """What the mailbox and the webhook received; ``mail`` and ``web`` are their addresses."""

    alerts: list[ReceivedAlert] = field(default_factory=list)
    mail: str = ""
    web: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def keep(self, alert: ReceivedAlert) -> bool:
        with self.changed:
            self.alerts.append(alert)
            self.changed.notify_all()
        return True

    def wait_for(self, number: int) -> list[ReceivedAlert]:
        """Wait until so many alerts are there; return all that there are."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.alerts) >= number, WAIT)
            return list(self.alerts)


@contextmanager
def receiving() -> Iterator[Inbox]:
    """Run both receivers on a thread of their own while the context lasts."""
    inbox = Inbox()

    @asynccontextmanager
    async def receivers() -> AsyncIterator[None]:
        async with Mailbox(inbox.keep, alert_of_mail) as mailbox, Webhook(inbox.keep) as webhook:
            inbox.mail = f"127.0.0.1:{mailbox.port}"
            inbox.web = f"http://127.0.0.1:{webhook.port}/alerts"
            yield

    with served_in_thread(receivers()):
        yield inbox


def notes(begins: datetime, ends: datetime) -> list[ReceivedAlert]:
    """The notes of a receiver that works all that time: one each minute, and one at the end."""
    minutes = int((ends - begins).total_seconds() // 60)
    return [note_at(begins + timedelta(minutes=each)) for each in range(minutes + 1)] + [
        note_at(ends)
    ]


class MovedTime:
    """A clock that a test moves, and calls that are due at its times."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 28, 12, tzinfo=UTC)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()

    def clock(self) -> datetime:
        return self.now

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(
            self._due, (self.now + timedelta(seconds=seconds), next(self._numbers), call)
        )

    def move(self, seconds: float) -> None:
        """Let so many seconds pass, and make the calls that become due, each at its time."""
        end = self.now + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= end:
            self.now, _, call = heapq.heappop(self._due)
            call()
        self.now = end
