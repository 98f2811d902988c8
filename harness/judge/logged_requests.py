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

from harness.judge.polls import JudgedTrial, judged_beside_sentinels, role_of_sentinel
from harness.model.facts import DnsFacts, LogEntryFacts, LogFileFacts, WebFacts
from harness.model.log_case import log_case
from harness.model.log_entry import LogEntry
from harness.model.observation import Observation
from harness.model.probe import EARLIER, Declarations
from harness.model.service_log import (
    ROUND,
    LoggedRequest,
    LogReading,
    RecordedChange,
    ServiceLogs,
)
from harness.model.verdict import State, Trial, Verdict

DECIDED: dict[State, Literal["blocked", "allowed"]] = {
    State.BLOCKED: "blocked",
    State.ALLOWED: "allowed",
}


class LoggedRequests:
    """The logged requests of a journal and the readings of logs, held in memory: there are few."""

    def __init__(self, probes: Declarations = EARLIER) -> None:
        self._probes = probes
        self._requests: list[Observation] = []
        self._read: list[Observation] = []
        self.logs = ServiceLogs()

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield the other observations; keep those of logged requests and logs."""
        for one in observations:
            if one.role == "logged":
                role = role_of_sentinel(one) if log_case(one.item.stratum) is None else "item"
                self._requests.append(msgspec.structs.replace(one, role=role))
            elif one.role == "log":
                self._read.append(one)
            else:
                yield one

    def judge(self, judged: Callable[[Trial], Verdict]) -> None:
        """Judge all requests that were kept, and join them with the entries of all readings."""
        read = _Readings(self._read)
        trials = list(judged_beside_sentinels(self._requests, judged, self._probes))
        requests = [_request(each, read) for each in trials]
        own = {each.trial.key.item for each in trials}
        self.logs = ServiceLogs(
            requests=tuple(sorted(requests, key=lambda one: one.started)),
            readings=tuple(read.readings.values()),
            changes=tuple(
                RecordedChange(event=item, entries=read.entries_of(item))
                for item in sorted(read.by_item.keys() - own)
            ),
        )
        self._requests.clear()
        self._read.clear()


class _Readings:
    """The readings by their numbers, and what each holds of an item."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self.readings: dict[int, LogReading] = {}
        self.by_item: defaultdict[str, dict[int, LogEntryFacts]] = defaultdict(dict)
        for one in sorted(observations, key=lambda one: one.key.round):
            if isinstance(one.facts, LogFileFacts):
                self.readings[one.key.round] = _reading(one, one.facts)
            elif isinstance(one.facts, LogEntryFacts):
                self.by_item[one.key.item][one.key.round] = one.facts

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
        of_line = {number: one for number, one in self.readings.items() if one.is_of(line)}
        held = [number for number in self.by_item.get(item, {}) if number in of_line]
        if not held:
            return None, None
        first = of_line[min(held)]
        earlier = [one.at for number, one in of_line.items() if number < min(held)]
        if first.looked_before is not None:
            earlier.append(first.looked_before)
        return first.at, max(earlier, default=None)


def _reading(observation: Observation, facts: LogFileFacts) -> LogReading:
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
    found = log_case(service.item.stratum)
    assert found is not None
    state, why = _state(judged)
    seen_at, missed_at = read.seen(service.item.id, service.key.line)
    facts = service.facts
    return LoggedRequest(
        item=service.item.id,
        url=facts.url if isinstance(facts, WebFacts) and not facts.hops else service.item.value,
        case=found.case.name,
        situation=found.situation,
        sending=service.key.round % ROUND,
        line=service.key.line,
        profile=service.key.profile,
        started=service.started,
        ended=service.started + timedelta(seconds=service.timings.total or 0.0),
        state=state,
        why=why or "; ".join(verdict.witnesses) if state in ("undecided", "unanswered") else "",
        size=facts.body_length if isinstance(facts, WebFacts) else None,
        tries=service.tries,
        entries=read.entries_of(service.item.id),
        seen_at=seen_at,
        missed_at=missed_at,
    )


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
