"""The DNS probe: asks where an item's host is, and notes the whole answer."""

from __future__ import annotations

from typing import ClassVar

from harness.plugins import register
from harness.ports.asking import Attempt, Line, Question, Sighting


@register("probes", "dns")
class Dns:
    """One A question."""

    asks: ClassVar[str] = "ask"

    async def try_item(self, attempt: Attempt, line: Line) -> Sighting:
        """Ask for the item's host over the line, once."""
        question = Question(name=attempt.item.host, timeout=attempt.timeout)
        answer = await line.ask(question)
        return Sighting(timings=answer.timings, facts=answer.facts, failure=answer.failure)
