"""What tests read of the result of a technique."""

from __future__ import annotations

from harness.model.facts import TechniqueFacts
from harness.ports.network import ProbeResult


def obstacle_of(result: ProbeResult) -> str:
    """Return why the technique could not be carried; it was not tried, and nothing failed."""
    assert result.failure is None, result.failure
    assert isinstance(result.facts, TechniqueFacts)
    assert result.facts.canary == "absent"
    return result.facts.obstacle
