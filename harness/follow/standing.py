"""Where a service stands at a time: what every page, file and message says of it.

All that is shown of a service follows from this: whether it is accredited, by which decision and
certificate, what failed and is late, which alarms are open, and which results are the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from harness.follow.decisions import latest_of
from harness.follow.newest_figures import MeasuredFigure, NewestFigure, newest_figures
from harness.follow.service_status import ServiceStatus, statuses_of_service
from harness.follow.state import StreamState
from harness.follow.status_history import History, StatusChange
from harness.model.action_plan import FollowUp
from harness.model.alarm import Alarm, AlarmState
from harness.model.decision import FAVOURABLE, STOPPED, HeldDecision, Status
from harness.model.stream import same_name

URGENCY = (STOPPED, FAVOURABLE, (Status.NOT_YET,), (Status.EXPIRED,))
"""Which of several accreditations, each by a scheme of its own, is shown for the service: a stopped
one before a valid one, and so on."""


class Suspension(NamedTuple):
    """A time in which the accreditation was stopped (``STOPPED``); ``None``: until now."""

    since: datetime
    until: datetime | None


class VersionStanding(NamedTuple):
    """A version by a scheme: its last decision, how its status changed, and what is open.

    ``certificate`` is the number of the last one; of a decision that stops, of what it stopped.
    """

    held: HeldDecision
    changes: tuple[StatusChange, ...]
    certificate: str
    findings: tuple[FollowUp, ...]

    @property
    def last(self) -> StatusChange:
        """Its status, since when, and why."""
        return self.changes[-1]

    @property
    def until(self) -> datetime | None:
        """The end of an accreditation that is in force."""
        return self.held.decision.until if self.last.status in FAVOURABLE else None

    @property
    def was_accredited(self) -> bool:
        """Whether it is accredited, or was once."""
        return any(change.status in FAVOURABLE for change in self.changes)


class ServiceStanding(NamedTuple):
    """Where a service stands at ``at``.

    ``versions`` were decided about, the last one last. ``schemes`` has the statuses of the service
    as a whole by each scheme, ``findings`` are open, ``alarms`` all that were raised, ``figures``
    the newest results.
    """

    service: str
    at: datetime
    versions: tuple[VersionStanding, ...]
    schemes: Mapping[str, tuple[ServiceStatus, ...]]
    findings: tuple[FollowUp, ...]
    alarms: tuple[Alarm, ...]
    figures: tuple[NewestFigure, ...]

    @property
    def accreditation(self) -> VersionStanding | None:
        """The accreditation that is shown for the service: the most urgent one (``URGENCY``)."""
        found = [one for scheme in self.schemes if (one := self.leading(scheme)) is not None]
        return min(found, key=_urgency, default=None)

    def leading(self, scheme: str) -> VersionStanding | None:
        """The version whose status is that of the service by a scheme."""
        whole = self.schemes.get(scheme, ())
        keys = {one.held.decision.key: one for one in self.versions}
        return keys.get(whole[-1].key) if whole else None

    @property
    def is_stopped(self) -> bool:
        """Whether the accreditation that is shown for the service is stopped."""
        one = self.accreditation
        return one is not None and one.last.status in STOPPED

    @property
    def open_alarms(self) -> tuple[Alarm, ...]:
        """The alarms that no re-test decided."""
        return tuple(alarm for alarm in self.alarms if not alarm.is_ended)

    @property
    def overdue(self) -> tuple[FollowUp, ...]:
        """The open findings whose plan is late."""
        plans = ((each, each.plan) for each in self.findings)
        return tuple(each for each, plan in plans if plan and plan.is_overdue(self.at))

    def suspensions(self, scheme: str) -> Iterator[Suspension]:
        """The times in which the accreditation by a scheme was stopped."""
        changes = [each.change for each in self.schemes.get(scheme, ())]
        for change, after in zip_longest(changes, changes[1:]):
            if change.status in STOPPED:
                yield Suspension(change.at, after.at if after is not None else None)

    def answer_to(self, alarm: Alarm) -> HeldDecision | None:
        """The first decision that names an alarm, or was made after it was confirmed."""
        for one in sorted(self.versions, key=lambda each: each.held.at):
            is_later = alarm.ended is not None and one.held.at >= alarm.ended
            if one.held.decision.cause == alarm.id or is_later:
                return one.held
        return None

    def is_to_decide(self, alarm: Alarm) -> bool:
        """Whether a confirmed alarm waits for a decision on suspension."""
        is_valid = any(one.last.status in FAVOURABLE for one in self.versions)
        is_confirmed = alarm.state is AlarmState.CONFIRMED
        return is_confirmed and is_valid and self.answer_to(alarm) is None


def standing_at(
    service: str,
    state: StreamState,
    history: History,
    moment: datetime,
    figures: Sequence[MeasuredFigure] = (),
) -> ServiceStanding:
    """Where a service of a stream stands at a time.

    ``state`` and ``history`` are those of the events up to then (``replay_statuses``). ``figures``
    are the last results of each subject of the service.
    """
    name = same_name(service)
    decisions = [
        held for held in state.decisions.values() if same_name(held.decision.service) == name
    ]
    schemes = {
        scheme: statuses_of_service(
            [held for held in decisions if held.decision.scheme == scheme], history
        )
        for scheme in dict.fromkeys(held.decision.scheme for held in decisions)
    }
    findings = tuple(state.open_findings(service))
    keys = dict.fromkeys(held.decision.key for held in decisions)
    latest = [held for key in keys if (held := latest_of(state.decisions, key)) is not None]
    made = [
        VersionStanding(held, changes, _certificate(held, decisions), ())
        for held in sorted(latest, key=lambda each: (each.at, each.decision.number))
        if (changes := history.get(held.decision.key, ()))
    ]
    standing = ServiceStanding(
        service=service,
        at=moment,
        versions=tuple(made),
        schemes={scheme: whole for scheme, whole in schemes.items() if whole},
        findings=findings,
        alarms=tuple(
            alarm for alarm in state.alarms.values() if same_name(alarm.raised.service) == name
        ),
        figures=newest_figures(figures),
    )
    versions = (one._replace(findings=_failing(one, standing)) for one in standing.versions)
    return standing._replace(versions=tuple(versions))


def services_in(state: StreamState) -> tuple[str, ...]:
    """The services that were decided about, as they were spelled first."""
    found: dict[str, str] = {}
    for held in state.decisions.values():
        found.setdefault(same_name(held.decision.service), held.decision.service)
    return tuple(found.values())


def _failing(one: VersionStanding, standing: ServiceStanding) -> tuple[FollowUp, ...]:
    """The open findings of a version.

    One of a version that never was accredited, or whose version is not known, stands with the
    version whose status is that of the service.
    """
    decision = one.held.decision
    accredited = {
        same_name(each.held.decision.version)
        for each in standing.versions
        if each.was_accredited and each.held.decision.scheme == decision.scheme
    }
    leads = standing.leading(decision.scheme) is one
    version = same_name(decision.version)
    return tuple(
        each
        for each in standing.findings
        if each.finding.scheme == decision.scheme
        and (
            same_name(each.version) == version
            or (leads and same_name(each.version) not in accredited)
        )
    )


def _certificate(held: HeldDecision, decisions: Sequence[HeldDecision]) -> str:
    about = [one for one in decisions if one.decision.key == held.decision.key]
    if held.decision.status in FAVOURABLE:
        about = [held]
    issued = [one.certificate.number for one in about if one.certificate is not None]
    return issued[-1] if issued else ""


def _urgency(one: VersionStanding) -> tuple[int, float]:
    rank = next(rank for rank, each in enumerate(URGENCY) if one.last.status in each)
    return rank, -one.last.at.timestamp()
