"""Which suppliers are measured in the small size: all but those that resemble another one.

The full size measures every one of them.
"""

from __future__ import annotations

from collections.abc import Collection

from test_suites.calibration.hostile.sizes import SMALL, Size

ONLY_IN_FULL = frozenset(
    [
        "pads-with-blanks",
        "two-frames-one-late",
        "weather-first",
        "old-gzip-name",
        "gzip-in-brotli",
        "bare-deflate",
        "unknown-coding-of-plain-page",
        "gzip-that-is-none",
        "invented-charset",
        "nested-bomb",
        "token-cut-and-403",
        "soft-hyphens",
        "split-by-tags",
        "as-json",
        "as-svg",
        "second-half",
        "tool-bar",
        "hexadecimal-script",
        "backwards-script",
        "plain-script",
        "base64-data-url-frame",
        "frame-set",
        "object-element",
        "refresh-header",
        "long-chain",
        "attachment",
        "replaced-part",
        "status-206",
        "status-451",
        "status-799",
        "details",
        "block-headers",
        "reset-after-content",
        "half-a-page",
        "endless-filler",
        "second-answer",
        "http-0-9",
        "early-hints",
        "two-lengths",
        "bare-line-feeds",
        "long-reason",
        "noise",
        "fourth-request-passes",
        "reload-at-once",
        "reload-to-pass",
        "coach-link-and-cookie",
        "every-fourth-passes",
        "referred",
        "third-look-answered",
        "resets-when-busy",
        "closes-when-busy",
        "off-half-way-but-for-sentinels",
        "off-and-on",
        "dies-half-way",
        "only-names-with-a-category",
        "drugs-missing",
        "entry-missing-over-https",
        "http-only-but-for-sentinels",
        "https-only-but-for-sentinels",
        "asks-for-itself",
        "blocks-https",
        "silent-for-all-but-the-sentinel",
        "portal-redirect",
        "empty-pages",
        "bad-gateway",
        "silence",
        "resets-everything",
        "knows-that-we-load-no-icons",
        "names-category-missing",
        "names-entry-missing",
        "denied-two-of-three",
        "two-addresses",
        "refused-under-load",
        "silent-under-load",
        "denies-when-idle",
        "names-off-half-way",
        "one-address-for-all",
        "names-know-our-origin",
        "cut-answers",
        "names-noise",
        "other-question",
        "undefined-code",
        "denied-with-address",
        "gateway-random-closes",
        "gateway-silent-when-busy",
        "gateway-slow",
        "gateway-redirects-to-content",
        "gateway-reset-once",
    ]
)


WAITING = frozenset(
    {
        "dies-half-way",
        "first-question-silent",
        "gateway-one-at-a-time",
        "gateway-silent-when-busy",
        "gateway-slow",
        "one-at-a-time",
        "one-at-a-time-but-for-sentinels",
        "random-drop",
        "silence",
        "silent-when-busy",
        "silent-when-busy-but-for-sentinels",
        "slow",
        "tarpit",
        "third-look-answered",
    }
)
"""Suppliers whose campaigns wait long, and so begin first."""


def suppliers_for(size: Size, identities: Collection[str]) -> tuple[str, ...]:
    """The ids of the suppliers that a size measures, those first that take longest."""
    is_small = size.name == SMALL.name
    chosen = (each for each in identities if not (is_small and each in ONLY_IN_FULL))
    return tuple(sorted(chosen, key=lambda each: each not in WAITING))
