"""Is a page a block page, and nothing else: learned, declared, or recognised by what it says.

A notice is believed only on a page that has no room for content beside it (``page_rest``), and
whose frames, if they came, are block pages or say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.judge import block_page_classifier
from harness.judge.page_rest import is_wordless, says_nothing
from harness.judge.signatures import ENOUGH_BESIDE
from harness.model.observation import WebFacts

if TYPE_CHECKING:
    from harness.judge.trial_features import Case

UNLIKE = 0.5
"""Likeness below which two pages count as different ones."""
ALIKE = 0.7
"""Likeness of words from which the control sees the same page, whatever it says."""
AKIN = 0.3
"""The same where the control's page speaks of blocks as well."""


def looks_blocked(case: Case) -> bool:
    """Whether the service's page says that it blocks, and the control's page does not."""
    web = case.web
    if web is None or not _is_all_there(case):
        return False
    if inner := _came_inside(web):
        return _is_known_inside(case, web, inner, recognised=True)
    return _is_recognised(case, web)


def is_learned_page(case: Case) -> bool:
    """Whether the page is the one declared, or that the must-block sentinels met."""
    web = case.web
    if web is None or not _is_all_there(case):
        return False
    if inner := _came_inside(web):
        return _is_known_inside(case, web, inner, recognised=False)
    return case.lore.knows_page(web, case.control_web)


def _is_all_there(case: Case) -> bool:
    """Whether every frame was followed, and no part of the origin's page was seen."""
    return not case.not_followed and (case.is_unlike_origin or not case.has_truth)


def _came_inside(web: WebFacts) -> tuple[WebFacts, ...]:
    """The inner pages that came, but for those that say nothing."""
    came = (page for page in web.inner if page.status is not None)
    return tuple(page for page in came if not says_nothing(page))


def _is_known_inside(
    case: Case, web: WebFacts, inner: tuple[WebFacts, ...], *, recognised: bool
) -> bool:
    """Whether every inner page is a block page, in a page that is one too or says nothing."""

    def is_known(page: WebFacts) -> bool:
        is_learned = case.lore.knows_page(page, case.control_web)
        return is_learned or (recognised and _is_recognised(case, page))

    only_frames = is_wordless(web) and web.embedded <= max(case.lore.embedded, len(web.inner))
    return all(map(is_known, inner)) and (only_frames or is_known(web))


def _is_recognised(case: Case, web: WebFacts) -> bool:
    """Whether a page says that it blocks, and has no room for anything else."""
    if case.lore.leaves_room(web, case.control_web):
        return False
    return says_blocked(case) if web is case.web else _look_says_so(web)


def _look_says_so(web: WebFacts) -> bool:
    return block_page_classifier.look_at(web).kind is block_page_classifier.Kind.BLOCK


def says_blocked(case: Case) -> bool:
    """Whether the page says that it blocks, whatever else it shows, and the control's does not.

    Beside a control's page that is quite another one, weaker signs are enough.
    """
    if case.web is None or (case.has_truth and not case.is_unlike_origin):
        return False
    speaks_too = case.control_look.weight >= ENOUGH_BESIDE
    if case.same_words >= (AKIN if speaks_too else ALIKE):
        return False
    if case.look.kind is block_page_classifier.Kind.BLOCK:
        return True
    enough = case.look.weight >= ENOUGH_BESIDE
    return (
        enough and case.look.kind is block_page_classifier.Kind.ORDINARY and case.likeness < UNLIKE
    )
