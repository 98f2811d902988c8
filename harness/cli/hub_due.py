"""What programs ask of a hub beside its rows: what is due, and how many agents measure."""

from __future__ import annotations

from collections import Counter

from harness.cli.hub_agents import AgentHub
from harness.cli.hub_standing import views_of
from harness.cli.stream_states import StreamStates
from harness.model.hub_access import Viewer
from harness.model.obligation import Obligation
from harness.model.stream import OWNER
from harness.ports.storage import Clock
from harness.store.registry.streams import Registry


class DueInStreams:
    """What is due in the streams that a viewer sees (``DueDates``)."""

    def __init__(self, registry: Registry, states: StreamStates, clock: Clock) -> None:
        self._registry, self._states, self._clock = registry, states, clock

    def __call__(self, viewer: Viewer) -> tuple[Obligation, ...]:
        """Everything that is due, worst first; of other streams nothing is read."""
        heads = [head for head in self._registry.heads() if head.stream != OWNER]
        seen = [head for head in heads if viewer.sees(head.stream)]
        return self._states.due(seen, self._clock.now())


class AgentsByState:
    """How many agents are in each state (``AgentCounts``)."""

    def __init__(self, hub: AgentHub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock

    def __call__(self) -> dict[str, int]:
        """The states with their numbers."""
        views = views_of(self._hub.session, self._hub.fleet, self._clock.now())
        return dict(Counter(view.state for view in views))
