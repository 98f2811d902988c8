"""Write an origin's own packs, and what suppliers are told, into the folder of an origin or range.

Suppliers are told the agreed image, the locks of the origin's search engines, and the agreed terms.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from corpora.origin_pack import OriginPages, on_hosts, write_origin_pack
from corpora.origin_packs import ORIGIN_PACKS, all_pages, joined
from corpora.search_pages import supplier_lists
from probes.range.image_card import AGREED, image_card

PACK_NAMES = tuple(pack.name for pack in ORIGIN_PACKS)
AGREED_IMAGE = "agreed-image.png"
SEARCH_FILES = ("search-engines.csv", "search-terms.csv")
SUPPLIER_FILES = (AGREED_IMAGE, *SEARCH_FILES)
"""What suppliers are given, beside the packs that they must not know."""


def write_content_packs(
    folder: Path, seed: str, host_of: Callable[[str], str] | None = None
) -> OriginPages:
    """Write the packs and the lists in place of earlier ones; return the pages of all.

    ``host_of`` gives the host of the origin for a host of the range. Raises OSError.
    """
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pages = all_pages(seed)
    for pack in ORIGIN_PACKS:
        if host_of is not None:
            pages[pack.name] = on_hosts(pages[pack.name], host_of)
        shutil.rmtree(folder / pack.name, ignore_errors=True)
        write_origin_pack(pack, pages[pack.name], folder / pack.name, seed, created)
    (folder / AGREED_IMAGE).write_bytes(image_card(AGREED))
    every = joined(pages.values())
    for name, table in supplier_lists(every).tables().items():
        (folder / name).write_text(table, encoding="utf-8")
    return every
