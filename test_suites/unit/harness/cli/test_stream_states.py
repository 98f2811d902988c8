"""The state of a stream is read once, and again when the stream has grown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.cli import stream_states
from harness.cli.stream_states import StreamStates
from harness.follow.replay import replay
from harness.follow.state import StreamState
from harness.model.event import Event
from harness.model.stream import StreamHead
from test_suites.kit.hubs.follow_up_desk import ACME, FollowUpDesk


def test_a_stream_is_read_again_only_after_it_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = FollowUpDesk(tmp_path / "out")
    desk.open_plan(1)
    registry, read = desk.session.registry, list[int]()

    def counted(events: Sequence[Event]) -> StreamState:
        read.append(len(events))
        return replay(events)

    monkeypatch.setattr(stream_states, "replay", counted)
    states = StreamStates(registry)

    def plans() -> list[str]:
        heads: list[StreamHead] = [each for each in registry.heads() if each.stream == ACME]
        return [each.plan for each in states.due(heads, desk.clock.now()) if each.plan]

    before = plans()
    assert before == plans()
    assert 1 == len(read)
    desk.open_plan(2)
    assert {*plans()} > {*before}
    assert 2 == len(read)
    assert read[0] < read[1]
    desk.close()
