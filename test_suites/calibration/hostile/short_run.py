"""Which hostile suppliers are measured: a few of each kind in every run, or all of them."""

from __future__ import annotations

import os
from collections.abc import Iterable

from test_suites.calibration.hostile.sizes import FULL, SMALL, Size

FEW = frozenset(
    {
        "translated",
        "page-hidden-in-block-page",
        "only-agreed-names",
        "off-half-way",
        "knows-our-header",
        "silent-when-busy-but-for-sentinels",
        "flapping",
        "truncated-to-tcp",
        "names-only-the-sentinels",
        "denies-everything",
        "content-first",
        "servfail-under-load",
        "gateway-only-the-sentinels",
        "gateway-random-resets",
        "gateway-resets-all-but-the-sentinel",
        "gateway-knows-our-handshake",
        "gateway-slow",
        "gateway-answers-twice",
    }
)
"""Six proxies, six name servers and six gateways, each of which deceives in another way."""


WAITING = frozenset(
    {
        "dies-half-way",
        "first-question-silent",
        "gateway-one-at-a-time",
        "gateway-silent-when-busy",
        "gateway-slow",
        "one-at-a-time",
        "one-at-a-time-but-for-sentinels",
        "loses-every-third",
        "random-drop",
        "rate-limiter",
        "servfail-under-load",
        "silence",
        "silent-when-busy",
        "silent-when-busy-but-for-sentinels",
        "head-and-reset",
        "slow",
        "slow-for-items",
        "tarpit",
        "tarpit-for-every-third",
        "third-look-answered",
        "unavailable-when-busy",
    }
)
"""Suppliers whose campaigns wait long, and so begin first."""


def chosen_size() -> Size:
    """The size that the environment asks for (``HOSTILE``): small, unless it is ``full``."""
    return FULL if _asked() == "full" else SMALL


def chosen(names: Iterable[str], few: frozenset[str]) -> tuple[str, ...]:
    """Those of some suppliers that the environment asks for, those first that take longest.

    ``HOSTILE`` is ``few`` if it is not set, ``all`` (each at the small size) or ``full``.
    """
    asked = [name for name in names if _asked() != "few" or name in few]
    return tuple(sorted(asked, key=lambda name: name not in WAITING))


def _asked() -> str:
    return os.environ.get("HOSTILE", "few")
