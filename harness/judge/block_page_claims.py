"""What a block page says of itself: the category it claims, and on whose behalf it blocks."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_plus

from harness.model.observation import WebFacts

_STATED = re.compile(
    r"\b(?:categor(?:y|ies|ised as|ized as)|categori|classified as|filter group)\b"
    r"\s*(?:is|are|:|=|-|\u2013)?\s*[\"'\u201c\u2018(\[]?\s*([^\"'\u201d\u2019)\].;|<>\n]{2,60})",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"[?&](?:cat|category|categories|catdesc)=([^&#]{2,60})", re.IGNORECASE)
_END = re.compile(
    r"\s+(?:url|user|client|ip|group|policy|reason|time|date|if you|you|please|contact|address"
    r"|your|the|this|if|and is|which|because|rule|username|host|server|source|destination)\b.*",
    re.IGNORECASE,
)


def claimed_category(web: WebFacts | None) -> str:
    """The category that a block page or its address states, in its own words; or nothing."""
    if web is None:
        return ""
    addresses = (web.url, *(hop.location for hop in web.hops))
    return _claimed(web.title, web.text, addresses)


@lru_cache(maxsize=4096)
def _claimed(title: str, text: str, addresses: tuple[str, ...]) -> str:
    for place in (text, title):
        found = _STATED.search(place) if place else None
        if found and (words := _END.sub("", found.group(1)).strip(" ,:-\u2013")):
            return words
    for address in addresses:
        found = _IN_ADDRESS.search(address)
        if found:
            return unquote_plus(found.group(1)).strip()
    return ""
