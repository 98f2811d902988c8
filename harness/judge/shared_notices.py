"""Learn the pictures and style sheets of block pages that came in the place of many pages.

A supplier may have a page for each category, which no must-block sentinel meets. If the same notice
comes in the place of several pages of our own origin, and its pictures and style sheets have the
same addresses each time, they belong to the notice: they are not content of those pages. Nothing
else is learned here. What the page says must still say that it blocks, whatever was expected.
"""

from __future__ import annotations

from harness.judge.block_page_check import says_blocked, shown_beside_text
from harness.judge.block_page_classifier import normal
from harness.judge.filter_fingerprints import NO_FINGERPRINTS, FilterFingerprints
from harness.judge.trial_features import TrialFeatures
from harness.model.verdict import Trial

MANY = 5
"""The hosts in whose place a notice must have come."""
MOST_NOTICES = 1000
"""The most notices of a journal that are counted; a filter has a few dozen."""

Notice = tuple[str, str, str, tuple[int, ...]]
"""Line, title and text without names and numbers, and the marks of what is shown beside it."""


class SharedNotices:
    """The notices of a journal, by line, in memory that does not grow with the items."""

    def __init__(self) -> None:
        self._hosts: dict[Notice, set[str]] = {}
        self._parts: dict[str, frozenset[int]] = {}

    def count(self, trial: Trial) -> None:
        """Add what came in a trial, if it is a notice with fixed pictures in a page's place."""
        features = TrialFeatures(trial, NO_FINGERPRINTS)
        web = features.web
        if web is None or not web.parts or not web.text or not features.answered or web.frames:
            return
        if not features.control_has_token or len(web.parts) != shown_beside_text(web):
            return
        if features.content_arrived or not says_blocked(features):
            return
        words = normal(web.title, web.url), normal(web.text, web.url)
        notice = (trial.key.line, *words, web.parts)
        hosts = self._hosts.get(notice)
        if hosts is None and len(self._hosts) < MOST_NOTICES:
            hosts = self._hosts[notice] = set()
        if hosts is not None and len(hosts) < MANY:
            hosts.add(features.host)
            if len(hosts) == MANY:
                known = self._parts.get(trial.key.line, frozenset())
                self._parts[trial.key.line] = known | {*web.parts}

    def added_to(self, known: FilterFingerprints, line: str) -> FilterFingerprints:
        """The fingerprints of a line, with what was learned here."""
        parts = self._parts.get(line)
        if parts is None or parts <= known.parts:
            return known
        return known.merged_with(FilterFingerprints(parts=parts))
