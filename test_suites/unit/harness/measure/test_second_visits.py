"""A visit: what the second client saw becomes an observation, and its falls are our trouble."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.measure.attempts import AttemptOptions, PlannedAttempt
from harness.measure.blocked_retrials import visit
from harness.ports.network import Attempt, Line, ProbeResult
from test_suites.unit.harness.scripted import CAMPAIGN, GOOD, Played, item, key, tools

THIS = PlannedAttempt(key=key(), item=item(), role="retry", batch=9)
MANNER = AttemptOptions(look="other_client", patience=2.0)


class Addressed(Played):
    def address(self, what: Any) -> str:
        return f"http://{what.host}/"


class Client:
    def __init__(self, *, breaks: bool = False) -> None:
        self.breaks = breaks
        self.urls: list[str] = []

    def can_use(self, line: Line) -> bool:
        return True

    async def visit(self, attempt: Attempt, url: str, line: Line) -> ProbeResult:
        self.urls.append(url)
        if self.breaks:
            msg = "boom"
            raise RuntimeError(msg)
        return GOOD


async def test_it_visits_the_address_that_the_probe_tries() -> None:
    client = Client()
    with_tools = replace(tools(Addressed()), second_client=client)
    seen = await visit(THIS, MANNER, CAMPAIGN.limits, with_tools)

    assert ["http://i.canary.accredit.test/"] == client.urls
    assert ("other_client", "retry", 9, GOOD.facts) == (
        seen.look, seen.role, seen.batch, seen.facts,
    )  # fmt: skip


async def test_a_client_that_breaks_is_our_trouble() -> None:
    with_tools = replace(tools(Addressed()), second_client=Client(breaks=True))
    seen = await visit(THIS, MANNER, CAMPAIGN.limits, with_tools)

    assert seen.failure is not None
    assert seen.failure.is_instrument
