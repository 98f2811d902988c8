"""Flaws of a block: what is missing or wrong in what a user is shown of it.

A verdict *blocked* holds them as one number. Of several trials of an item the flaws are joined, so
that the worst counts.
"""

from __future__ import annotations

from enum import IntFlag

from harness.model.query_case import LONGEST_BLOCK


class BlockFlaw(IntFlag):
    """What is missing or wrong. The numbers are in stored counts: never reuse one.

    UNANNOUNCED: neither a page with status 403 or 451, nor an extended DNS error 15, 16 or 17.
    NO_PAGE: no page is shown. UNREAD: a page came, but its details are not recorded; WITHHELD:
    because no text of such items may be kept (METHOD, S3 and S4). UNMANAGED: the client trusted no
    authority of the supplier, so a certificate error says nothing. UNMARKED: no markup was sent, so
    nothing shows whether the page escapes it. UNCHECKED: no browser loaded the page, and the next
    three say why. WRONG_LANGUAGE: it declares no language, or another one than that of its text.
    """

    UNANNOUNCED = 1
    NO_PAGE = 2
    UNREAD = 4
    CERTIFICATE = 8
    UNMANAGED = 16
    NO_REASON = 32
    NO_CATEGORY = 64
    NO_POLICY = 128
    NO_TIME = 256
    NO_APPEAL = 512
    CACHEABLE = 1024
    INJECTABLE = 2048
    THIRD_PARTY = 4096
    UNMARKED = 8192
    NO_LEGAL_WORDING = 16384
    NO_HELP = 32768
    WITHHELD = 65536
    UNCHECKED = 131072
    NO_EXTRA = 262144
    NO_BROWSER = 524288
    BROWSER_FAILED = 1048576
    INACCESSIBLE = 2097152
    WRONG_LANGUAGE = 4194304
    BLAMING = 8388608
    KEPT_LONG = 16777216


FIELDS: dict[BlockFlaw, str] = {
    BlockFlaw.NO_REASON: "the reason",
    BlockFlaw.NO_CATEGORY: "the category",
    BlockFlaw.NO_POLICY: "the policy in force",
    BlockFlaw.NO_TIME: "the time or a reference",
    BlockFlaw.NO_APPEAL: "a way to appeal",
}
"""What a block page states, by the flaw of one that does not (BLK-03)."""

DEFECTS: dict[BlockFlaw, str] = {
    BlockFlaw.CACHEABLE: "can be cached",
    BlockFlaw.INJECTABLE: "shows markup of the address unescaped",
    BlockFlaw.THIRD_PARTY: "contacts other sites",
}
"""What a block page must not do, by its flaw (BLK-05)."""

ILLEGAL: dict[BlockFlaw, str] = {
    BlockFlaw.NO_LEGAL_WORDING: "the recommended wording",
    BlockFlaw.NO_HELP: "where to find help",
}
"""What the block page of illegal content has, by the flaw of one that does not (ILL-07)."""

CHECKS: dict[BlockFlaw, str] = {
    BlockFlaw.INACCESSIBLE: "accessible (WCAG 2.1 AA)",
    BlockFlaw.WRONG_LANGUAGE: "declares the language of its text",
    BlockFlaw.BLAMING: "neither blames nor threatens the reader",
}
"""What is checked of a block page's wording and accessibility, by its flaw (BLK-04)."""

WHY_UNCHECKED: dict[BlockFlaw, str] = {
    BlockFlaw.NO_EXTRA: "no browser: pip install 'isp-accredit[browser]'",
    BlockFlaw.NO_BROWSER: "no browser: Chromium is not installed",
    BlockFlaw.BROWSER_FAILED: "the browser could not load the page",
}
"""Why a page was not checked in a browser, by its flaw."""

_OTHERS = {
    BlockFlaw.UNANNOUNCED: "the block is not announced by status 403 or 451, nor by a DNS error",
    BlockFlaw.CERTIFICATE: "a certificate error comes before the page",
    BlockFlaw.KEPT_LONG: f"the answer may be kept for longer than {LONGEST_BLOCK} s",
}


def flaws_in_words(flaws: BlockFlaw) -> str:
    """Return the flaws in a sentence, without those of illegal content; empty if there are none."""
    found = [words for flaw, words in _OTHERS.items() if flaw in flaws]
    missing = [words for flaw, words in FIELDS.items() if flaw in flaws]
    if missing:
        found.append(f"the page does not state {', '.join(missing)}")
    found += [f"the page {words}" for flaw, words in DEFECTS.items() if flaw in flaws]
    failed = [words for flaw, words in CHECKS.items() if flaw in flaws]
    found += [f"not as asked: {', '.join(failed)}"] if failed else []
    return "; ".join(found)
