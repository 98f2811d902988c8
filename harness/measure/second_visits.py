"""A visit: an item tried over a line by the second client, and what it left behind."""

from __future__ import annotations

from harness.measure.attempts import Manner, Try, marker_for, observed, sighted
from harness.measure.measurement_context import Instruments
from harness.model.campaign import Limits
from harness.model.observation import Observation
from harness.ports.network import Attempt, address_of


async def visit(this: Try, manner: Manner, limits: Limits, tools: Instruments) -> Observation:
    """Visit an item's page once, as soon as there is a place among all attempts."""
    key, item, client = this.key, this.item, tools.second_client
    assert client is not None
    marker = marker_for(this, manner, tools)
    asked = Attempt(key=key, item=item, limits=limits, timeout=manner.patience, marker=marker)
    url, line = address_of(tools.probes[key.probe], item), tools.lines[key.line, key.profile]
    async with tools.courtesy.place(key.line, item), tools.gate:
        started = tools.clock.now()
        sighting = await sighted(client.visit(asked, url, line), limits.visit_patience)
    return observed(asked, this, manner, tools, sighting, started)
