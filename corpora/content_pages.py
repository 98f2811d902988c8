"""Content items: harmless pages on hosts that nobody was told of, known by what they say.

A page of a category bears the agreed content marker (``ACCREDIT-MARKER-CODE-NONCE``), which a
supplier teaches to the analysis of its filter, and nothing else that needs filtering. Beside it
stands a page that must be let through: a sentence with words that trip a crude filter. Both are
on hosts whose names say nothing, drawn by a secret seed, so that only reading the page can tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from corpora.benign_neighbours import twin_of
from corpora.neutral_names import neutral_hosts
from corpora.pack_reader import Pack, open_pack
from corpora.pack_writer import PackDetails, write_pack
from corpora.vendor_list import vendor_list
from harness.model.corpus import TWIN

CATEGORIES = (
    "PORN", "ADLT", "VIOL", "DISC", "EXTR", "DRUG", "CRIM", "PIRA", "HARM", "GAMB", "MALW.HACK",
)  # fmt: skip
"""The categories of which there are pages, unless told: those that the schemes name."""

PAGES = 60
"""Pages of each category, and as many beside them that must be let through."""

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
    """What an origin shows where: ``codes`` by host where a marker stands, ``texts`` by host."""

    codes: dict[str, str]
    texts: dict[str, str]
    rows: tuple[dict[str, str], ...]


def content_pages(
    seed: str, categories: Collection[str] = CATEGORIES, pages: int = PAGES
) -> ContentPages:
    """The pages that ``seed`` makes: ``pages`` of each category, and their must-allow twins."""
    hosts = iter(neutral_hosts(seed, 2 * pages * len(categories), taken=vendor_list()))
    harmless = cycle(_harmless_texts())
    codes: dict[str, str] = {}
    texts: dict[str, str] = {}
    rows: list[dict[str, str]] = []
    number = 0
    for code in categories:
        for _ in range(pages):
            number += 1
            host, beside = next(hosts), next(hosts)
            codes[host], texts[host] = code, _filler(number)
            texts[beside] = next(harmless)
            pair = f"content-{number:04}"
            rows.append(_row(pair, host, code, code, pair))
            rows.append(_row(f"{pair}-twin", beside, twin_of(code), f"{TWIN}{code}", pair))
    return ContentPages(codes=codes, texts=texts, rows=tuple(rows))


def write_content_pages(pages: ContentPages, out: Path, seed: str, created: str) -> Pack:
    """Write the pack of these pages, for assessors alone; ``created`` is an RFC 3339 moment."""
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
    """Three sentences, another choice for each number."""
    size = len(_FILLERS)
    order = (number, number // size + 1, number // size**2 + 3)
    chosen = dict.fromkeys(_FILLERS[(place * step) % size] for step, place in enumerate(order, 1))
    return f"Notice {number}. " + " ".join(chosen)


def _harmless_texts() -> Iterator[str]:
    """Sentences about harmless things with words that trip a crude filter."""
    notes = open_pack("overblock").notes().values()
    return islice(notes, None)
