"""``accredit log``: make requests that the service's log has to show, and read that log.

What is read becomes a part of the campaign's journal, so that ``accredit conclude`` can compare the
log with what happened.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.assemble import Prepared
from harness.cli.compose import load_and_warn
from harness.cli.log_import import import_command
from harness.cli.measure import prepare_in, resumable
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say
from harness.cli.sending import make_requests
from harness.measure.log_requests import (
    LogSending,
    Pause,
    probe_for,
    send_requests,
)
from harness.measure.measurement_context import MeasurementContext
from harness.model.log_case import SITUATIONS, TOTAL, Situation, requests_for
from harness.ports.storage import Clock, Journal

app = typer.Typer(no_args_is_help=True)
app.command("import")(import_command)

MOST = 100_000
"""The most requests for each line and profile."""
INTERRUPTED = 200
"""Requests for each line and profile around a restart or without a connection, by default."""
PAUSE = 0.5
"""Seconds between two of these."""


@app.command("send")
def send_command(
    campaign: Annotated[Path, typer.Argument(help="The campaign file.")],
    out: Annotated[Path, typer.Option(help="Where results go.")] = OUT,
    situation: Annotated[
        Situation,
        typer.Option(help="ordinary; restart: restart the service meanwhile; offline: cut it off."),
    ] = "ordinary",
    requests: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST,
            help=f"For each line and profile; default: {TOTAL}, or what the scheme "
            f"needs, if that is more (accredit scheme plan); {INTERRUPTED} unless ordinary.",
        ),
    ] = None,
    pause: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds between two requests, unless ordinary.")
    ] = PAUSE,
) -> None:
    """Make requests that the service's log has to show, each for a host of its own."""
    prepared = prepare_in(campaign, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    number = requests or (planned(prepared) if situation == "ordinary" else INTERRUPTED)
    with resumable(paths.journal):
        send(prepared, paths, situation, number, pause=lambda: asyncio.sleep(pause))


def planned(prepared: Prepared) -> int:
    """How many requests the scheme of a campaign needs."""
    rows = load_and_warn(prepared.campaign.scheme).requirements
    return requests_for((row.measure.metric, row.n_min) for row in rows)


def send(
    prepared: Prepared,
    paths: CampaignPaths,
    situation: Situation,
    requests: int,
    *,
    pause: Pause,
    clock: Clock | None = None,
) -> None:
    """Make the requests of one sending, and write them to the journal of the campaign.

    Raises UsageError for a campaign without an origin.
    """
    campaign = prepared.campaign
    needed = {probe_for(campaign, line, prepared.probes) for line in campaign.lines}

    async def make(context: MeasurementContext, journal: Journal, number: int) -> None:
        sending = LogSending(number=number, situation=situation, requests=requests)
        await send_requests(campaign, context, journal, sending, pause)

    number = make_requests(prepared, paths, needed, make, clock)
    places = len(campaign.lines) * len(campaign.profiles)
    words = SITUATIONS[situation]
    say(f"sending {number}: {requests} requests {words} for each of {places} places")
    say(f"next: accredit log import {paths.journal} LOG --format FORMAT")
