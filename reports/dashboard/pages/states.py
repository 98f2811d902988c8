"""How to read the hub: the six states with what each asks of a reader, and the words of bounds."""

from __future__ import annotations

from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from reports.dashboard.rendering import page


class StateRow(NamedTuple):
    """A state, when it is shown, what to do, and how it looks in strips and charts."""

    state: str
    when: str
    act: str
    drawn: str


STATES = (
    StateRow(
        "conforms",
        "The bounds lie wholly on the right side of what is required",
        "Nothing",
        "a low bar",
    ),
    StateRow(
        "does-not-conform",
        "The bounds lie wholly on the wrong side",
        "A finding and an action plan follow",
        "a bar of full height, a square in charts",
    ),
    StateRow(
        "insufficient",
        "It was measured, but the bounds hold both sides, or too few items were tried",
        "Measure more: the page says how many",
        "a bar of middle height, a ring in charts",
    ),
    StateRow(
        "no-data",
        "Nobody has measured: not scheduled, on holiday, or not offered",
        "Schedule it, or leave it",
        "a dotted line, a diagonal hatch in charts",
    ),
    StateRow(
        "silent",
        "It should have been measured, and the probe did not report",
        "Look at the probe: the page says which, and since when",
        "a crossed hatch",
    ),
    StateRow(
        "stopped",
        "A person has suspended or withdrawn the accreditation",
        "Follow the action plan; the register says so",
        "a black bar; in charts below the line",
    ),
)

WORDS = (
    (
        "90.9 % (87.9 % to 93.3 %)",
        (
            "The rate that was measured, and its bounds. We are 95 % sure that the true rate is "
            "not below the lower, and 95 % sure that it is not above the upper."
        ),
    ),
    (
        "at least 95 %",
        "What is required. The outcome compares the bounds with it, not the rate alone.",
    ),
    ("lets through", "An item that must be blocked reached the user."),
    ("wrongly blocks", "An item that must be reachable did not reach the user."),
    (
        "not counted",
        "An item about which nothing can be said, because the comparison line did not reach it.",
    ),
    (
        "our software changed",
        "A black letter and a double line in charts. Nothing is pooled or compared across it.",
    ),
)


def routes() -> APIRouter:
    """The routes of this page; it is for everybody."""
    router = APIRouter(include_in_schema=False)

    @router.get("/states")
    async def states(request: Request) -> HTMLResponse:
        title = "Six states, and what each asks of you"
        return page(request, "states.html.j2", title, rows=STATES, words=WORDS)

    return router
