"""Check, keep and find the reports of runs that agents send to a hub.

An agent speaks for its own service, site and monitoring alone. Of what it says of a run only what
no bundle can show is used: that the run was not measured, and why.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

import msgspec

from harness.errors import InstrumentError, UsageError
from harness.fleet.envelope import ANSWER_WITHIN
from harness.fleet.messages import RunReport
from harness.model.stream import same_name
from harness.model.surveillance_event import SurveillanceRun
from harness.monitor.agent_standing import AgentStanding
from harness.store.atomic_write import write_whole
from harness.store.private_folder import make_private
from harness.untrusted.regular_file import read_bounded

MOST_OPEN = 10_000
"""The most reports of one agent that are not recorded."""

MOST_MISSED = 1_000_000
"""The most due times of one report of missed runs."""

LONGEST_REASON = 1000
REPORT_BYTES = 8 * 1024 * 1024

_SCHEDULE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RUNS = msgspec.json.Decoder(SurveillanceRun)


class StoredReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report of a run as a hub keeps it: from which agent, when it came, and the run as sent."""

    agent: str
    at: datetime
    bundle: str
    run: SurveillanceRun

    @property
    def digest(self) -> str:
        """The SHA-256 of the run's key, by which it is found."""
        return hashlib.sha256(self.run.about.encode()).hexdigest()


_REPORTS = msgspec.json.Decoder(StoredReport)


class FaultyReport(UsageError):
    """A report that an agent may not send."""


def read_report(message: RunReport, held: AgentStanding, now: datetime) -> StoredReport:
    """Read a report and check that the agent may send it. Raises FaultyReport."""
    try:
        run = _RUNS.decode(message.run)
    except (msgspec.MsgspecError, RecursionError):
        msg = "the run cannot be read"
        raise FaultyReport(msg) from None
    if why := _fault_of_names(run, held) or _fault_of_times(run, held, now):
        raise FaultyReport(why)
    if (run.result == "measured") != bool(message.bundle):
        msg = "a run has a bundle if it was measured, and else none"
        raise FaultyReport(msg)
    if message.bundle and not _SHA256.fullmatch(message.bundle):
        msg = "a bundle is named by its SHA-256"
        raise FaultyReport(msg)
    return StoredReport(agent=held.agent, at=now, bundle=message.bundle, run=run)


def _fault_of_names(run: SurveillanceRun, held: AgentStanding) -> str:
    """Why a run is none of the agent's; empty if it is one."""
    invited = held.invited
    pairs = ((run.service, invited.service), (run.site, invited.site))
    if run.monitoring != invited.monitoring or any(
        same_name(said) != same_name(own) for said, own in pairs
    ):
        return "the run is of another monitoring, service or site than the agent's"
    if not _SCHEDULE.fullmatch(run.schedule):
        return "the run has no name of a schedule"
    return "" if len(run.reason) <= LONGEST_REASON else "the reason is too long"


def _fault_of_times(run: SurveillanceRun, held: AgentStanding, now: datetime) -> str:
    """Why the times of a run are not possible; empty if they are."""
    first = run.first_due or run.due
    if run.due.tzinfo is None or first.tzinfo is None:
        return "a time has no time zone"
    try:
        begins = held.enrolled.at if held.enrolled else now
        is_possible = begins - ANSWER_WITHIN <= first <= run.due <= now + ANSWER_WITHIN
    except OverflowError:
        is_possible = False
    if not is_possible:
        return "a run is due between the enrolment of the agent and now"
    if run.due.second or run.due.microsecond or not 1 <= run.count <= MOST_MISSED:
        return "the due times are none of a schedule"
    if run.count > 1 and run.result not in ("missed", "left-out"):
        return "only runs that were not measured are reported together"
    return ""


class Reports:
    """The reports in the folder of a hub."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, report: StoredReport) -> None:
        """Write a report; when this returns, it is on the disk. Raises InstrumentError."""
        path = self.path(report.agent, report.digest)
        try:
            make_private(path.parent)
            write_whole(path, msgspec.json.encode(report), mode=0o600)
        except OSError as error:
            msg = f"{path}: the report cannot be written: {error.strerror or error}"
            raise InstrumentError(msg) from None

    def read(self, agent: str, digest: str) -> StoredReport:
        """Read a report. Raises InstrumentError."""
        path = self.path(agent, digest)
        try:
            return _REPORTS.decode(read_bounded(path, REPORT_BYTES))
        except (OSError, msgspec.MsgspecError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it was changed"
            msg = f"{path}: the report cannot be read: {reason}"
            raise InstrumentError(msg) from None

    def path(self, agent: str, digest: str) -> Path:
        """Where a report is. Both names are hexadecimal digits."""
        return self._folder / agent / f"{digest}.json"
