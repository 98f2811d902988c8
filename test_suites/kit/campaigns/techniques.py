"""Tries statements of techniques over the range's lines, and reads what came of it."""

from __future__ import annotations

from typing import Any

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import TechniqueFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, Origin, ProbeResult
from probes.kinds.techniques import Techniques

HOST = "x-1.ways.accredit.test"
PAGE = r"http1 GET {target} HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"
"""The step that fetches the page in the plain form."""


def technique(statement: str, host: str = HOST) -> Item:
    """Return the item of a statement."""
    return Item(
        id="x",
        value=statement,
        kind="vector",
        labels=("MALW.BYPASS",),
        registrable=host,
        stratum="MALW.BYPASS/way:resolver:udp:http",
    )


def attempt_of(statement: str, origin: Origin, line: str, seconds: float = 20.0) -> Attempt:
    """Return an attempt of a statement. Raises UsageError for one that cannot be read."""
    item = technique(statement)
    assert Techniques().fits(item)
    key = AttemptKey(campaign="c", item="x", probe="techniques", line=line, profile="ks2")
    marker = mark(origin.key, key, item.host)
    return Attempt(
        key=key, item=item, limits=Limits(), timeout=seconds, marker=marker, browser=1234567
    )


async def tried(statement: str, line: Any, seconds: float = 20.0) -> ProbeResult:
    """Try a statement over a line of the range, once."""
    attempt = attempt_of(statement, line.origin, line.name, seconds)
    return await Techniques().try_item(attempt, line)


async def sighting(statement: str, line: Any) -> str:
    """Return whether the canary was seen; the failure's name if the instrument failed."""
    result = await tried(statement, line)
    if isinstance(result.facts, TechniqueFacts):
        return result.facts.canary
    assert result.failure is not None
    return result.failure.name


def obstacle_of(result: ProbeResult) -> str:
    """Return why the technique could not be carried; it was not tried, and nothing failed."""
    assert result.failure is None, result.failure
    assert isinstance(result.facts, TechniqueFacts)
    assert result.facts.canary == "absent"
    return result.facts.obstacle
