"""The observations of a journal that are of no item, and what is known from them.

Plain twins, polls, users of one address; requests that a log has to show, sessions, mails,
transfers, checks at random moments; what people stated, and how busy the machine was. There are few
of them, so they are held in memory. So are trials of techniques and of checks of TLS, which are of
items, with what was sent and what came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.judge.availability_trials import AvailabilityTrials
from harness.judge.concurrent_trials import ConcurrentTrials
from harness.judge.logged_requests import LoggedRequests
from harness.judge.measured_load import MeasuredLoad
from harness.judge.measured_speed import MeasuredSpeed
from harness.judge.pairing import PlainTwinTrials
from harness.judge.people_answers import PeopleAnswers
from harness.judge.polls import PollTrials
from harness.judge.sent_mail import SentMails
from harness.judge.technique_trials import TechniqueTrials
from harness.judge.tls_trials import TlsTrials
from harness.model.observation import Observation
from harness.model.probe import Declarations
from harness.model.service_records import ServiceRecords
from harness.model.verdict import Trial, Verdict


class BesideItems:
    """Keeps such observations, and judges them with ``judged``, the rules for items.

    ``journal`` is what people sign their statements for (``JournalHeader.identity``).
    """

    def __init__(
        self,
        probes: Declarations,
        judged: Callable[[Trial], Verdict],
        journal: tuple[str, ...] = (),
    ) -> None:
        self._judged = judged
        self.twins = PlainTwinTrials()
        self.polls = PollTrials(probes)
        self.users = ConcurrentTrials()
        self.techniques = TechniqueTrials()
        self.tls = TlsTrials()
        self.load = MeasuredLoad()
        self._availability = AvailabilityTrials(judged)
        self._logged = LoggedRequests(probes)
        self._mail = SentMails()
        self._people = PeopleAnswers(journal)
        self._speed = MeasuredSpeed(probes)

    def separate(self, observations: Iterable[Observation]) -> Iterable[Observation]:
        """Return the other observations; keep these."""
        for part in (
            self.load, self._people, self.twins, self._availability, self.polls, self.users,
            self._mail, self._logged, self._speed, self.tls, self.techniques,
        ):  # fmt: skip
            observations = part.separate(observations)
        return observations

    def judge(self) -> None:
        """Judge all that was kept."""
        self.load.judge()
        for part in (self.twins, self.polls, self.users, self._logged):
            part.judge(self._judged)
        self._mail.judge()
        self._speed.judge(self._judged, self.load.overloaded)
        self._availability.judge(self._judged, self.load.overloaded)

    @property
    def records(self) -> ServiceRecords:
        """What is known of the service from them."""
        return ServiceRecords(
            logs=self._logged.logs,
            alerts=self._logged.alerts,
            mail=self._mail.mail,
            speed=self._speed.speed,
            availability=self._availability.checks,
            people=self._people.records,
            techniques=self.techniques.techniques,
            tls=self.tls.tls,
            load=self.load.load,
        )
