"""What the pages of sites need: where the agent of each site stands, as far as the viewer may see.

The command line fills the port in (``harness/cli/hub_sites.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from harness.model.decision import Status
from harness.model.hub_access import Viewer

SiteState = Literal["alive", "silent", "enrolled", "invited", "expired", "revoked", "none"]
"""Where an agent stands; ``none``: nobody was invited for the site."""


class SiteSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule of a site, and when its next run is due."""

    name: str
    next: datetime | None


class SiteFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A site of a service, and its agent.

    ``contact`` is when the agent was heard last, ``measured`` the time of the last sentinel bracket
    that held; ``failed`` says what did not hold in a later one. ``clock_offset``, ``clock_bound``
    and ``clock_age`` are in seconds. ``is_intercepted`` is ``None`` while it is not known.
    ``schedules``, ``last_run`` (when the last campaign was measured that is on record) and
    ``last_campaign`` are added by ``SitesPort.with_runs``. ``status`` is that of the
    service in the register, ``page`` its page there.
    """

    site: str
    service: str
    supplier: str
    state: SiteState
    agent: str = ""
    until: datetime | None = None
    contact: datetime | None = None
    measured: datetime | None = None
    failed: str = ""
    clock_offset: float | None = None
    clock_bound: float | None = None
    clock_age: float | None = None
    is_intercepted: bool | None = None
    issuer: str = ""
    proxy: str = ""
    version: str = ""
    waiting: int = 0
    aside: int = 0
    trouble: str = ""
    reason: str = ""
    schedules: tuple[SiteSchedule, ...] = ()
    last_run: datetime | None = None
    last_campaign: str = ""
    status: Status | None = None
    page: str = ""

    def for_school(self) -> SiteFacts:
        """What the school itself sees: whether its filter is on, its probe heard, the status."""
        return SiteFacts(
            site=self.site,
            service=self.service,
            supplier=self.supplier,
            state=self.state,
            contact=self.contact,
            measured=self.measured,
            failed="the agreed test pages did not behave as agreed" if self.failed else "",
            status=self.status,
            page=self.page,
        )


class SitesPort(Protocol):
    """Knows the sites and their agents. Its methods block, and may be called by threads."""

    def sites(self, viewer: Viewer) -> tuple[SiteFacts, ...]:
        """The sites that a viewer sees, by service and site. Raises InstrumentError.

        A school sees its own sites (``SiteFacts.for_school``), others those of their suppliers.
        """

    def with_runs(self, viewer: Viewer, sites: Sequence[SiteFacts]) -> tuple[SiteFacts, ...]:
        """The same sites with ``schedules``, ``last_run`` and ``last_campaign``.

        Each takes a look into the database: ask for the sites of one page. Raises InstrumentError.
        """
