"""What is answered when a page cannot be made: a page of words, or JSON below the API.

Nothing of an error leaves the process; the log gets its kind and where it was raised.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from harness.errors import HarnessError, InstrumentError, UsageError
from reports.dashboard.access import NotHere, Refusal, SignInNeeded
from reports.dashboard.agent_api import NUMBER
from reports.dashboard.rendering import page

API = "/api/"
"""Below this path answers and refusals are JSON."""

FOR_PROGRAMS = (API, "/agent/", "/health/", "/metrics")
"""Below these paths a refusal is JSON."""


class Unavailable(Refusal):
    """What the page needs cannot be had now, such as the database."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "This cannot be answered now",
            "The hub is busy or its database cannot be reached. Try again in a minute.",
        )


class NotPossible(Refusal):
    """A wrong value that no page had words for.

    What it says goes to the log alone: it may be about other suppliers.
    """

    def __init__(self) -> None:
        super().__init__(
            400,
            "This is not possible",
            "What you asked for does not fit what is there now. Go back, load the page again, and "
            "check what you chose.",
        )


class Failed(Refusal):
    """A fault of this software."""

    STATUS = 500
    """From this HTTP status on it is not the fault of who asked."""

    def __init__(self) -> None:
        super().__init__(
            self.STATUS,
            "Something went wrong here",
            "It is not your fault. Nothing was changed unless the page said so. Try again; if it "
            "stays, tell the operator of this hub when it happened.",
        )


def failure_of(error: Exception) -> Refusal:
    """What is answered to an error that no page caught."""
    match error:
        case Refusal():
            return error
        case UsageError():
            return NotPossible()
        case InstrumentError():
            return Unavailable()
        case _:
            return Failed()


def answer_refusal(request: Request, refusal: Refusal) -> Response:
    """A refusal as a page or as JSON; who has not signed in is led to the sign-in page.

    What is the hub's own fault comes with the number under which the log has it.
    """
    words = refusal.words
    if refusal.status >= Failed.STATUS and (number := request.scope.get(NUMBER)):
        words = f"{words} Its number in the log is {number}."
    path: str = request.scope["path"]
    if path.startswith(FOR_PROGRAMS):
        told = {"title": refusal.title, "detail": words}
        return JSONResponse(told, refusal.status, refusal.headers)
    if isinstance(refusal, SignInNeeded) and request.method == "GET":
        query = request.scope["query_string"].decode("latin-1")
        asked = quote(f"{path}?{query}" if query else path, safe="/")
        if request.headers.get("hx-request") == "true":  # a part cannot be the sign-in page
            return Response(b"", 200, {"HX-Redirect": f"/sign-in?to={asked}"})
        return RedirectResponse(f"/sign-in?to={asked}", 303)
    return page(request, "refused.html.j2", refusal.title, status=refusal.status, words=words)


async def refused(request: Request, error: Exception) -> Response:
    """The answer to a refusal that a route raised."""
    assert isinstance(error, Refusal)
    return answer_refusal(request, error)


async def not_here(request: Request, _: Exception) -> Response:
    """The answer to an address that does not exist."""
    return answer_refusal(request, NotHere())


async def other_method(request: Request, _: Exception) -> Response:
    """The answer to a method that a path does not have."""
    words = f"{request.method} is not possible here. Go back, and use the links and buttons."
    return answer_refusal(request, Refusal(405, "This is not possible here", words))


async def not_taken(request: Request, error: Exception) -> Response:
    """The answer to a body that the library could not read; its words are not repeated."""
    status = error.status_code if isinstance(error, HTTPException) else NotPossible().status
    return answer_refusal(
        request, Refusal(status, "This cannot be read", "Check what you sent, and send it again.")
    )


async def not_readable(request: Request, _: Exception) -> Response:
    """The answer to a form or an address whose values cannot be read; they are not repeated."""
    words = "A value is missing or cannot be read. Go back, and check what you typed."
    return answer_refusal(request, Refusal(422, "This cannot be read", words))


def in_words(error: Exception) -> str:
    """An error in one line, for the log: our own with its sentence, others by kind and place."""
    if isinstance(error, HarnessError):
        return str(error).partition("\n")[0]
    frames = extract_tb(error.__traceback__)
    at = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"unexpected error: {type(error).__name__}{at}"
