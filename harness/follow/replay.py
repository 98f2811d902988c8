"""The state of a stream from all its events, and the events that would be refused today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.errors import UsageError
from harness.follow.state import StreamState
from harness.model.event import Event
from harness.model.event_times import backward_events


def replay(events: Iterable[Event]) -> StreamState:
    """The state after all events of a stream.

    Raises UsageError where an event cannot follow the others. Faults that earlier versions allowed
    (mixed roles, times that run backwards) are kept, and marked.
    """
    state, recorded = StreamState(), tuple(events)
    for event in recorded:
        state.apply(event, is_kept=True)
    state.backward = tuple(backward_events(recorded))
    return state


def refused_today(events: Iterable[Event]) -> Iterator[tuple[int, str]]:
    """Yield the events of a stream that would be refused if they were recorded now, and why.

    Registries of earlier versions may hold some; otherwise somebody has changed the registry.
    """
    state = StreamState()
    for position, event in enumerate(events, 1):
        try:
            state.apply(event)
        except UsageError as error:
            yield position, str(error)
            state.apply(event, is_kept=True)
