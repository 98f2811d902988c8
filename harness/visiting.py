"""A visit: an item tried over a line by the second client, and what it left behind."""

from __future__ import annotations

import asyncio

from harness.attempting import GRACE, Manner, Try, observed
from harness.instruments import Instruments
from harness.model.campaign import Limits
from harness.model.marker import mark
from harness.model.observation import Failure, Observation, Timings
from harness.ports.asking import Attempt, Sighting, address_of


async def visit(this: Try, manner: Manner, limits: Limits, tools: Instruments) -> Observation:
    """Visit an item's page once, as soon as there is a place among all attempts."""
    origin, item = tools.origin, this.item
    covered = origin is not None and origin.covers(item.host)
    marker = (
        mark(origin.key, this.key, item.host, manner.turn, tools.run)
        if origin is not None and covered
        else None
    )
    asked = Attempt(key=this.key, item=item, limits=limits, timeout=manner.patience, marker=marker)
    async with tools.courtesy.place(this.key.line, item), tools.gate:
        started = tools.clock.now()
        sighting = await _visit(asked, tools)
    return observed(asked, this, manner, tools, sighting, started)


async def _visit(asked: Attempt, tools: Instruments) -> Sighting:
    client = tools.second_client
    assert client is not None
    url = address_of(tools.probes[asked.key.probe], asked.item)
    line = tools.lines[asked.key.line, asked.key.profile]
    try:
        async with asyncio.timeout(asked.limits.longest_patience + GRACE):
            return await client.visit(asked, url, line)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is our trouble, not the service's
        detail = f"{type(error).__name__}: {error}"[:200]
        failure = Failure(name="instrument_error", stage="instrument", detail=detail)
        return Sighting(timings=Timings(), failure=failure)
