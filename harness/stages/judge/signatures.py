"""What pages say, as data: which words, where they stand, and what they make a page."""

from __future__ import annotations

import re

SAYINGS = (
    (
        "refusal",
        re.compile(r"attention required|just a moment|captcha|verify you are human", re.IGNORECASE),
        "page asks for proof of a human",
    ),
    (
        "refusal",
        re.compile(r"error 10(?:20|09)|not available in your (?:country|region)", re.IGNORECASE),
        "page of the origin's own guard",
    ),
    (
        "parked",
        re.compile(
            r"domain (?:is|may be) for sale|buy this domain|parked (?:free|domain)", re.IGNORECASE
        ),
        "page of a parked domain",
    ),
    (
        "block",
        re.compile(
            r"(?:web)?(?:site|page|content|access)\b.{0,40}\b(?:blocked|denied|restricted|filtered)",
            re.IGNORECASE,
        ),
        "title or text of a block page",
    ),
)
