"""A campaign whose requests a product's own log has to show, and copies of it for each reading."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self

from harness.cli.compose import prepare
from harness.cli.log import send
from harness.cli.log_import import LogSource, import_log
from harness.cli.paths import CampaignPaths
from harness.interop.logs.line_reader import LogOptions
from harness.judge.composite_measurements import judge_maker
from harness.model.observation import Observation
from harness.model.outcome import Conformity, Outcome
from harness.model.service_log import LoggedRequest
from harness.store.journal.journal import open_journal
from test_suites.kit.campaigns.rehearsal import Rehearsal, read_rehearsal, rehearse, write_campaign
from test_suites.kit.clocks.right_clock import synchronised
from test_suites.products.measured import SENTINEL
from test_suites.products.service_log import wait_until_complete

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
MEASURED = ("LOG-01", "LOG-02", "LOG-03", "LOG-04", "LOG-06", "CIR-13")
LATER = timedelta(seconds=400)
"""How long after the requests a log is read, so that a missing entry counts as missing."""
LIMITS = {"timeout": 20, "confirmation_timeout": 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A clock that always shows the same time."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogCampaign:
    """A measured campaign in a folder, whose requests for a log were made until ``ended``."""

    folder: Path
    ended: datetime

    @property
    def journal(self) -> Path:
        """The folder of its journal."""
        return CampaignPaths(out=self.folder / "out", campaign="rehearsal").journal

    def copied(self, folder: Path) -> Self:
        """The same campaign in another folder, so that each reading stands alone."""
        shutil.copytree(self.folder, folder / "campaign")
        return type(self)(folder=folder / "campaign", ended=self.ended)

    def read(self, log: Path, form: str, zone: tzinfo | None = None) -> Rehearsal:
        """Read a log when the requests were made, and again ``LATER``; conclude."""
        for at in (self.ended, self.ended + LATER):
            source = LogSource(path=log, form=form, options=LogOptions(now=at, zone=zone))
            import_log(self.journal, source, Stopped(moment=at))
        return read_rehearsal(self.journal)

    def requests(self) -> tuple[LoggedRequest, ...]:
        """The requests, with the entries that were read."""
        with closing(open_journal(self.journal)) as journal:
            return judge_maker(journal)().records.logs.requests

    def observed(self, line: str) -> dict[str, Observation]:
        """What was observed of the requests over a line, by their items."""
        with closing(open_journal(self.journal)) as journal:
            logged = [one for one in journal.sentinels() if one.role == "logged"]
        return {one.item.id: one for one in logged if one.key.line == line}

    def wait_for(self, log: Path) -> None:
        """Wait until a log shows all requests."""
        wait_until_complete(log, (key_of(one.url) for one in self.requests()))

    def wait_for_items(self, log: Path) -> None:
        """Wait until a log shows the campaign's items, which were tried after the requests."""
        with closing(open_journal(self.journal)) as journal:
            tried = {one.item.host for one in journal.observations() if one.role == "item"}
        wait_until_complete(log, tried)


def key_of(url: str) -> str:
    """What a log shows of one request alone: its host, or its path below the blocked host."""
    host, _, path = (url.partition("://")[2] or url).partition("/")
    return path if path and host == SENTINEL else host.partition(":")[0]


def sent(
    folder: Path,
    line: Mapping[str, Any],
    records: Mapping[str, Any],
    requests: int,
    *,
    profiles: Iterable[str] = ("pupils",),
    concurrency: int = 20,
) -> LogCampaign:
    """Make so many requests for each profile; ``folder`` holds ``origin.json`` of a range.

    The campaign itself is measured as well: two items, and what its sentinels teach about blocks.
    """
    (folder / "scheme.yaml").write_text(SCHEME)
    path = write_campaign(
        folder,
        origin=folder / "origin.json",
        lines=[dict(line)],
        categories=["GAMB"],
        sample=2,
        profiles={name: {"phase": "ks2"} for name in profiles},
        sentinels={"must_block": [SENTINEL]},
        limits=LIMITS | {"concurrency": concurrency},
        service={"name": "a product of Debian", "records": dict(records)},
        scheme="scheme.yaml",
    )
    paths = CampaignPaths(out=folder / "out", campaign="rehearsal")
    with synchronised():
        send(prepare(path), paths, "ordinary", requests, pause=_at_once)
        ended = datetime.now(UTC)
        rehearse(path)
    return LogCampaign(folder=folder, ended=ended)


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


def conformities(run: Rehearsal, profile: str = "pupils") -> dict[str, Conformity]:
    """What was found of each requirement for a profile."""
    return {name: outcome(run, name, profile).conformity for name in MEASURED}


def parts(found: Outcome) -> dict[str, int | None]:
    """The count of each part of a metric, by its words."""
    return {part.group: part.metric.k for part in found.metric.parts}


def recorded(found: Outcome) -> int:
    """How many requests a log shows: those with a mark, and those without, of which each decides."""
    return sum(each or 0 for each in parts(found).values())
