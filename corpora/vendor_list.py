"""The category list of a made-up filter vendor, for campaigns without internet.

The reference filter of the range knows these sites as its own categorisation, as a product knows
the web: nobody announces them to it before a campaign. An assessor imports the list, draws a
sealed sample, and so tries ``real`` items. Names and categories are invented and the same in
each version; the pages are neutral, and no name says what its category is.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpora.neutral_names import neutral_hosts
from corpora.taxonomy import shipped

VENDOR = "Example Web Categories"
KEY = "the list of a made-up vendor, version 1"
"""Makes the order of the names; it is no secret."""

SITES = {"local_policy": 40, "must_allow": 80}
"""Sites of each category by tier, unless ``LARGER`` says otherwise."""
MOST = 240
"""Sites of each category of any other tier: the strictest shipped requirement needs 228."""

LARGER = {
    "PORN": 1200,
    "ALW.CHILD": 400,
    "ALW.CURR": 1000,
    "ALW.EDU": 1000,
    "ALW.HEALTH": 500,
    "ALW.LGBT": 500,
    "ALW.SEXED": 500,
    "ALW.SUPPORT": 500,
}
"""Categories of which the strictest shipped requirement needs more."""

_ILLEGAL, _CONTROL = "illegal", "control"
_NO_CONTENT = frozenset({"LOC", "ALW"})
"""Roots that have no sites of their own."""


@functools.cache
def vendor_list() -> Mapping[str, str]:
    """The category of each host, in the order of the names."""
    sizes = {
        category.code: LARGER.get(category.code, SITES.get(category.tier, MOST))
        for category in shipped()
        if category.tier not in (_ILLEGAL, _CONTROL) and category.code not in _NO_CONTENT
    }
    hosts = iter(neutral_hosts(KEY, sum(sizes.values())))
    labelled = {next(hosts): code for code, size in sizes.items() for _ in range(size)}
    return dict(sorted(labelled.items()))


def write_vendor_list(path: Path) -> Path:
    """Write the list as a table ``domain,canonical_code``, which format ``labelled`` reads."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("domain", "canonical_code"))
        writer.writerows(_rows())
    return path


def _rows() -> Iterator[tuple[str, str]]:
    return iter(vendor_list().items())
