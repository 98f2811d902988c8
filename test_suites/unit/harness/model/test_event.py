"""Events are read back as they were written."""

from __future__ import annotations

import typing
from datetime import UTC, datetime

import msgspec
import pytest

from harness.model.any_event import AnyEvent
from harness.model.event import Event, FixClaimed, PlanEvent, PlanProposal

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_is_written_with_its_kind_and_read_back_as_it_was() -> None:
    claimed = FixClaimed(at=NOW, actor="Acme", plan="P-0001", statement="mended")

    text = msgspec.json.encode(claimed)

    assert text.startswith(b'{"event":"fix-claimed","at":"2026-03-02T09:00:00Z"')
    assert msgspec.json.decode(text, type=AnyEvent) == claimed


def test_every_kind_is_stored_under_a_name_of_its_own() -> None:
    kinds: tuple[type[Event], ...] = typing.get_args(AnyEvent)
    tags = [kind.__struct_config__.tag for kind in kinds]

    assert len(set(tags)) == len(kinds)
    assert {*PlanEvent.__subclasses__()} - {PlanProposal} <= {*kinds}
    assert {*PlanProposal.__subclasses__()} <= {*kinds}


def test_an_event_does_not_change() -> None:
    claimed = FixClaimed(at=NOW, actor="Acme", plan="P-0001", statement="mended")

    with pytest.raises(AttributeError):
        claimed.actor = "Bob"  # type: ignore[misc]
