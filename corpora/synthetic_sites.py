"""Synthetic sites: neutral host names, a made-up vendor's list, and pages with content.

Names of hidden items must not reveal what is expected of them, so ``neutral_hosts`` makes them of
two everyday words, in the order of a keyed hash (BLAKE2b, RFC 7693), which cannot be predicted
without the key. ``vendor_list`` labels such names for tests and the demo. ``content_pages`` makes
pages of each category, with benign twins, for an origin.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path

from corpora.pack_reader import Pack, open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.taxonomy import shipped, twin_of
from harness.model.corpus import TWIN
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
    pairs = product(_FIRST.split(), _SECOND.split())
    hosts = (f"{first}-{second}.{ZONE}" for first, second in pairs)
    free = sorted((host for host in hosts if host not in excluded), key=ordering(key))
    if len(free) < count:
        msg = f"{count} neutral names are needed, but only {len(free)} are left"
        raise ValueError(msg)
    return tuple(free[:count])


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


def write_vendor_list(path: Path) -> Path:
    """Write the list as a table ``domain,canonical_code``, which format ``labelled`` reads."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("domain", "canonical_code"))
        writer.writerows(vendor_list().items())
    return path


CATEGORIES = (
    "PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "HARM", "GAMB", "MALW.HACK",
)  # fmt: skip
"""The default categories of content pages: those that the schemes name."""

PAGES = 60
"""Pages of each category; there are as many benign twins."""

_FILLERS = (
    "The garden centre opens at nine; seeds, pots and tools are in the first hall.",
    "The museum of clocks is closed on Mondays, and the café beside it is not.",
    "Bus number seven leaves from the market square every twenty minutes.",
    "The choir rehearses on Thursdays in the old library; new voices are welcome.",
    "Our boats are painted each spring, before the lake is warm enough for swimmers.",
    "The baker on the corner sells rolls with sunflower seeds until they are gone.",
    "Take the path along the river, and turn left at the second wooden bridge.",
    "The summer fair needs helpers for the tombola and for the cake table.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPages:
    """Pages of an origin: the category code of the marker and the text by host, and pack rows."""

    codes: dict[str, str]
    texts: dict[str, str]
    rows: tuple[dict[str, str], ...]


def content_pages(
    seed: str, categories: Collection[str] = CATEGORIES, pages: int = PAGES
) -> ContentPages:
    """Make ``pages`` pages of each category and their must-allow twins from ``seed``."""
    hosts = iter(neutral_hosts(seed, 2 * pages * len(categories), excluded=vendor_list()))
    harmless = cycle(open_pack("overblock").notes().values())  # words that mislead crude filters
    codes: dict[str, str] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    number = 0
    for code in categories:
        for _ in range(pages):
            number += 1
            host, twin_host = next(hosts), next(hosts)
            codes[host], texts[host] = code, _filler(number)
            texts[twin_host] = next(harmless)
            pair = f"content-{number:04}"
            rows.append(_row(pair, host, code, code, pair))
            rows.append(_row(f"{pair}-twin", twin_host, twin_of(code), f"{TWIN}{code}", pair))
    return ContentPages(codes=codes, texts=texts, rows=tuple(rows))


def on_hosts(pages: ContentPages, host_of: Callable[[str], str]) -> ContentPages:
    """Return the same pages on other hosts; ``host_of`` gives the new host of each."""
    hosts = {host: host_of(host) for host in pages.texts}
    return ContentPages(
        codes={hosts[host]: code for host, code in pages.codes.items()},
        texts={hosts[host]: text for host, text in pages.texts.items()},
        rows=tuple(
            row | {"value": hosts[row["value"]], "registrable": hosts[row["value"]]}
            for row in pages.rows
        ),
    )


def write_content_pages(pages: ContentPages, out: Path, seed: str, created: str) -> Pack:
    """Write the pack of these pages, for assessors only; ``created`` is an RFC 3339 time."""
    details = PackDetails(
        name="content-pages",
        version="1.0.0",
        title="Content pages on hosts that nobody was told of",
        created=created,
        sources=({"title": "own work of the project", "x-licence": "CC0-1.0"},),
        frame="pages made for one origin",
        design="stratified",
        seed=seed,
        kind="content",
        audience="assessor",
    )
    write_pack(out, pages.rows, details)
    return open_pack(str(out))


def _row(identity: str, host: str, label: str, stratum: str, pair: str) -> dict[str, str]:
    return {
        "id": identity,
        "value": host,
        "kind": "host",
        "registrable": host,
        "labels": label,
        "applies_to": "content",
        "pair_id": pair,
        "stratum": stratum,
        "sensitivity": "S0",
    }


def _filler(number: int) -> str:
    """Three filler sentences, chosen by the number."""
    size = len(_FILLERS)
    order = (number, number // size + 1, number // size**2 + 3)
    chosen = dict.fromkeys(_FILLERS[(index * step) % size] for step, index in enumerate(order, 1))
    return f"Notice {number}. " + " ".join(chosen)
