"""``accredit device``: check a device that carries its filter with it, or joins a filtered network.

``record`` and ``pack`` make requests like those of real devices (``harness.cli.device_record``).
``moment`` checks ten times a second while the device starts, wakes up, or changes its network. Its
checks become a part of the campaign's journal.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.assemble import Prepared
from harness.cli.availability import pages_to_check
from harness.cli.device_record import pack_command, record_command
from harness.cli.given_times import seconds_of
from harness.cli.measure import prepare_in, record_of, resumable
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say, say_at_once
from harness.cli.sending import measuring, run_opened
from harness.errors import UsageError, known
from harness.measure.availability_checks import Pause, checking_probe
from harness.measure.moment_checks import AT_ONCE, MomentChecker, MomentRun
from harness.model.availability import next_run
from harness.model.timed_event import MOMENTS, EventNote, Moment
from harness.plugins import PROBES
from harness.ports.network import Probe
from harness.ports.storage import Clock, WallClock

app = typer.Typer(no_args_is_help=True)
app.command("record")(record_command)
app.command("pack")(pack_command)

OFTEN = 0.1
"""Seconds between two checks on average."""
RAREST = 0.2
"""With fewer checks a second, a moment is not shown."""

WORDS: dict[Moment, str] = {
    "start": "checking; this was begun before the device had a network",
    "resume": "now let the device sleep, and wake it up",
    "network": "now change to another network",
    "portal": "now join the network with the login page, and log in",
}
"""What is printed when the assessor has to cause a moment."""


@app.callback()
def about() -> None:
    """Check a device that carries its filter with it, or joins a filtered network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentTimes:
    """How often to check and how long, in seconds, and how many checks may overlap."""

    every: float = OFTEN
    lasts: float = 180.0
    at_once: int = AT_ONCE


@app.command("moment")
def moment_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    name: Annotated[str, typer.Argument(help="What happens: start, resume, network or portal.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    every: Annotated[
        float, typer.Option(min=0.02, max=RAREST, help="Seconds between two checks, on average.")
    ] = OFTEN,
    lasts: Annotated[
        str, typer.Option("--for", help="How long: 90s, 3m; time asleep does not count.")
    ] = "3m",
) -> None:
    """Check ten times a second while the device starts, wakes up, or changes its network."""
    moment = moment_of(name)
    times = MomentTimes(every=every, lasts=seconds_of(lasts, "--for "))
    prepared = prepare_in(campaign, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    with resumable(paths.journal):
        check_moment(prepared, paths, moment, times, pause=asyncio.sleep)


def moment_of(name: str) -> Moment:
    """Return the moment of a name. Raises UsageError."""
    for moment in MOMENTS:
        if name == moment:
            return moment
    msg = f"no moment {name!r}; {known(MOMENTS)}"
    raise UsageError(msg)


def check_moment(
    prepared: Prepared,
    paths: CampaignPaths,
    moment: Moment,
    times: MomentTimes,
    *,
    pause: Pause,
    announce: Callable[[], None] | None = None,
    clock: Clock | None = None,
) -> int:
    """Check a service while a moment is caused, and write the checks to the campaign's journal.

    Returns their number. With a clock that ``pause`` sets forward, no time passes. ``announce`` is
    called when the moment has to be caused. Raises UsageError for a campaign without an origin, or
    without pages that must be blocked; UnfinishedError if the service does not work before.
    """
    harmful, ordinary = pages_to_check(prepared)
    campaign = prepared.campaign
    needed = sorted({checking_probe(campaign, line, prepared.probes) for line in campaign.lines})
    further: dict[str, Probe] = {name: PROBES.find(name)() for name in needed}
    with measuring(prepared, paths, clock or WallClock(), further) as (context, journal):
        run = MomentRun(
            number=next_run(journal.sentinels()),
            every=times.every,
            lasts=times.lasts,
            harmful=harmful,
            ordinary=ordinary,
            test=EventNote(kind="moment", asks="block", name=moment),
            at_once=times.at_once,
        )
        _require_time(run)
        journal.record_instrument(record_of(prepared, context.clock))
        told = announce or (lambda: say_at_once(WORDS[moment]))
        checker = MomentChecker(campaign, context, journal, run, told)
        made = run_opened(context, lambda: checker.make(pause))
    say(f"made {made:,} checks")
    for line in campaign.lines:
        missing = checker.without_pages[line.name]
        say(f"{line.name}: {missing:,} ordinary pages did not come")
    say(f"next: accredit conclude {paths.home}")
    return made


def _require_time(run: MomentRun) -> None:
    """Raise UsageError if a test would end before anything could be seen."""
    least = 2 * run.checks_before * run.every
    if run.lasts < least:
        msg = (
            f"--for: {run.checks_before} checks are made before the moment; "
            f"give at least {math.ceil(least)}s"
        )
        raise UsageError(msg)
