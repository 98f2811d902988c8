"""What is known of a service's alerts: the sessions played, and the alerts that arrived.

Alerts are received by a mailbox or webhook of the tester and joined with sessions by their hosts,
or by the number in their searches. Who has to receive them is declared (``service.alerts``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from pydantic import Field

from harness.model.declared import Declared
from harness.model.facts import AlertReportFacts
from harness.model.log_entry import LogEntry
from harness.model.service_log import LoggedRequest, LogReading, worked_until

SPOOL = "alerts"
"""The format of a reading of received alerts."""
TO_OPERATOR = "alerts-to-operator"
"""The item of alerts that belong to no session, and went to the operator."""
REPORT = "alert-report"
"""The item of a supplier's regular report."""

Address = Annotated[str, Field(min_length=1, max_length=254)]
Addresses = Annotated[tuple[Address, ...], Field(strict=False)]


class AlertContacts(Declared):
    """Who receives alerts: addresses of mail, or paths of a webhook.

    ``recipients`` are those of a profile, ``next_contacts`` who is notified if nobody answers, and
    ``operator`` who is notified about the filter itself.
    """

    recipients: dict[str, Addresses] = Field(default_factory=dict)
    next_contacts: Addresses = ()
    operator: Addresses = ()


class ServiceAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions of a campaign with their alerts, and what else was received.

    The ``case`` of a session is its name (``AlertSession.name``), its ``entries`` are alerts.
    """

    sessions: tuple[LoggedRequest, ...] = ()
    readings: tuple[LogReading, ...] = ()
    to_operator: tuple[LogEntry, ...] = ()
    reports: tuple[AlertReportFacts, ...] = ()

    def received_until(self, begins: datetime) -> datetime | None:
        """Until when a receiver worked since then, and missed no alert; None if none did."""
        return worked_until(self.readings, begins)

    def of(self, line: str, profile: str) -> ServiceAlerts:
        """Return the sessions of a line and profile, and all that was received."""
        own = tuple(one for one in self.sessions if (one.line, one.profile) == (line, profile))
        return msgspec.structs.replace(self, sessions=own)
