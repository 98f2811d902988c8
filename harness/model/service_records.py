"""What is known of a service beside the verdicts of items, such as its log and its alerts.

Each part is made from observations that other commands than ``accredit measure`` left in the
journal. A new part is a field of ``ServiceRecords`` with a method ``of(line, profile)``.
"""

from __future__ import annotations

import msgspec

from harness.model.availability import AvailabilityChecks
from harness.model.people_answer import NOBODY, PeopleRecords
from harness.model.service_alert import ServiceAlerts
from harness.model.service_log import ImportedFile, ServiceLogs, imported_files
from harness.model.service_mail import ServiceMail
from harness.model.service_speed import ServiceSpeed
from harness.model.technique_matrix import ServiceTechniques
from harness.model.tester_load import TesterLoad
from harness.model.tls_trial import ServiceTls


class ServiceRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal holds of a service beside the verdicts of items.

    ``load`` is that of the tester's own machine, the same for all lines.
    """

    logs: ServiceLogs = ServiceLogs()
    alerts: ServiceAlerts = ServiceAlerts()
    mail: ServiceMail = ServiceMail()
    speed: ServiceSpeed = ServiceSpeed()
    availability: AvailabilityChecks = AvailabilityChecks()
    people: PeopleRecords = NOBODY
    techniques: ServiceTechniques = ServiceTechniques()
    tls: ServiceTls = ServiceTls()
    load: TesterLoad = TesterLoad()

    @property
    def lines(self) -> frozenset[str]:
        """The lines over which something was sent for these records."""
        sent = frozenset(one.line for one in (*self.logs.requests, *self.alerts.sessions))
        checked = frozenset(one.line for one in self.availability.spans)
        return sent | checked | self.speed.lines

    @property
    def imports(self) -> tuple[ImportedFile, ...]:
        """Every import of a log, of alerts and of mailboxes, in their order."""
        return imported_files((*self.logs.readings, *self.alerts.readings, *self.mail.readings))

    def of(self, line: str, profile: str) -> ServiceRecords:
        """Return what belongs to one line and profile."""
        return ServiceRecords(
            logs=self.logs.of(line, profile),
            alerts=self.alerts.of(line, profile),
            mail=self.mail.of(profile),
            speed=self.speed.of(line, profile),
            availability=self.availability.of(line, profile),
            people=self.people,
            techniques=self.techniques.of(line, profile),
            tls=self.tls.of(line, profile),
            load=self.load,
        )


NO_RECORDS = ServiceRecords()
"""Nothing is known beside the verdicts of items."""
