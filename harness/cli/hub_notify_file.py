"""The part of ``hub.yaml`` about notifications: targets, maintenance windows, the heartbeat."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from harness.model.declared import Declared, Duration, Time
from harness.model.notification import SILENCE, Notification, NotificationKind
from harness.model.stream import same_name
from harness.monitor.monitoring_file import Label

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
LONGEST_WINDOW = timedelta(days=60)
SHORTEST_BEAT = timedelta(minutes=1)


def _outside(url: str) -> str:
    """Return an address to which requests are sent. Raises ValueError."""
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        )
        is_url = is_safe and bool(parts.hostname) and not parts.fragment
        is_url = is_url and (parts.port is None or parts.port > 0)
    except ValueError:
        is_url = False
    if not is_url or not url.isprintable():
        msg = "write an address that begins with https://"
        raise ValueError(msg)
    return url


def _clock_time(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        msg = "write a time of the day in UTC, such as 07:30"
        raise ValueError(msg)
    return text


Outside = Annotated[str, Field(max_length=2000), AfterValidator(_outside)]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
SomePath = Annotated[str, Field(min_length=1, max_length=1000)]
Kind = Literal[tuple(str(each) for each in NotificationKind)]  # type: ignore[valid-type]


class NotifyTarget(Declared):
    """Who is told: the addresses in a file (Apprise), or a webhook with a secret in a file.

    ``kinds`` and ``suppliers`` choose what is told; empty means everything. A target with
    ``suppliers`` is told nothing of others.
    """

    name: Label
    file: SomePath | None = None
    webhook: Outside | None = None
    secret: SomePath | None = None
    kinds: tuple[Kind, ...] = ()  # type: ignore[valid-type]
    suppliers: tuple[Label, ...] = ()
    digest: Literal["none", "daily", "weekly"] = "none"
    at: ClockTime = "07:00"

    @model_validator(mode="after")
    def _is_one(self) -> NotifyTarget:
        if (self.file is None) == (self.webhook is None):
            msg = "give either file (addresses for Apprise) or webhook"
            raise ValueError(msg)
        if (self.webhook is None) != (self.secret is None):
            msg = "a webhook needs secret, a file with its key, and nothing else has one"
            raise ValueError(msg)
        return self

    def takes(self, notification: Notification) -> bool:
        """Whether the target is told of something."""
        suppliers = {same_name(each) for each in self.suppliers}
        is_chosen = not self.kinds or str(notification.kind) in self.kinds
        return is_chosen and (not suppliers or same_name(notification.supplier) in suppliers)


class Maintenance(Declared):
    """A time in which it is known that a service or a site is not measured, and why."""

    begins: Time
    ends: Time
    why: Annotated[str, Field(min_length=1, max_length=500)]
    service: Label | None = None
    site: Label | None = None

    @model_validator(mode="after")
    def _is_bounded(self) -> Maintenance:
        if not self.begins < self.ends <= self.begins + LONGEST_WINDOW:
            msg = f"ends must be after begins, by at most {LONGEST_WINDOW.days} days"
            raise ValueError(msg)
        if self.service is None and self.site is None:
            msg = "name the service or the site that is not measured"
            raise ValueError(msg)
        return self

    def holds_back(self, notification: Notification, now: datetime) -> bool:
        """Whether this window keeps a notification back: one of silence, never one of a result."""
        if notification.kind not in SILENCE or not self.begins <= now < self.ends:
            return False
        pairs = ((self.service, notification.service), (self.site, notification.site))
        return all(own is None or same_name(own) == same_name(said) for own, said in pairs)


class Heartbeat(Declared):
    """A request that is made while the hub works; a service outside tells if none comes."""

    url: Outside
    every: Duration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _is_not_too_often(self) -> Heartbeat:
        if self.every < SHORTEST_BEAT:
            msg = "every must be at least 1m"
            raise ValueError(msg)
        return self


class Notifying(Declared):
    """Everything of ``hub.yaml`` that is about notifications."""

    targets: Annotated[tuple[NotifyTarget, ...], Field(max_length=50)] = ()
    maintenance: Annotated[tuple[Maintenance, ...], Field(max_length=500)] = ()
    heartbeat: Heartbeat | None = None

    @model_validator(mode="after")
    def _each_name_once(self) -> Notifying:
        names = [same_name(each.name) for each in self.targets]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            msg = f"{twice!r}: each target needs a name of its own"
            raise ValueError(msg)
        return self
