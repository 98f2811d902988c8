"""An agent that asks a hub of tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from harness.fleet.identity import Identity
from harness.fleet.messages import AgentStatus, Poll
from probes.agent.proxy_choice import NO_PROXY, ProxyChoice
from probes.agent.uplink import HubUplink
from probes.agent.uplink_error import UplinkError
from test_suites.kit.hubs.fake_hub import FakeHub

POLL = Poll(status=AgentStatus(version="1"))
AGENT = Identity.new()
PATIENCE = 30.0


def uplink(
    hub: FakeHub,
    *,
    url: str = "",
    keys: Identity | None = None,
    proxy: ProxyChoice = NO_PROXY,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    monotonic: Callable[[], float] = time.monotonic,
    seconds: float = PATIENCE,
) -> HubUplink:
    identity = keys if keys is not None else hub.identity
    return HubUplink(url or hub.url, identity.public, AGENT, proxy, clock, monotonic=monotonic, seconds=seconds)  # fmt: skip


def trouble_of(one: HubUplink) -> UplinkError:
    with one, pytest.raises(UplinkError) as caught:
        one.ask(POLL)
    assert "\n" not in str(caught.value)
    return caught.value
