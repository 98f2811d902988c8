"""The reference filter's monitoring: it tells named people of worrying requests, by alerts.

It looks at the query and the body of each request for agreed markers
(``harness.model.marker.MARKER_PREFIX``), whether the request is blocked or not. It also looks at
the filter's own settings, and tells the operator if something no longer blocks. Faults of the kinds
``alert-*`` change what is sent to whom, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from harness.model.log_entry import AlertPriority
from harness.untrusted.visible_text import visible
from probes.range.access_log import Later
from probes.range.alert_delivery import AlertMessage, AlertSettings
from probes.range.alert_faults import (
    Sighting,
    alerted_categories,
    delay_of,
    is_below,
    recipient_of,
)
from probes.range.faults import (
    ALERT_KINDS,
    SETTINGS_KINDS,
    SHARE_KINDS,
    Fault,
    FaultKind,
    Faults,
    Repeats,
)

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.pending_entry import Asker

URGENT = ("ILL", "HARM")
"""Categories whose alerts are urgent, with those below them."""
LONGEST_SHOWN = 2000
"""Characters of an address or of typed words that an alert shows."""


class Monitor:
    """Looks at requests and settings, and sends messages with ``send``; for one thread.

    ``later`` calls a function after some seconds, for late alerts, escalation and ``watch``.
    ``clock`` gives the time, aware UTC. ``faults`` are those of the filter.
    """

    def __init__(
        self,
        settings: AlertSettings,
        send: Callable[[AlertMessage], None],
        later: Later,
        *,
        faults: Faults | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings = settings
        self._send = send
        self._later = later
        self._faults = faults if faults is not None else Faults()
        self._clock = clock
        self._repeats = Repeats()
        self._numbers = count(1)
        self._unacknowledged: set[int] = set()
        self._noticed: frozenset[Fault] = frozenset()
        self._is_watching = False

    def examine(self, request: Request, asker: Asker, url: str) -> None:
        """Look at a complete request for ``url``, and send at most one alert about it."""
        if request.method == "CONNECT":
            return
        sighting = Sighting.of_request(request, asker, url, self._clock())
        active = self._alert_faults(request.host, asker)
        counts = any(fault.kind in SHARE_KINDS for fault in active)
        repeat = self._repeats.add(sighting.request) if counts else 0
        categories = alerted_categories(sighting, active, repeat)
        if not categories:
            return
        number = next(self._numbers)
        is_urgent = any(is_below(code, URGENT) for code in categories)
        kinds = {fault.kind for fault in active}
        priority: AlertPriority = "urgent" if is_urgent else "normal"
        message = alert_message(
            sighting,
            categories,
            number,
            to=recipient_of(self.settings.recipients.get(asker.profile, ""), active),
            priority="" if FaultKind.ALERT_NO_PRIORITY in kinds else priority,
        )
        may_escalate = is_urgent and FaultKind.ALERT_NO_ESCALATION not in kinds
        alert = partial(self._alert, number, message, may_escalate=may_escalate)
        delay = delay_of(active)
        if delay:
            self._later(delay, alert)
        else:
            alert()

    def acknowledge(self, number: int) -> None:
        """Note that somebody acted on an alert, which is then not escalated."""
        self._unacknowledged.discard(number)

    def check_settings(self) -> None:
        """Tell the operator of each setting that has stopped the filter from blocking.

        Those are the faults OFF and MISS that have become active since the last call.
        """
        due = self._faults.due()
        active = frozenset(fault for fault in due if fault.kind in SETTINGS_KINDS)
        new = [fault for fault in due if fault in active - self._noticed]
        self._noticed = active
        is_silent = any(fault.kind is FaultKind.ALERT_NO_OPERATOR for fault in due)
        if self.settings.operator and not is_silent:
            for fault in new:
                self._send(operator_message(fault, self._clock(), self.settings.operator))

    def watch(self) -> None:
        """Check the settings now and then, so that a change is noticed in time, until ``close``."""
        self._is_watching = True
        self._check_again()

    def close(self) -> None:
        """Check the settings no more, and escalate nothing more."""
        self._is_watching = False
        self._unacknowledged.clear()

    def _check_again(self) -> None:
        if self._is_watching:
            self.check_settings()
            self._later(self.settings.notices_after / 2, self._check_again)

    def _alert_faults(self, host: str, asker: Asker) -> tuple[Fault, ...]:
        faults = self._faults.on(host, asker.profile, asker.service)
        return tuple(fault for fault in faults if fault.kind in ALERT_KINDS)

    def _alert(self, number: int, message: AlertMessage, *, may_escalate: bool) -> None:
        self._send(message)
        if may_escalate and self.settings.escalate_to:
            self._unacknowledged.add(number)
            self._later(self.settings.escalate_after, partial(self._escalate, number, message))

    def _escalate(self, number: int, message: AlertMessage) -> None:
        """Send an alert to the next contact, unless somebody acknowledged it."""
        if number not in self._unacknowledged:
            return
        self._unacknowledged.discard(number)
        waited = f"{self.settings.escalate_after:g} seconds"
        self._send(
            replace(
                message,
                at=self._clock(),
                to=self.settings.escalate_to,
                subject=f"Escalated: {message.subject}",
                text=f"Nobody acknowledged this alert within {waited}.\n\n{message.text}",
            )
        )


def alert_message(
    sighting: Sighting,
    categories: tuple[str, ...],
    number: int,
    *,
    to: str,
    priority: AlertPriority,
) -> AlertMessage:
    """Return the message of an alert: who asked for what, when, and on which computer."""
    category = ", ".join(categories)
    fields = {
        "alert": str(number),
        "category": category,
        "user": visible(sighting.asker.user),
        "profile": sighting.asker.profile,
        "client": sighting.asker.client,
        "time": f"{sighting.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "url": visible(sighting.url)[:LONGEST_SHOWN],
        "words": visible(" ".join(sighting.words.split()))[:LONGEST_SHOWN],
        "markers": visible(" ".join(sighting.markers))[:LONGEST_SHOWN],
    }
    lines = (
        "A user may be at risk.",
        "",
        f"Alert:    {number}",
        f"Category: {category}",
        f"User:     {fields['user']} (profile {fields['profile']})",
        f"Computer: {fields['client']}",
        f"Time:     {fields['time']}",
        f"Address:  {fields['url']}",
        f"Words:    {fields['words']}",
        f"Found:    {fields['markers'] or 'nothing agreed'}",
    )
    return AlertMessage(
        at=sighting.at,
        to=to,
        subject=f"Safeguarding alert {number}: {category}",
        text="\n".join(lines) + "\n",
        priority=priority,
        fields=fields,
    )


def operator_message(fault: Fault, at: datetime, to: str) -> AlertMessage:
    """Return the message about a setting that stopped the filter from blocking."""
    of_profiles = ", ".join(sorted(fault.profiles)) if fault.profiles else "all profiles"
    of_hosts = ", ".join(sorted(fault.hosts)) if fault.hosts else "all hosts"
    what = "The filter is off" if fault.kind is FaultKind.OFF else "The filter blocks less"
    time = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    text = (
        f"{what}: what has to be blocked is let through.\n\n"
        f"Time:     {time}\nProfiles: {of_profiles}\n"
        f"Service:  {fault.service or 'all services'}\nHosts:    {of_hosts[:LONGEST_SHOWN]}\n"
    )
    fields = {"setting": str(fault.kind), "time": time}
    return AlertMessage(
        at=at, to=to, subject=f"Operator alert: {what}", text=text, priority="urgent", fields=fields
    )
