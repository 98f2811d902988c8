"""Synthetic sites: neutral host names, and a made-up vendor's list.

Names of hidden items must not reveal what is expected of them, so ``neutral_hosts`` makes them of
two everyday words, in the order of a keyed hash (BLAKE2b, RFC 7693), which cannot be predicted
without the key. ``vendor_list`` labels such names for tests and the demo.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Collection, Iterable, Mapping
from itertools import product
from pathlib import Path

from corpora.taxonomy import shipped
from harness.model.sampler import ordering

ZONE = "sites.accredit.test"
"""The zone of the names: a declared private suffix, so each name counts as a site of its own."""

_FIRST = """
amber ample autumn azure basalt birch bold breezy brisk bronze calm cedar chalk cobalt copper
coral cosy crisp crystal curious dapple deft denim distant double early eastern elder elm even
fabric farther far fern fine first flint floral fluent forest fresh frosty gentle gilded glad glass
golden grand granite green hazel heather hollow honest humble indigo ivory ivy jade jolly keen
kind large late laurel lemon level light lilac linen little lively long low lucky lunar maple
marble mellow mild mint misty modern mossy neat noble northern oaken olive opal open orange orchid
patient pearl pine plain pleasant polar proud quartz quick quiet rapid ready rosy round royal ruby
rustic sandy satin scarlet second serene shady sharp silent silver simple slate smooth snowy solar
southern spare spruce steady still sunny swift tall tawny tidy timber topaz upper urban velvet
warm wide willow windy woven
"""

_SECOND = """
acorn anchor apple arch atlas avenue badge balcony banner barn basin basket bay beacon bench bell
bicycle blanket boat book bower bridge brook bucket button cabin candle canoe canyon carpet
cart castle cellar chair chapel cliff clock cloud coast comet compass corner cottage creek cup
curtain dale dawn desk dock door drum dune easel engine feather fence ferry field finch fjord flag
flute fountain gable garden gate glade glove grove hall harbour hedge hill horizon house
island jetty kettle kite ladder lagoon lake lamp lantern lark leaf ledge library lighthouse loom
map market marsh meadow mill mirror moor museum nest oar oasis orchard paddle parcel
parlour path pebble pencil picnic pier plaza pond porch prairie quay quilt raft ribbon ridge
river road saddle sail scarf shelf shell shore signal spoon spring square stair station stool
stream table thimble tower trail tram tunnel valley vase village wagon walk wharf wheel window yard
"""


def neutral_hosts(key: str, count: int, excluded: Collection[str] = ()) -> tuple[str, ...]:
    """The first ``count`` hosts in the order of the key, without those ``excluded``.

    Raises ValueError if there are fewer.
    """
    return _first(_hosts(), key, count, excluded)


def _first(
    hosts: Iterable[str], key: str, count: int, excluded: Collection[str]
) -> tuple[str, ...]:
    free = sorted((host for host in hosts if host not in excluded), key=ordering(key))
    if len(free) < count:
        msg = f"{count} neutral names are needed, but only {len(free)} are left"
        raise ValueError(msg)
    return tuple(free[:count])


@functools.cache
def _hosts() -> tuple[str, ...]:
    pairs = product(_FIRST.split(), _SECOND.split())
    return tuple(f"{first}-{second}.{ZONE}" for first, second in pairs)


KEY = "the list of a made-up vendor, version 1"
"""The key of the order of names; it is not secret."""

SITES = {"local_policy": 40, "must_allow": 80}
"""Sites of each category by tier, unless ``LARGER`` says otherwise."""
MOST = 240
"""Sites of each category of the other tiers; the strictest shipped requirement needs 228."""

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
"""Categories for which the strictest shipped requirement needs more sites."""

_ILLEGAL, _CONTROL = "illegal", "control"
_NO_CONTENT = frozenset({"LOC", "ALW"})
"""Root categories without sites of their own."""


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


def unlisted_hosts(key: str, count: int, taken: Collection[str] = ()) -> tuple[str, ...]:
    """Like ``neutral_hosts``, without the hosts of the vendor's list and those ``taken``."""
    return _first(_unlisted(), key, count, frozenset(taken))


@functools.cache
def _unlisted() -> tuple[str, ...]:
    listed = vendor_list()
    return tuple(host for host in _hosts() if host not in listed)


def write_vendor_list(path: Path) -> Path:
    """Write the list as a table ``domain,canonical_code``, which format ``labelled`` reads."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("domain", "canonical_code"))
        writer.writerows(vendor_list().items())
    return path
