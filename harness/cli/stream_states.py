"""The states of a registry's streams, and what is due in them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from harness.follow.due_dates import obligations, worst_first
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.obligation import Obligation
from harness.model.stream import StreamHead

if TYPE_CHECKING:
    from harness.store.registry.streams import Registry


class StreamStates:
    """The states of streams, each kept until its stream has new events. Threads may share it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._held: dict[str, tuple[str, StreamState]] = {}

    def of(self, head: StreamHead) -> StreamState:
        """The state after all events of a stream; do not change it.

        Raises InstrumentError where the stream's chain is broken.
        """
        hash_, state = self._held.get(head.stream, ("", None))
        if state is None or hash_ != head.hash:
            with self._registry.reading(head.stream) as access:
                state = replay(access.events())
            self._held[head.stream] = head.hash, state
        return state

    def due(self, heads: Iterable[StreamHead], now: datetime) -> tuple[Obligation, ...]:
        """What is due in streams at a time, worst first; of other streams nothing is read."""
        return worst_first(each for head in heads for each in obligations(self.of(head), now))
