"""Put the web application of a hub together: its repository, its accounts, its pages and API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.cli.hub_agents import AgentHub
from harness.ports.storage import Clock
from harness.store.hub.accounts import Accounts
from harness.store.hub.own_account import OwnAccount
from harness.store.hub.repository import Repository
from harness.store.hub.sign_in import SignIn

if TYPE_CHECKING:
    from reports.dashboard.account_parts import AccountParts
    from reports.dashboard.agent_api import RequestLine
    from reports.dashboard.app import HubParts


def web_parts(
    hub: AgentHub,
    clock: Clock,
    log: Callable[[RequestLine], None],
    *,
    is_secure: bool,
    after_act: Callable[[], object] = lambda: None,
) -> HubParts:
    """The parts of the web application of an open hub.

    ``after_act`` is called after each act of a person, to bring the rows of pages up to date.
    """
    from harness.cli.hub_access_port import HubAccess  # noqa: PLC0415 - an extra
    from harness.cli.hub_acts import HubActs  # noqa: PLC0415 - the same
    from reports.dashboard.app import HubParts  # noqa: PLC0415 - the same
    from reports.dashboard.pages import (  # noqa: PLC0415 - the same
        alarms,
        decisions,
        plans,
        sign_in,
        states,
    )

    repository = Repository(hub.registry)
    acts = HubActs(hub.registry, hub.hub.results, clock, after_act)
    accounts = account_parts(hub, clock, is_secure=is_secure)
    return HubParts(
        agents=hub,
        repository=repository,
        access=HubAccess(accounts.sign_in),
        log=log,
        now=clock.now,
        routes=(
            sign_in.routes(accounts),
            states.routes(),
            plans.routes(repository, acts),
            decisions.routes(repository, acts),
            alarms.routes(repository, acts),
        ),
        is_secure=is_secure,
    )


def account_parts(hub: AgentHub, clock: Clock, *, is_secure: bool) -> AccountParts:
    """What the pages of accounts work with."""
    from reports.dashboard.account_parts import AccountParts  # noqa: PLC0415 - an extra

    registry, now = hub.registry, clock.now
    return AccountParts(
        sign_in=SignIn(registry, now),
        own=OwnAccount(registry, now),
        accounts=Accounts(registry, now),
        registry=registry,
        is_secure=is_secure,
    )
