"""Pages of the reference filter in each style of a block, and of origins that reject clients."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import TYPE_CHECKING

from probes.range.faults import FaultKind
from probes.range.origin_pages import (
    Page,
    block_page,
    document,
    portal_page,
    redirect_page,
    trouble_page,
)
from probes.range.zone import BLOCK_HOST

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.filter import Decision

_PAGES: dict[FaultKind, tuple[int, str, str]] = {
    FaultKind.CAPTCHA: (
        403,
        "Just a moment...",
        (
            "Verify you are human by completing the action below. {host} needs to review the "
            "security of your connection before proceeding."
        ),
    ),
    FaultKind.GEO_BLOCK: (
        403,
        "Not available",
        (
            "{host} is not available in your country. The owner of this website has restricted "
            "access to it from your region."
        ),
    ),
    FaultKind.LEGAL: (
        451,
        "Unavailable due to legal reasons",
        (
            "We recognise you are attempting to access {host} from a country belonging to the "
            "European Economic Area, and therefore cannot grant you access at this time."
        ),
    ),
    FaultKind.SERVER_ERROR: (
        502,
        "502 Bad Gateway",
        "The server at {host} is temporarily unable to answer. Please try again in 30 seconds.",
    ),
    FaultKind.PARKED: (
        200,
        "{host}",
        "This domain is for sale. Buy this domain. Related searches: gardens, tools, seeds.",
    ),
}
REFUSALS = frozenset(_PAGES)
"""Kinds of fault by which an origin rejects clients."""

_HEADERS = {FaultKind.CAPTCHA: (("cf-mitigated", "challenge"),)}


def refusal_page(kind: FaultKind, host: str) -> Page:
    """Return the page by which an origin rejects clients. Raises KeyError for another kind."""
    status, title, text = _PAGES[kind]
    body = document(title.format(host=host), text.format(host=host))
    return Page(status=status, body=body, headers=_HEADERS.get(kind, ()))


STATUS = {FaultKind.PAGE_200: 200, FaultKind.PAGE_403: 403, FaultKind.PAGE_451: 451}


def block_answer(decision: Decision, request: Request) -> Page:
    """Return the response of a block, in its style."""
    style = decision.style
    if style is FaultKind.CAPTIVE:
        return portal_page()
    if style is FaultKind.REFUSE:
        return trouble_page(decision.host, 503)
    if style is FaultKind.REDIRECT:
        return redirect_page(_block_page_url(decision))
    if style in REFUSALS:
        return refusal_page(style, decision.host)
    if style in EMBEDDING_STYLES and request.method != "CONNECT":
        return _minimal_page(EMBEDDING_STYLES[style](decision, request))
    status = STATUS.get(style, 403) if style else 403
    if request.method == "CONNECT":
        status = max(status, 403)  # a 200 would mean that the tunnel is open
    path = "/" if request.method == "CONNECT" else request.path
    flaws = decision.page_flaws
    by = decision.profile
    return block_page(decision.host, decision.category, status, policy=by, path=path, flaws=flaws)


def _block_page_url(decision: Decision) -> str:
    """Return the URL of the filter's own page about a block."""
    to = decision.fault.to if decision.fault else BLOCK_HOST
    return f"http://{to}/?host={decision.host}&to={decision.category}&by={decision.profile}"


def _minimal_page(inside: str) -> Page:
    return Page(status=200, body=f"<!DOCTYPE html>\n<html>{inside}</html>\n".encode())


def _frame(decision: Decision, _: Request) -> str:
    url = html.escape(_block_page_url(decision))
    return f'<body><iframe src="{url}" width="100%"></iframe></body>'


def _refresh(decision: Decision, _: Request) -> str:
    content = f"0; url={html.escape(_block_page_url(decision))}"
    return f'<head><meta http-equiv="refresh" content="{content}"></head><body></body>'


def _echo(_: Decision, request: Request) -> str:
    """Show the whole request, nonce included, as some filters do."""
    first = f"{request.method} {request.target}"
    lines = (line.decode("latin-1") for line in request.lines)
    shown = html.escape("\n".join((first, *lines)))
    return f"<body><h1>Not available</h1><pre>{shown}</pre></body>"


EMBEDDING_STYLES: dict[FaultKind | None, Callable[[Decision, Request], str]] = {
    FaultKind.FRAME: _frame,
    FaultKind.META_REFRESH: _refresh,
    FaultKind.ECHO: _echo,
}
"""Styles that answer 200 with hardly any text, by the content of their html element."""
