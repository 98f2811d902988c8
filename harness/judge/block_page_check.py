"""What a page may hold beside the notice by which it is known as a block page.

A block page's words, title or host are copied easily and put over something else. So such a sign
counts only on a page that has no room for content: little text that nobody knows, and no more
pictures, frames and scripts than the pages that the must-block sentinels met.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.judge import block_page_classifier
from harness.judge.block_page_classifier import ENOUGH_BESIDE
from harness.model.facts.web import WebFacts
from harness.model.sketch import BARE, Sketch, share_within

if TYPE_CHECKING:
    from harness.judge.trial_features import TrialFeatures
import re
from functools import lru_cache
from urllib.parse import unquote_plus

READ = 256
"""Characters of a page's text that are kept, and so can be looked at (``probes.net.html_text``)."""
LEAST, USUAL, MOST = 120, 600, 1800
"""Characters of unknown text that a notice may always hold, may where there is no page of the
control to compare it with, and may at most."""
SHARE = 0.5
"""Share of the control's text that the unknown text of a notice may reach: less is no page."""


def says_nothing(web: WebFacts) -> bool:
    """Whether a page has next to no text, and nothing else that would show something."""
    shows = bool(shown_beside_text(web) or web.frames)
    return len(web.title) <= BARE and is_wordless(web) and not shows


def shown_beside_text(web: WebFacts) -> int:
    """How many pictures, frames, scripts and style sheets a page has, those of headers too."""
    return web.embedded + has_styles_by_header(web)


def has_styles_by_header(web: WebFacts) -> bool:
    """Whether a header names a style sheet, which may write text (RFC 8288, CSS Content)."""
    return any(name == "link" and "stylesheet" in value.lower() for name, value in web.headers)


def is_wordless(web: WebFacts) -> bool:
    """Whether a page has next to no text, whatever it shows besides."""
    return max(len(web.text), web.text_length) <= BARE


def may_hold_other_content(
    web: WebFacts, control: WebFacts | None, known: Iterable[Sketch], *, embedded: int, read: int
) -> bool:
    """Whether a page may hold content beside what it is known by.

    ``known`` are sketches of texts that are no content; ``embedded`` is the number of pictures,
    frames and scripts that such a page has, and ``read`` the number of characters that were found
    to be a notice; where there is none, a page must say nothing else. Pages that other people kept
    do not say how long their text is, and so have no room.
    """
    if shown_beside_text(web) > embedded:
        return True
    share = max((share_within(web.sketch, each) for each in known), default=0.0)
    unknown = min(web.text_length - read, web.text_length * (1 - share))
    return unknown > (_least_content(control) if read else BARE)


def _least_content(control: WebFacts | None) -> float:
    """The least number of characters beside a notice that would be a page's content."""
    if control is None:
        return USUAL
    if not control.text_length:
        return MOST
    return min(MOST, max(LEAST, control.text_length * SHARE))


UNLIKE = 0.5
"""Likeness below which two pages count as different ones."""
ALIKE = 0.7
"""Likeness of words from which the control sees the same page, whatever it says."""
AKIN = 0.3
"""The same where the control's page speaks of blocks as well."""


def looks_blocked(features: TrialFeatures) -> bool:
    """Whether the service's page says that it blocks, and the control's page does not."""
    web = features.web
    if web is None or not _is_all_there(features):
        return False
    if inner := _inner_pages_with_content(web):
        return _is_known_inside(features, web, inner, recognised=True)
    return _is_recognised(features, web)


def is_learned_page(features: TrialFeatures) -> bool:
    """Whether the page is the one declared, or that the must-block sentinels met."""
    web = features.web
    if web is None or not _is_all_there(features):
        return False
    if inner := _inner_pages_with_content(web):
        return _is_known_inside(features, web, inner, recognised=False)
    return features.fingerprints.matches_page(web, features.control_web)


def _is_all_there(features: TrialFeatures) -> bool:
    """Whether every frame was followed, and no part of the origin's page was seen."""
    return not features.unfollowed_url and (
        features.is_unlike_origin or not features.control_has_token
    )


def _inner_pages_with_content(web: WebFacts) -> tuple[WebFacts, ...]:
    """The inner pages that came, but for those that say nothing."""
    came = (page for page in web.inner if page.status is not None)
    return tuple(page for page in came if not says_nothing(page))


def _is_known_inside(
    features: TrialFeatures, web: WebFacts, inner: tuple[WebFacts, ...], *, recognised: bool
) -> bool:
    """Whether every inner page is a block page, in a page that is one too or says nothing."""

    def is_known(page: WebFacts) -> bool:
        is_learned = features.fingerprints.matches_page(page, features.control_web)
        return is_learned or (recognised and _is_recognised(features, page))

    only_frames = is_wordless(web) and web.embedded <= max(
        features.fingerprints.embedded, len(web.inner)
    )
    return all(map(is_known, inner)) and (only_frames or is_known(web))


def _is_recognised(features: TrialFeatures, web: WebFacts) -> bool:
    """Whether a page says that it blocks, and has no room for anything else."""
    if features.fingerprints.may_hold_other_content(web, features.control_web):
        return False
    return says_blocked(features) if web is features.web else _look_says_so(web)


def _look_says_so(web: WebFacts) -> bool:
    return block_page_classifier.classify_page(web).kind is block_page_classifier.PageKind.BLOCK


def says_blocked(features: TrialFeatures) -> bool:
    """Whether the page says that it blocks, whatever else it shows, and the control's does not.

    Beside a control's page that is quite another one, weaker signs are enough.
    """
    if features.web is None or (features.control_has_token and not features.is_unlike_origin):
        return False
    speaks_too = features.control_classification.weight >= ENOUGH_BESIDE
    if features.same_words >= (AKIN if speaks_too else ALIKE):
        return False
    if features.classification.kind is block_page_classifier.PageKind.BLOCK:
        return True
    enough = features.classification.weight >= ENOUGH_BESIDE
    return (
        enough
        and features.classification.kind is block_page_classifier.PageKind.ORDINARY
        and features.likeness < UNLIKE
    )


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
