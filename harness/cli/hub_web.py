"""Put the web application of a hub together: its repository, its accounts, its pages and API."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.cli.hub_agents import AgentHub
from harness.ports.storage import Clock
from harness.store.hub.repository import Repository

if TYPE_CHECKING:
    from harness.cli.hub_uploads import HubUploads
    from harness.model.hub_access import Viewer
    from reports.dashboard.access import SignedIn
    from reports.dashboard.agent_api import RequestLine
    from reports.dashboard.app import HubParts


class NoAccess:
    """Nobody can sign in."""

    def by_session(self, secret: str) -> SignedIn | None:
        """Nobody."""

    def by_token(self, token: str) -> Viewer | None:
        """Nobody."""


def web_parts(
    hub: AgentHub,
    clock: Clock,
    log: Callable[[RequestLine], None],
    uploads: HubUploads,
    *,
    is_secure: bool,
) -> HubParts:
    """The parts of the web application of an open hub."""
    from reports.dashboard.app import HubParts  # noqa: PLC0415 - an extra
    from reports.dashboard.pages.uploads import upload_pages  # noqa: PLC0415 - the same
    from reports.dashboard.upload_api import upload_routes  # noqa: PLC0415 - the same

    return HubParts(
        agents=hub,
        repository=Repository(hub.registry),
        access=NoAccess(),
        log=log,
        now=clock.now,
        routes=(upload_routes(uploads), upload_pages(uploads)),
        is_secure=is_secure,
    )
