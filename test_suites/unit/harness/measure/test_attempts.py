"""One attempt: what it leaves behind, and where its heartbeats are made."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from harness.measure import attempts
from harness.measure.attempts import (
    AttemptOptions,
    PlannedAttempt,
    attempt,
    heartbeat_loop_at,
    run_attempt,
)
from harness.measure.heartbeats import port_of
from harness.model.corpus import Item
from harness.model.observation import CONTROL, Role
from harness.ports.network import ProbeResult
from test_suites.unit.harness.scripted import CAMPAIGN, RESET, Played, in_turn, item, key, tools

THIS = PlannedAttempt(key=key(), item=item(), role="item", batch=3)
MANNER = AttemptOptions(look="confirmed", patience=2.0, turn=2)


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("http://h.test/", ""),
        ("http://h.test:8080/x", "8080"),
        ("https://h.test:8443/", "8443"),
        ("http://h.test:99999/", ""),
    ],
)
def test_the_port_of_an_item_is_its_url_s_own(value: str, port: str) -> None:
    assert port_of(Item(id="i", value=value, labels=("X",), kind="url")) == port
    assert port_of(item()) == ""


async def test_an_attempt_tells_how_it_was_made() -> None:
    probe = Played()
    seen = await attempt(THIS, MANNER, CAMPAIGN.limits, tools(probe))

    assert (seen.look, seen.tries, seen.batch, seen.heartbeats) == ("confirmed", 2, 3, None)
    assert probe.attempts[0].timeout == 2.0


class InTurn(Played):
    """A probe that makes one attempt after the other."""

    def __init__(self) -> None:
        super().__init__(self.count)
        self.lock, self.running, self.most = asyncio.Lock(), 0, 0

    def turn(self) -> asyncio.Lock:
        return self.lock

    async def count(self, _: object) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1


async def test_an_attempt_waits_for_its_turn_where_a_probe_takes_turns() -> None:
    probe = InTurn()
    context = tools(probe)
    await asyncio.gather(*(attempt(THIS, MANNER, CAMPAIGN.limits, context) for _ in range(3)))

    assert (probe.most, len(probe.attempts)) == (1, 3)


@pytest.mark.parametrize(
    ("role", "line", "may_lead"),
    [
        ("must_block", "web", True),
        ("must_block", CONTROL, False),
        ("must_allow", "web", False),
        ("item", "web", False),
        ("retry", "web", False),
    ],
)
async def test_only_a_must_block_sentinel_of_the_service_may_lead_to_a_private_address(
    role: Role, line: str, *, may_lead: bool
) -> None:
    probe = Played()
    this = PlannedAttempt(key=key().on(line), item=item(), role=role, batch=3)
    with_tools = tools(probe)
    lines = {(line, this.key.profile): next(iter(with_tools.lines.values()))}
    await attempt(this, MANNER, CAMPAIGN.limits, replace(with_tools, lines=lines))

    assert may_lead is probe.attempts[0].may_lead


async def test_trouble_is_kept_with_the_heartbeats_beside_it() -> None:
    with_tools = tools(Played(in_turn(RESET)))
    heartbeat_loop = heartbeat_loop_at(THIS.target, CAMPAIGN, with_tools)
    assert heartbeat_loop is not None
    heartbeat_loop.join(3)
    await heartbeat_loop.measure(3)
    seen = await attempt(THIS, MANNER, CAMPAIGN.limits, with_tools)
    await heartbeat_loop.close()

    assert seen.heartbeats is not None
    assert seen.heartbeats.answered == 0


async def test_a_try_that_never_ends_is_our_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "GRACE", 0.0)

    async def never() -> ProbeResult:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(30):
        sighting = await run_attempt(never(), 0.01)

    assert sighting.failure is not None
    assert (sighting.failure.name, sighting.failure.stage) == ("instrument_error", "instrument")
    assert sighting.failure.detail.startswith("TimeoutError")
