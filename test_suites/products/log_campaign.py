"""A campaign whose requests a product's own log has to show, and copies of it for each reading."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.cli import log as log_command
from harness.cli import measure as measure_command
from harness.cli.compose import prepare
from harness.cli.log import send
from harness.cli.log_import import LogSource, import_log
from harness.cli.paths import CampaignPaths
from harness.interop.logs.line_reader import LogOptions
from harness.judge.composite_measurements import judge_maker
from harness.model.instrument_record import ClockState
from harness.model.observation import Observation
from harness.model.outcome import Outcome
from harness.model.service_log import LoggedRequest
from harness.store.journal.journal import open_journal
from test_suites.products.measured import SENTINEL
from test_suites.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign

SCHEME = """\
id: our-school
version: "1.0"
title: Records
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements:
  - {id: LOG-01, n_min: 322}
  - {id: LOG-02, n_min: 300}
  - {id: LOG-03}
  - {id: LOG-04}
  - {id: LOG-06}
  - {id: CIR-13, n_min: 32}
"""
LATER = 400.0
"""Seconds by which a clock is ahead, so that a missing entry counts as missing."""
LIMITS = {"timeout": 20, "confirmation_timeout": 40, "concurrency": 20}


class Ahead:
    """A clock that is ``seconds`` ahead of the real one: a log is read so much later."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return 0.0


class LogCampaign:
    """A campaign in a folder of its own, whose requests were made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = CampaignPaths(out=folder / "out", campaign="rehearsal")

    def copied(self, folder: Path) -> LogCampaign:
        """The same campaign in another folder, so that each reading stands alone."""
        shutil.copytree(self.folder, folder / "campaign")
        return LogCampaign(folder / "campaign")

    def read(
        self,
        log: Path,
        form: str,
        *,
        ahead: Iterable[float] = (0.0, LATER),
        zone: tzinfo | None = None,
    ) -> Rehearsal:
        """Read a log with clocks that are so many seconds ahead, and conclude."""
        for seconds in ahead:
            options = LogOptions(now=datetime.now(UTC), zone=zone)
            source = LogSource(path=log, form=form, options=options)
            import_log(self.paths.journal, source, Ahead(seconds))
        return read_rehearsal(self.paths.journal)

    def requests(self) -> tuple[LoggedRequest, ...]:
        """The requests, with the entries that were read."""
        with closing(open_journal(self.paths.journal)) as journal:
            return judge_maker(journal)().logs.requests

    def observed(self) -> list[Observation]:
        """What was observed of the requests themselves, control and all."""
        with closing(open_journal(self.paths.journal)) as journal:
            return [one for one in journal.sentinels() if one.role == "logged"]


@contextmanager
def synchronised() -> Iterator[None]:
    """The clock of this machine is known to be right while requests are made."""
    real, clock = log_command.record_of, ClockState(offset=0.0, bound=0.01)
    with pytest.MonkeyPatch.context() as patched:
        for module in (log_command, measure_command):
            patched.setattr(module, "record_of", lambda *given: replace(real(*given), clock=clock))
        yield


def sent(
    folder: Path,
    line: Mapping[str, Any],
    records: Mapping[str, Any],
    requests: int,
    *,
    profiles: Iterable[str] = ("pupils",),
) -> LogCampaign:
    """Make so many requests for each profile; ``folder`` holds ``origin.json`` of a range."""
    campaign = LogCampaign(folder)
    (folder / "scheme.yaml").write_text(SCHEME)
    path = write_campaign(
        folder,
        origin=folder / "origin.json",
        lines=[dict(line)],
        categories=["GAMB"],
        sample=2,
        profiles={name: {"phase": "ks2"} for name in profiles},
        sentinels={"must_block": [SENTINEL]},
        limits=LIMITS,
        service={"name": "a product of Debian", "records": dict(records)},
        scheme="scheme.yaml",
    )
    with synchronised():
        send(prepare(path), campaign.paths, "ordinary", requests, pause=_at_once)
        rehearse(path)
    return campaign


async def _at_once() -> None:
    """No pause."""


def outcome(run: Rehearsal, requirement: str, profile: str = "pupils") -> Outcome:
    """The outcome of a requirement for a profile."""
    (found,) = (
        each
        for each in run.assessment.outcomes
        if (each.requirement.id, each.profile) == (requirement, profile)
    )
    return found
