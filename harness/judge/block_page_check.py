"""Decide whether a page is a block page and nothing else, and which category it states.

The words, title or host of a block page are easily copied onto other content. So they count only on
a page that cannot hold other content: little text that is not known, and no more pictures, frames
and scripts than the pages that the must-block sentinels met.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from harness.judge import block_page_classifier
from harness.judge.block_page_classifier import ENOUGH_BESIDE
from harness.model.facts import WebFacts
from harness.model.sketch import BARE, Sketch, share_within

if TYPE_CHECKING:
    from harness.judge.trial_features import TrialFeatures

READ = 256
"""Characters of a page's text that are kept, and so can be read (``probes.net.html_text``)."""
LEAST, USUAL, MOST = 120, 600, 1800
"""Characters of unknown text that a block page may have: at least; where there is no page of the
control to compare it with; and at most."""
SHARE = 0.5
"""Share of the control's text that the unknown text of a block page may reach."""


def says_nothing(web: WebFacts) -> bool:
    """Whether a page has next to no text, and nothing else to show."""
    shows = bool(shown_beside_text(web) or web.frames)
    return len(web.title) <= BARE and is_wordless(web) and not shows


def shown_beside_text(web: WebFacts) -> int:
    """Count the pictures, frames, scripts and style sheets of a page, and those of its headers."""
    return web.embedded + has_styles_by_header(web)


def has_styles_by_header(web: WebFacts) -> bool:
    """Whether a header names a style sheet, which can add text (RFC 8288, CSS Content)."""
    return any(name == "link" and "stylesheet" in value.lower() for name, value in web.headers)


def is_wordless(web: WebFacts) -> bool:
    """Whether a page has next to no text, whatever else it shows; its own address is none."""
    length = max(len(web.text), web.text_length)
    host = block_page_classifier.host_of(web.url)
    if BARE < length <= len(web.text) + 1 and host in web.text:
        length = len(web.text.replace(web.url, "").replace(host, ""))
    return length <= BARE


def may_hold_other_content(
    web: WebFacts, control: WebFacts | None, known: Iterable[Sketch], *, embedded: int, read: int
) -> bool:
    """Whether a page may hold content beside the signs that it is known by.

    ``known`` are sketches of block page texts. ``embedded`` is the number of pictures, frames and
    scripts that a block page has. ``read`` is the number of characters that were found to be a
    notice; 0 means that the page must not say anything else. Pages in other people's data do not
    give the length of their text, and count as holding no other content.
    """
    if shown_beside_text(web) > embedded:
        return True
    share = max((share_within(web.sketch, each) for each in known), default=0.0)
    unknown = min(web.text_length - read, web.text_length * (1 - share))
    return unknown > (_least_content(control) if read else BARE)


def _least_content(control: WebFacts | None) -> float:
    """The number of characters beside a notice from which a page holds content."""
    if control is None:
        return USUAL
    if not control.text_length:
        return MOST
    return min(MOST, max(LEAST, control.text_length * SHARE))


UNLIKE = 0.5
"""Likeness below which two pages count as different."""
ALIKE = 0.7
"""Likeness of words from which service and control saw the same page."""
AKIN = 0.3
"""The same, where the control's page shows signs of a block as well."""


def looks_blocked(features: TrialFeatures) -> bool:
    """Whether the service's page says that it blocks, and the control's page does not."""
    web = features.web
    if web is None or not _is_all_there(features):
        return False
    if inner := _inner_pages_with_content(web):
        return _is_known_inside(features, web, inner, recognised=True)
    return _is_recognised(features, web)


def is_learned_page(features: TrialFeatures) -> bool:
    """Whether the page is the declared block page, or one that the must-block sentinels met."""
    web = features.web
    if web is None or not _is_all_there(features):
        return False
    if inner := _inner_pages_with_content(web):
        return _is_known_inside(features, web, inner, recognised=False)
    return features.fingerprints.matches_page(web, features.control_web)


def _is_all_there(features: TrialFeatures) -> bool:
    """Whether every frame was followed, and no part of the origin's page came.

    Where the origin's page only frames another one, the outer page is not yet a part of it.
    """
    control = features.control_web
    has_token = control is not None and control.canary == "seen"
    return not features.unfollowed_url and (features.is_unlike_origin or not has_token)


def _inner_pages_with_content(web: WebFacts) -> tuple[WebFacts, ...]:
    """The inner pages that came, without those that say nothing."""
    came = (page for page in web.inner if page.status is not None)
    return tuple(page for page in came if not says_nothing(page))


def _pages_behind(features: TrialFeatures) -> tuple[TrialFeatures, ...]:
    """The inner pages, each as a trial of its own beside the control's page at its address.

    Empty unless the outer page is the control's, bit by bit, and each page that held content there
    came: a page that forwards to a download arrives as it is, and the download is blocked.
    """
    web, control = features.web, features.control_web
    if web is None or control is None or not web.body_sha256:
        return ()
    there = {page.url: page for page in control.inner if page.canary == "seen"}
    is_same = web.body_sha256 == control.body_sha256
    if not is_same or {page.url for page in web.inner} != there.keys():
        return ()
    return tuple(features.beside(page, there[page.url]) for page in web.inner)


def _is_known_inside(
    features: TrialFeatures, web: WebFacts, inner: tuple[WebFacts, ...], *, recognised: bool
) -> bool:
    """Whether every inner page is a block page, in an outer page that is one or says nothing.

    Or behind the control's own outer page (``_pages_behind``).
    """
    behind = _pages_behind(features)
    if behind and all(
        page.looks_blocked if recognised else page.is_learned_page for page in behind
    ):
        return True

    def is_known(page: WebFacts) -> bool:
        is_learned = features.fingerprints.matches_page(page, features.control_web)
        return is_learned or (recognised and _is_recognised(features, page))

    only_frames = is_wordless(web) and web.embedded <= max(
        features.fingerprints.embedded, len(web.inner)
    )
    return all(map(is_known, inner)) and (only_frames or is_known(web))


def _is_recognised(features: TrialFeatures, web: WebFacts) -> bool:
    """Whether a page says that it blocks, and cannot hold anything else."""
    if features.fingerprints.may_hold_other_content(web, features.control_web):
        return False
    return says_blocked(features) if web is features.web else _look_says_so(web)


def _look_says_so(web: WebFacts) -> bool:
    return block_page_classifier.classify_page(web).kind is block_page_classifier.PageKind.BLOCK


def says_blocked(features: TrialFeatures) -> bool:
    """Whether the page says that it blocks, whatever else it shows, and the control's does not.

    Beside a control's page that is a different one, weaker signs are enough.
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


def shows_notice(features: TrialFeatures) -> bool:
    """Whether what a page shows in words is a block page, whatever else the answer carries.

    Pictures, scripts and style sheets do not matter here: the notice itself is what a person sees
    in the place of the page. A frame may show the page below it.
    """
    web = features.web
    if web is None or web.frames:
        return False
    beside = shown_beside_text(web)
    known = features.fingerprints.sketches
    if may_hold_other_content(web, features.control_web, known, embedded=beside, read=READ):
        return False
    return says_blocked(features) or features.is_learned_page


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
    """The category that a block page or its address states, as written there; else empty."""
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
