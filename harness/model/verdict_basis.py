"""What the verdicts of a journal rest on."""

from __future__ import annotations

import msgspec

from harness.model.outcome import Precondition
from harness.model.plain_twin import TwinPair
from harness.model.run_record import NO_RUN, RunRecord
from harness.model.service_records import NO_RECORDS, ServiceRecords
from harness.model.timed_event import Poll
from harness.model.user import UserTrial


class VerdictBasis(msgspec.Struct, frozen=True, kw_only=True):
    """What verdicts rest on: observations, rules, preconditions, and trials beside items."""

    observations: int
    rules_version: str
    preconditions: tuple[Precondition, ...]
    twins: tuple[TwinPair, ...] = ()
    polls: tuple[Poll, ...] = ()
    users: tuple[UserTrial, ...] = ()
    records: ServiceRecords = NO_RECORDS
    run: RunRecord = NO_RUN
