"""Make requests beside a campaign's items: polls, and those whose traces are looked for later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from harness.campaign.assemble import Prepared
from harness.cli.campaign_journal import journal_of, run_id_in
from harness.cli.compose import measurement_context
from harness.cli.measure import header_of, record_of
from harness.cli.paths import CampaignPaths
from harness.cli.preflight import require_writable
from harness.cli.seed_commitments import with_commitment
from harness.errors import UsageError
from harness.measure.event_loop import new_loop
from harness.measure.measurement_context import MeasurementContext
from harness.model.service_log import Numbered, next_turn
from harness.plugins import PROBES
from harness.ports.network import Probe
from harness.ports.storage import Clock, Journal, WallClock

if TYPE_CHECKING:
    from harness.store.journal.journal import SegmentJournal

Result = TypeVar("Result")

Make = Callable[[MeasurementContext, Journal, int], Awaitable[None]]
"""Makes the requests of the sending of a number, and writes them to the journal."""


def make_requests(
    prepared: Prepared,
    paths: CampaignPaths,
    probes: Collection[str],
    make: Make,
    clock: Clock | None = None,
    role: Numbered = "logged",
) -> int:
    """Make the requests of one sending with some probes; returns its number among its role, from 1.

    Raises UsageError for a campaign without an origin.
    """
    if prepared.origin is None:
        msg = f"{prepared.path}: such requests ask for hosts of an origin; name one (origin)"
        raise UsageError(msg)
    made = {name: PROBES.find(name)() for name in sorted(probes)}
    with measuring(prepared, paths, clock, made) as (context, journal):
        number = next_turn(journal.sentinels(), role)
        journal.record_instrument(record_of(prepared, context.clock))
        run_opened(context, lambda: make(context, journal, number))
    return number


def run_opened(context: MeasurementContext, work: Callable[[], Awaitable[Result]]) -> Result:
    """Run ``work`` to its end in an event loop of its own, with the context open."""

    async def opened() -> Result:
        async with AsyncExitStack() as stack:
            await context.open(stack)
            return await work()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(opened())


@contextmanager
def measuring(
    prepared: Prepared,
    paths: CampaignPaths,
    clock: Clock | None = None,
    further: Mapping[str, Probe] = MappingProxyType({}),
    lines: Prepared | None = None,
) -> Iterator[tuple[MeasurementContext, SegmentJournal]]:
    """Open a campaign's journal to add to it, with what measuring needs.

    ``further`` are probes that are no part of the campaign. ``lines`` is the same campaign with
    more lines, if it is not measured over its own alone.

    The journal is sealed and closed at the end, also after an error. Raises UsageError if it is of
    another campaign, or cannot be written.
    """
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only measuring needs it
    from harness.store.private_folder import private_key  # noqa: PLC0415 - only measuring needs it

    require_writable(paths, prepared)
    key = private_key(paths.sketch_key)
    header = with_commitment(header_of(prepared, run_id_in(paths.journal)), prepared, paths)
    context = measurement_context(
        replace(lines or prepared, probes={**further, **prepared.probes}),
        EvidenceFolder(paths.evidence),
        clock or WallClock(),
        key,
        header.run,
    )
    journal = journal_of(prepared, paths, header)
    try:
        yield context, journal
    finally:
        journal.seal()
        journal.close()
