"""Judge the requests that a service's log has to show, and put beside them what it shows.

What the service did follows from the request and the control beside it, as for items; the log
decides nothing about it. Requests count only between sentinels that behaved as agreed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Literal

import msgspec

from harness.judge.log_readings import LogReadings
from harness.judge.polls import (
    DECIDED,
    JudgedTrial,
    judged_beside_sentinels,
    role_of_sentinel,
)
from harness.model.alert_case import alert_session
from harness.model.facts import DnsFacts, WebFacts
from harness.model.log_case import CASES, NAME_CASES, Situation, log_case
from harness.model.observation import Observation
from harness.model.probe import EARLIER, Declarations
from harness.model.service_alert import SPOOL, TO_OPERATOR, ServiceAlerts
from harness.model.service_log import ROUND, LoggedRequest, RecordedChange, ServiceLogs
from harness.model.verdict import Trial, Verdict

Place = tuple[str, str, str]
"""A line, a profile, and what was asked for."""

ALL_CASES = frozenset({*CASES, *NAME_CASES})
"""The names of cases for a log; those of sessions are others."""


class LoggedRequests:
    """The logged requests of a journal and the readings of logs, held in memory: there are few."""

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._requests: list[Observation] = []
        self._read: list[Observation] = []
        self._again: defaultdict[Place, list[tuple[datetime, datetime]]] = defaultdict(list)
        self.logs = ServiceLogs()
        self.alerts = ServiceAlerts()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep those of logged requests and logs."""
        for one in observations:
            if one.role == "logged":
                role = "item" if _is_traced(one.item.stratum) else role_of_sentinel(one)
                self._requests.append(msgspec.structs.replace(one, role=role))
            elif one.role == "log":
                self._read.append(one)
            else:
                if one.role == "heartbeat" and log_case(one.item.stratum) is not None:
                    self._again[_place(one)].append((one.started, one.ended))
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all requests that were kept, and join them with the entries of all readings."""
        read = LogReadings(self._read)
        trials = list(judged_beside_sentinels(self._requests, judged, self._probes))
        made = (_request(one, read, self._again[_place(one.trial.service)]) for one in trials)
        traced = sorted(made, key=lambda one: one.started)
        own = {one.item for one in traced} | {TO_OPERATOR}
        self.logs = ServiceLogs(
            requests=tuple(one for one in traced if one.case in ALL_CASES),
            readings=tuple(one for one in read.readings.values() if one.format != SPOOL),
            changes=tuple(
                RecordedChange(event=item, entries=read.entries_of(item))
                for item in sorted(read.by_item.keys() - own)
            ),
        )
        self.alerts = ServiceAlerts(
            sessions=tuple(one for one in traced if one.case not in ALL_CASES),
            readings=tuple(one for one in read.readings.values() if one.format == SPOOL),
            to_operator=read.entries_of(TO_OPERATOR),
            reports=tuple(read.reports),
        )
        self._requests.clear()
        self._read.clear()
        self._again.clear()


def _place(one: Observation) -> Place:
    return one.key.line, one.key.profile, one.item.value


def _request(
    judged: JudgedTrial, read: LogReadings, again: Iterable[tuple[datetime, datetime]]
) -> LoggedRequest:
    service, verdict = judged.trial.service, judged.verdict
    case, situation = _case_of(service.item.stratum)
    state, why = _state(judged)
    seen_at, missed_at = read.seen(service.item.id, service.key.line)
    facts = service.facts
    ended = service.ended
    differs = read.differences(service.item.id, service.key.line, ended)
    return LoggedRequest(
        item=service.item.id,
        url=facts.url if isinstance(facts, WebFacts) and not facts.hops else service.item.value,
        case=case,
        situation=situation,
        sending=service.key.round % ROUND,
        line=service.key.line,
        profile=service.key.profile,
        started=service.started,
        ended=ended,
        state=state,
        why=why or "; ".join(verdict.witnesses) if state in ("undecided", "unanswered") else "",
        size=facts.body_length if isinstance(facts, WebFacts) else None,
        tries=service.tries + service.strained,
        again=tuple(again),
        entries=read.entries_of(service.item.id),
        more=read.more_of(service.item.id),
        repaired=differs.repaired,
        altered=differs.altered,
        seen_at=seen_at,
        missed_at=missed_at,
    )


def _is_traced(stratum: str) -> bool:
    return log_case(stratum) is not None or alert_session(stratum) is not None


def _case_of(stratum: str) -> tuple[str, Situation]:
    """The name of a case for a log with its situation, or that of a session."""
    found, session = log_case(stratum), alert_session(stratum)
    if found is not None:
        return found.case.name, found.situation
    assert session is not None
    return session.name, "ordinary"


def _state(
    judged: JudgedTrial,
) -> tuple[Literal["blocked", "allowed", "undecided", "unanswered"], str]:
    """What the service did with a request, and why that is not known.

    A request without an answer is not known to have reached the service.
    """
    decided = DECIDED.get(judged.verdict.state)
    if decided is not None and not judged.fault:
        return decided, ""
    if not _is_answered(judged.trial.service):
        return "unanswered", ""
    return "undecided", judged.fault


def _is_answered(service: Observation) -> bool:
    facts = service.facts
    if isinstance(facts, DnsFacts):
        return bool(facts.rcode)
    return isinstance(facts, WebFacts) and (facts.status or facts.tunnel_status) is not None
