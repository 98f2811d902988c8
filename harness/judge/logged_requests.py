"""Judge the requests that a service's log has to show, and put beside them what it shows.

What the service did follows from the request and the control beside it, as for items; the log
decides nothing about it. Requests count only between sentinels that behaved as agreed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from harness.judge.polls import (
    DECIDED,
    JudgedTrial,
    judged_beside_sentinels,
    role_of_sentinel,
)
from harness.model.alert_case import alert_session
from harness.model.facts import (
    AlertReportFacts,
    DnsFacts,
    LogEntryFacts,
    LogFileFacts,
    WebFacts,
)
from harness.model.log_case import CASES, NAME_CASES, Situation, log_case
from harness.model.log_entry import LogEntry
from harness.model.observation import Observation
from harness.model.probe import EARLIER, Declarations
from harness.model.service_alert import SPOOL, TO_OPERATOR, ServiceAlerts
from harness.model.service_log import (
    ROUND,
    LoggedRequest,
    LogReading,
    RecordedChange,
    ServiceLogs,
)
from harness.model.verdict import Trial, Verdict

ALL_CASES = frozenset({*CASES, *NAME_CASES})
"""The names of cases for a log; those of sessions are others."""


class LoggedRequests:
    """The logged requests of a journal and the readings of logs, held in memory: there are few."""

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._requests: list[Observation] = []
        self._read: list[Observation] = []
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
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all requests that were kept, and join them with the entries of all readings."""
        read = _Readings(self._read)
        trials = list(judged_beside_sentinels(self._requests, judged, self._probes))
        traced = sorted((_request(each, read) for each in trials), key=lambda one: one.started)
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


class _Readings:
    """The readings by their numbers, and what each holds of an item."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self.readings: dict[int, LogReading] = {}
        self.reports: list[AlertReportFacts] = []
        self._by_line: dict[str, dict[int, LogReading]] = {}
        self.by_item: defaultdict[str, dict[int, LogEntryFacts]] = defaultdict(dict)
        for one in sorted(observations, key=lambda one: one.key.round):
            if isinstance(one.facts, LogFileFacts):
                self.readings[one.key.round] = reading_of(one, one.facts)
            elif isinstance(one.facts, LogEntryFacts):
                self.by_item[one.key.item][one.key.round] = one.facts
            elif isinstance(one.facts, AlertReportFacts):
                self.reports.append(one.facts)

    def entries_of(self, item: str) -> tuple[LogEntry, ...]:
        """All entries of an item, those of later readings without repetition.

        A line may have another number in a later copy of a log, so numbers are not compared.
        """
        found: list[LogEntry] = []
        seen_before: set[LogEntry] = set()
        for facts in self.by_item.get(item, {}).values():
            unnumbered = [msgspec.structs.replace(entry, line=0) for entry in facts.entries]
            pairs = zip(facts.entries, unnumbered, strict=True)
            found += [entry for entry, same in pairs if same not in seen_before]
            seen_before.update(unnumbered)
        return tuple(found)

    def seen(self, item: str, line: str) -> tuple[datetime | None, datetime | None]:
        """When an entry of an item was first read, and when it had last been looked for in vain."""
        of_line = self._of_line(line)
        held = [number for number in self.by_item.get(item, {}) if number in of_line]
        if not held:
            return None, None
        first = of_line[min(held)]
        earlier = [one.at for number, one in of_line.items() if number < min(held)]
        if first.looked_before is not None:
            earlier.append(first.looked_before)
        return first.at, max(earlier, default=None)

    def _of_line(self, line: str) -> dict[int, LogReading]:
        """The readings of the log of a line, by their numbers."""
        if line not in self._by_line:
            self._by_line[line] = {
                number: one
                for number, one in self.readings.items()
                if one.format != SPOOL and one.is_of(line)
            }
        return self._by_line[line]


def reading_of(observation: Observation, facts: LogFileFacts) -> LogReading:
    """Return what a reading of a log, of alerts or of a mailbox was."""
    return LogReading(
        number=observation.key.round - ROUND,
        at=observation.started,
        looked_before=facts.looked_before,
        format=facts.format,
        sha256=facts.sha256,
        lines=facts.lines,
        changes=facts.changes,
        covers=facts.covers,
        first=facts.first,
        last=facts.last,
        searched=facts.searched,
        secrets=facts.secrets,
    )


def _request(judged: JudgedTrial, read: _Readings) -> LoggedRequest:
    service, verdict = judged.trial.service, judged.verdict
    case, situation = _case_of(service.item.stratum)
    state, why = _state(judged)
    seen_at, missed_at = read.seen(service.item.id, service.key.line)
    facts = service.facts
    return LoggedRequest(
        item=service.item.id,
        url=facts.url if isinstance(facts, WebFacts) and not facts.hops else service.item.value,
        case=case,
        situation=situation,
        sending=service.key.round % ROUND,
        line=service.key.line,
        profile=service.key.profile,
        started=service.started,
        ended=service.started + timedelta(seconds=service.timings.total or 0.0),
        state=state,
        why=why or "; ".join(verdict.witnesses) if state in ("undecided", "unanswered") else "",
        size=facts.body_length if isinstance(facts, WebFacts) else None,
        tries=service.tries + service.strained,
        entries=read.entries_of(service.item.id),
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
