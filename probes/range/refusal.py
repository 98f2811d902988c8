"""Refusals: how an origin itself, or a guard in front of it, turns clients away.

None of them is a block of the service, though they look like one to the careless (Jones et
al., IMC 2014; Niaki et al., IEEE S&P 2020).
"""

from __future__ import annotations

from probes.range.faults import FaultKind
from probes.range.origin_pages import Page, document

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
"""The kinds of fault by which an origin turns clients away."""

_HEADERS = {FaultKind.CAPTCHA: (("cf-mitigated", "challenge"),)}


def refusal_page(kind: FaultKind, host: str) -> Page:
    """The page by which an origin turns everybody away. Raises KeyError for another kind."""
    status, title, words = _PAGES[kind]
    body = document(title.format(host=host), words.format(host=host))
    return Page(status=status, body=body, headers=_HEADERS.get(kind, ()))
