"""Make requests beside a campaign's items, whose traces are looked for later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import replace

from harness.campaign.assemble import Prepared
from harness.cli.compose import measurement_context
from harness.cli.measure import header_of, record_of, run_id_in
from harness.cli.paths import CampaignPaths
from harness.cli.preflight import require_writable
from harness.errors import UsageError
from harness.measure.event_loop import new_loop
from harness.measure.log_requests import next_sending
from harness.measure.measurement_context import MeasurementContext
from harness.plugins import PROBES
from harness.ports.storage import Clock, Journal, WallClock

Make = Callable[[MeasurementContext, Journal, int], Awaitable[None]]
"""Makes the requests of the sending of a number, and writes them to the journal."""


def make_requests(
    prepared: Prepared,
    paths: CampaignPaths,
    probes: Collection[str],
    make: Make,
    clock: Clock | None = None,
) -> int:
    """Make the requests of one sending with some probes; returns its number, from 1.

    Raises UsageError for a campaign without an origin.
    """
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only measuring needs it
    from harness.store.journal.journal import SegmentJournal  # noqa: PLC0415 - duckdb is heavy
    from harness.store.private_folder import private_key  # noqa: PLC0415 - only measuring needs it

    if prepared.origin is None:
        msg = f"{prepared.path}: such requests ask for hosts of an origin; name one (origin)"
        raise UsageError(msg)
    require_writable(paths, prepared)
    header = header_of(prepared, run_id_in(paths.journal))
    made = {name: PROBES.find(name)() for name in sorted(probes)}
    context = measurement_context(
        replace(prepared, probes=made | prepared.probes),
        EvidenceFolder(paths.evidence),
        clock or WallClock(),
        private_key(paths.sketch_key),
        header.run,
    )
    journal = SegmentJournal.open_or_create(paths.journal, header.as_document())

    async def opened(number: int) -> None:
        async with AsyncExitStack() as stack:
            await context.open(stack)
            await make(context, journal, number)

    try:
        number = next_sending(journal.sentinels())
        journal.record_instrument(record_of(prepared, context.clock))
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(opened(number))
    finally:
        journal.seal()
        journal.close()
    return number
