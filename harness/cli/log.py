"""``accredit log``: make requests that the service's log has to show, and read that log.

What is read becomes a part of the campaign's journal, so that ``accredit conclude`` can compare the
log with what happened.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign.assemble import Prepared
from harness.cli.compose import measurement_context
from harness.cli.log_import import import_command
from harness.cli.measure import header_of, prepare_in, record_of, resumable, run_id_in
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.preflight import require_writable
from harness.cli.printing import say
from harness.errors import UsageError
from harness.measure.event_loop import new_loop
from harness.measure.log_requests import (
    LogSending,
    Pause,
    next_sending,
    probe_for,
    send_requests,
)
from harness.measure.measurement_context import MeasurementContext
from harness.model.log_case import SITUATIONS, TOTAL, Situation
from harness.plugins import PROBES
from harness.ports.storage import Clock, Journal, WallClock

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
        typer.Option(min=1, max=MOST, help=f"For each line and profile; default: {TOTAL} or 200."),
    ] = None,
    pause: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds between two requests, unless ordinary.")
    ] = PAUSE,
) -> None:
    """Make requests that the service's log has to show, each for a host of its own."""
    prepared = prepare_in(campaign, out)
    paths = CampaignPaths(out=out, campaign=prepared.campaign.campaign)
    number = requests or (TOTAL if situation == "ordinary" else INTERRUPTED)
    with resumable(paths.journal):
        send(prepared, paths, situation, number, pause=lambda: asyncio.sleep(pause))


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
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only measuring needs it
    from harness.store.journal.journal import SegmentJournal  # noqa: PLC0415 - duckdb is heavy
    from harness.store.private_folder import private_key  # noqa: PLC0415 - only measuring needs it

    if prepared.origin is None:
        msg = f"{prepared.path}: requests for a log ask for hosts of an origin; name one (origin)"
        raise UsageError(msg)
    require_writable(paths, prepared)
    header = header_of(prepared, run_id_in(paths.journal))
    lines = prepared.campaign.lines
    needed = {probe_for(prepared.campaign, line, prepared.probes) for line in lines}
    with_probes = replace(
        prepared,
        probes={name: PROBES.find(name)() for name in sorted(needed)} | prepared.probes,
    )
    key = private_key(paths.sketch_key)
    context = measurement_context(
        with_probes, EvidenceFolder(paths.evidence), clock or WallClock(), key, header.run
    )
    journal = SegmentJournal.open_or_create(paths.journal, header.as_document())
    try:
        sending = LogSending(
            number=next_sending(journal.sentinels()), situation=situation, requests=requests
        )
        journal.record_instrument(record_of(prepared, context.clock))
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_sent(with_probes, context, journal, sending, pause))
    finally:
        journal.seal()
        journal.close()
    places = len(prepared.campaign.lines) * len(prepared.campaign.profiles)
    words = SITUATIONS[situation]
    say(f"sending {sending.number}: {requests} requests {words} for each of {places} places")
    say(f"next: accredit log import {paths.journal} LOG --format FORMAT")


async def _sent(
    prepared: Prepared,
    context: MeasurementContext,
    journal: Journal,
    sending: LogSending,
    pause: Pause,
) -> None:
    async with AsyncExitStack() as stack:
        await context.open(stack)
        await send_requests(prepared.campaign, context, journal, sending, pause)
