"""``accredit availability``: check whether a service is up and filters, and list its outages.

Checks become a part of the campaign's journal. ``fault`` and ``failover`` check often while the
assessor causes a fault, or disconnects the main connection.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.assemble import Prepared
from harness.cli.compose import load_and_warn
from harness.cli.given_times import seconds_of
from harness.cli.measure import prepare_in, record_of, resumable
from harness.cli.paths import JOURNAL, OUT, CampaignPaths, journal_folder
from harness.cli.printing import say, say_at_once, warn
from harness.cli.sending import measuring, run_opened
from harness.errors import UsageError
from harness.measure.attempts import item_of
from harness.measure.availability_checks import (
    AvailabilityChecker,
    CheckRun,
    Pause,
    checking_probe,
)
from harness.model.availability import SLOT, next_run
from harness.model.corpus import KNOWN_TO_SUPPLIERS, Item
from harness.model.scheme import Expectation, Policy
from harness.model.timed_event import EventNote, TestKind
from harness.plugins import PROBES
from harness.ports.network import Probe
from harness.ports.storage import Clock, WallClock

app = typer.Typer(no_args_is_help=True)

EVERY = 30.0
"""Seconds between two checks on average; two are at most twice as far apart."""
OFTEN = 1.0
"""Seconds between two checks in a test of a fault."""
MOST_PAGES = 5000
"""The most pages that must be blocked from which those of a profile are drawn."""
FEW = 20
"""Fewer hosts could be recognised by a service."""

CAMPAIGN = Annotated[Path, typer.Argument(help="The campaign file.")]
NAMED = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTimes:
    """How often to check, how long, and how many checks to write at once; times in seconds."""

    every: float
    lasts: float
    together: int = 1


@app.command("check")
def check_command(
    campaign: CAMPAIGN,
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    every: Annotated[
        float, typer.Option(min=0.05, max=SLOT, help="Seconds between two checks, on average.")
    ] = EVERY,
    lasts: Annotated[str, typer.Option("--for", help="How long: 10m, 6h, 30d.")] = "30d",
) -> None:
    """Check at random moments whether the service is up and filters. Ctrl-C ends it at any time."""
    times = CheckTimes(every=every, lasts=seconds_of(lasts, "--for "))
    _run(campaign, out, times, None)


@app.command("fault")
def fault_command(
    campaign: CAMPAIGN,
    name: Annotated[str, typer.Argument(help="What is caused, such as restart-of-filter.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    every: Annotated[
        float, typer.Option(min=0.05, max=5, help="Seconds between two checks, on average.")
    ] = OFTEN,
    lasts: Annotated[str, typer.Option("--for", help="How long: 90s, 5m.")] = "3m",
) -> None:
    """Check often while you cause a fault; says when."""
    _test(campaign, out, "fault", name, every, lasts)


@app.command("failover")
def failover_command(
    campaign: CAMPAIGN,
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    every: Annotated[
        float, typer.Option(min=0.05, max=5, help="Seconds between two checks, on average.")
    ] = OFTEN,
    lasts: Annotated[str, typer.Option("--for", help="How long: 90s, 5m.")] = "5m",
) -> None:
    """Check often while you disconnect the main connection; says when."""
    _test(campaign, out, "failover", "failover", every, lasts)


@app.command("outages")
def outages_command(
    journal: JOURNAL,
    csv: Annotated[Path | None, typer.Option(help="Write them to this table as well.")] = None,
) -> None:
    """List the outages that checks show, each with its least and greatest length."""
    from harness.cli.outage_table import list_outages  # noqa: PLC0415 - keep the start light

    list_outages(journal_folder(journal), csv)


def _test(path: Path, out: Path, kind: TestKind, name: str, every: float, lasts: str) -> None:
    if not re.fullmatch(NAMED, name):
        msg = f"{name!r} is no name; use letters, digits, '.', '_' and '-', such as power-cut"
        raise UsageError(msg)
    times = CheckTimes(every=every, lasts=seconds_of(lasts, "--for "))
    _run(path, out, times, EventNote(kind=kind, asks="block", name=name))


def _run(path: Path, out: Path, times: CheckTimes, test: EventNote | None) -> None:
    prepared = prepare_in(path, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    with resumable(paths.journal):
        check(prepared, paths, times, test=test, pause=asyncio.sleep)


def check(
    prepared: Prepared,
    paths: CampaignPaths,
    times: CheckTimes,
    *,
    pause: Pause,
    test: EventNote | None = None,
    announce: Callable[[], None] | None = None,
    clock: Clock | None = None,
) -> int:
    """Check a service, and write the checks to the journal of the campaign; returns their number.

    With a clock that ``pause`` sets forward, no time passes. ``announce`` is called when the fault
    of a ``test`` has to be caused. Raises UsageError for a campaign without an origin, or without
    pages that must be blocked; UnfinishedError if the service does not work before a fault.
    """
    wide = prepared.with_availability_lines()
    campaign = wide.campaign
    harmful, ordinary = pages_to_check(prepared)
    needed = sorted({checking_probe(campaign, line, prepared.probes) for line in campaign.lines})
    further: dict[str, Probe] = {name: PROBES.find(name)() for name in needed}
    with measuring(prepared, paths, clock or WallClock(), further, wide) as (context, journal):
        run = CheckRun(
            number=next_run(journal.sentinels()),
            every=times.every,
            lasts=times.lasts,
            harmful=harmful,
            ordinary=ordinary,
            test=test,
            together=times.together,
        )
        _require_time(run)
        journal.record_instrument(record_of(prepared, context.clock))
        told = announce or (lambda: _announce(test))
        checker = AvailabilityChecker(campaign, context, journal, run, told)
        made = run_opened(context, lambda: checker.make(pause))
    say(f"made {made:,} checks; next: accredit availability outages {paths.journal}")
    return made


def _announce(test: EventNote | None) -> None:
    assert test is not None
    what = "disconnect the main connection" if test.kind == "failover" else f"cause {test.name}"
    say_at_once(f"now {what}")


def _require_time(run: CheckRun) -> None:
    """Raise UsageError if a test of a fault would end before anything could be seen."""
    least = 2 * run.checks_before * run.every
    if run.test is not None and run.lasts < least:
        msg = (
            f"--for: {run.checks_before} checks are made before the fault; "
            f"give at least {math.ceil(least)}s"
        )
        raise UsageError(msg)


def pages_to_check(prepared: Prepared) -> tuple[dict[str, list[Item]], dict[str, list[Item]]]:
    """Return, for each profile, pages that must be blocked, and pages that must come.

    They are agreed with the supplier, so that using them again and again gives nothing away. Where
    new sites are blocked, ordinary pages are agreed ones too; elsewhere their hosts are invented.
    Raises UsageError for a campaign without an origin that has a zone for plain twins, or without
    pages that must be blocked.
    """
    if prepared.origin is None or not prepared.origin.twin_zone:
        msg = f"{prepared.path}: checks ask for hosts of an origin with a zone for plain twins"
        raise UsageError(msg)
    campaign = prepared.campaign
    policy = load_and_warn(campaign.scheme).policy
    known = list(_known_hosts(prepared))
    harmful: dict[str, list[Item]] = {}
    ordinary: dict[str, list[Item]] = {}
    for profile in campaign.profiles:
        phase = campaign.phase_of(profile)
        sentinels = [
            item_of(one, one.host)
            for one in campaign.sentinels.of("must_block")
            if "/" not in one.at
        ]
        harmful[profile] = [*sentinels, *_expecting(known, policy, phase, "block")]
        if campaign.service.new_sites == "block":
            ordinary[profile] = list(_expecting(known, policy, phase, "allow"))
            _require(ordinary[profile], "must come", profile, prepared)
        _require(harmful[profile], "must be blocked", profile, prepared)
    return harmful, ordinary


def _require(pages: Sequence[Item], words: str, profile: str, prepared: Prepared) -> None:
    """Warn of few pages. Raises UsageError without any."""
    if not pages:
        msg = (
            f"{prepared.path}: no agreed host {words} for {profile}; add an agreed pack to "
            "'corpora', such as canary"
        )
        raise UsageError(msg)
    if len(pages) < FEW:
        warn(
            f"only {len(pages)} agreed hosts {words} for {profile}; a service could recognise "
            f"checks that use fewer than {FEW}"
        )


def _known_hosts(prepared: Prepared) -> Iterable[Item]:
    """The agreed hosts of a campaign, which its supplier has loaded."""
    references = [corpus.reference for corpus in prepared.corpora]
    marks = {
        one.mark
        for one in references
        if one.kind == "agreed" and one.audience in KNOWN_TO_SUPPLIERS
    }
    is_only = len({one.mark for one in references}) == 1
    for item in prepared.items:
        is_agreed = item.pack in marks or (is_only and not item.pack and bool(marks))
        if is_agreed and item.kind == "host" and item.applies_to != "content":
            yield item


def _expecting(
    items: Iterable[Item], policy: Policy, phase: str, expected: Expectation
) -> list[Item]:
    found = (one for one in items if policy.expects(one.category, phase) == expected)
    return [one for one, _ in zip(found, range(MOST_PAGES), strict=False)]
