"""The event loop: uvloop's where it exists, asyncio's own where it does not."""

from __future__ import annotations

import asyncio
import sys

import pytest
import uvloop

from harness.measure.event_loop import new_loop


async def _answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_uvloop_carries_the_campaign_where_it_is_installed() -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert 42 == runner.run(_answer())
        assert isinstance(runner.get_loop(), uvloop.Loop)


def test_without_it_asyncio_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert 42 == runner.run(_answer())
        assert not isinstance(runner.get_loop(), uvloop.Loop)
