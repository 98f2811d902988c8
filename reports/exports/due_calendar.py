"""What is due as a calendar (RFC 5545), to which calendar programs subscribe.

Each obligation is a VEVENT of a whole day, not a VTODO: Google Calendar and Outlook leave VTODOs of
a subscribed calendar out. The calendar is always whole: what is done is no longer in it, and a
program that subscribed drops it when it reads the file again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from icalendar import Alarm, Calendar, Event

from harness.follow.due_dates import in_words
from harness.model.obligation import Obligation
from harness.model.stream import same_name
from harness.untrusted.visible_text import visible

REMINDERS = (timedelta(days=14), timedelta(days=3))
"""How long before a date a program reminds of it (METHOD (d): T-14 and T-3)."""


def calendar_of(found: Iterable[Obligation], now: datetime, title: str) -> bytes:
    """Return obligations as a calendar in UTF-8; the same ones at the same time give equal bytes.

    The id of an entry (UID) stays while its date moves, and its SEQUENCE grows then. Control
    characters and line breaks in names are escaped.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Accredit//accredit plan calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("name", visible(title))
    calendar.add("x-wr-calname", visible(title))
    calendar.add("refresh-interval", timedelta(days=1), parameters={"VALUE": "DURATION"})
    for one in sorted(found, key=lambda each: (each.due, each.supplier, each.id)):
        calendar.add_component(_entry(one, now))
    return bytes(calendar.to_ical())


def uid_of(one: Obligation) -> str:
    """The id of an obligation's entry, which no other supplier's has (RFC 7986, 5.3)."""
    name = f"{same_name(one.supplier)}\x1f{one.id}"
    return f"{sha256(name.encode()).hexdigest()[:32]}@accredit"


def summary_of(one: Obligation) -> str:
    """The title of an obligation's entry, before it is escaped."""
    about = f"{one.about} ({one.requirement})" if one.requirement else one.about
    return f"{one.supplier}, {about}: {one.what}"


def description_of(one: Obligation, now: datetime) -> str:
    """The lines of an obligation's entry: who must do what, and when; names are escaped."""
    due = one.due.astimezone(UTC)
    lines = [
        f"{one.who}: {one.act}",
        f"{in_words(one, now)}, {due:%H:%M} UTC",
        f"service: {one.service}",
        *([f"severity: {one.severity}"] if one.severity else []),
        *([f"escalated to {one.level}"] if one.level else []),
    ]
    return "\n".join(map(visible, lines))


def _entry(one: Obligation, now: datetime) -> Event:
    day = one.due.astimezone(UTC).date()
    title = visible(summary_of(one))
    entry = Event()
    entry.add("uid", uid_of(one))
    entry.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    entry.add("sequence", one.revision)
    entry.add("dtstart", day)  # without an end it lasts this day (RFC 5545, 3.6.1)
    entry.add("summary", title)
    entry.add("description", description_of(one, now))
    entry.add("categories", [str(one.lane)])
    entry.add("transp", "TRANSPARENT")
    for before in REMINDERS:
        if day - before >= now.astimezone(UTC).date():
            entry.add_component(_reminder(before, title))
    return entry


def _reminder(before: timedelta, title: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", -before)
    alarm.add("description", title)
    return alarm
