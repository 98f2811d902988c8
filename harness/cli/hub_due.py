"""What programs ask of a hub beside its rows: what is due, and how many agents measure."""

from __future__ import annotations

from collections import Counter

from harness.cli.hub_agents import AgentHub
from harness.cli.hub_standing import views_of
from harness.cli.registry_session import RegistrySession
from harness.follow.due_dates import obligations, worst_first
from harness.follow.replay import replay
from harness.model.hub_access import Viewer
from harness.model.obligation import Obligation
from harness.model.stream import OWNER
from harness.ports.storage import Clock


class DueInStreams:
    """What is due in the streams that a viewer sees (``DueDates``)."""

    def __init__(self, session: RegistrySession, clock: Clock) -> None:
        self._session, self._clock = session, clock

    def __call__(self, viewer: Viewer) -> tuple[Obligation, ...]:
        """Everything that is due, worst first; of other streams nothing is read."""
        registry, now = self._session.registry, self._clock.now()
        found: list[Obligation] = []
        for head in registry.heads():
            if head.stream == OWNER or not viewer.sees(head.stream):
                continue
            with registry.reading(head.stream) as access:
                state = replay(access.events())
            found += obligations(state, now)
        return worst_first(found)


class AgentsByState:
    """How many agents are in each state (``AgentCounts``)."""

    def __init__(self, hub: AgentHub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock

    def __call__(self) -> dict[str, int]:
        """The states with their numbers."""
        views = views_of(self._hub.session, self._hub.fleet, self._clock.now())
        return dict(Counter(view.state for view in views))
