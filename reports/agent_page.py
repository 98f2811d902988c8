"""The page of an agent for the people of its school: what this device does, and whether it works.

It shows no item and no verdict. A school sees its results at the hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from harness.model.event_times import lasting

if TYPE_CHECKING:
    from jinja2 import Template

SMALL_OFFSET = 60.0
"""Seconds; a larger correction of the clock is told in words."""


class PageSchedule(NamedTuple):
    """A schedule: when it runs next, whether it runs now, and what became of its last run."""

    name: str
    next: datetime | None
    is_running: bool
    last: str


class PageBracket(NamedTuple):
    """Whether the agreed pages of a schedule behaved as agreed, and when they were tried."""

    schedule: str
    at: datetime
    held: bool
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """What the page shows. Times are in UTC, by the hub's clock where that is known.

    ``clock_offset``, ``clock_bound`` and ``clock_age`` are in seconds. ``asked`` is when the hub
    answered last; ``is_intercepted`` is ``None`` while it is not known.
    """

    service: str
    site: str
    hub: str
    now: datetime
    version: str
    schedules: tuple[PageSchedule, ...] = ()
    brackets: tuple[PageBracket, ...] = ()
    asked: datetime | None = None
    waiting: int = 0
    is_intercepted: bool | None = None
    issuer: str = ""
    clock_offset: float | None = None
    clock_bound: float | None = None
    clock_age: float | None = None
    offered: str = ""
    trouble: str = ""
    is_revoked: bool = False

    @property
    def correction(self) -> str:
        """By how much the device's clock was wrong, in words."""
        offset = self.clock_offset or 0.0
        if abs(offset) < SMALL_OFFSET:
            return f"corrected by {offset:+.1f} s"
        way = "behind" if offset > 0 else "ahead"
        return f"corrected: the device's own is {lasting(timedelta(seconds=abs(offset)))} {way}"

    @property
    def lead(self) -> str:
        """The answer to the page's question, in one sentence."""
        if self.is_revoked:
            return "The hub has revoked this device. It measures nothing."
        if not self.schedules:
            return "This device waits for its first order from the hub. It measures nothing yet."
        if not self.brackets:
            return "This device has its order, and has not tried the connection yet."
        if not all(bracket.held for bracket in self.brackets):
            return "This device runs, but cannot measure now: agreed pages do not behave as agreed."
        if self.trouble:
            return "This device measures, and something is in the way of its connection to the hub."
        return "This device measures, and reports to the hub."


def agent_page(facts: AgentFacts) -> str:
    """The page as HTML without scripts."""
    return _template().render(facts=facts)


@cache
def _template() -> Template:
    """The template, read once."""
    from reports.page_templates import page_environment  # noqa: PLC0415 - Jinja is read on demand

    return page_environment().get_template("agent_page.html.j2")
