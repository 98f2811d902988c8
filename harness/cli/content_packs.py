"""Write an origin's own packs, and what suppliers are told, into the folder of an origin or range.

Suppliers are told the agreed image, the locks of the origin's search engines, and the agreed terms.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from corpora.changing_pages import NAME as CHANGING
from corpora.changing_pages import events_text
from corpora.illegal_pages import ILLEGAL_PACK, with_addresses
from corpora.new_sites import NAME as NEW_SITES
from corpora.new_sites import new_sites_text
from corpora.origin_pack import OriginPages, joined, on_hosts, write_origin_pack
from corpora.origin_packs import ORIGIN_PACKS, all_pages
from corpora.resolver_names import RESOLVER_PACK, names_to_block
from corpora.search_pages import supplier_lists
from probes.range.image_card import AGREED, image_card

PACK_NAMES = tuple(pack.name for pack in ORIGIN_PACKS)
AGREED_IMAGE, CHANGES = "agreed-image.png", "changes.yaml"
NEW_SITES_FILE = "new-sites.yaml"
SEARCH_FILES = ("search-engines.csv", "search-terms.csv")
NAMES_TO_BLOCK = "names-to-block.csv"
SUPPLIER_FILES = (AGREED_IMAGE, *SEARCH_FILES, NAMES_TO_BLOCK)
"""What suppliers are given, beside the packs that they must not know."""


def write_content_packs(
    folder: Path,
    seed: str,
    host_of: Callable[[str], str] | None = None,
    addresses_of: Callable[[str], Collection[str]] | None = None,
    changes_at: datetime | None = None,
    plain_host: Callable[[str], str] = lambda _: "",
) -> OriginPages:
    """Write the packs and the lists in place of earlier ones; return the pages of all.

    ``host_of`` gives the host of the origin for a host of the range, ``addresses_of`` the IP
    addresses of a host of the origin, ``plain_host`` the name of its plain twin. With
    ``changes_at`` the files of events of the pages that change then, and of the new sites, are
    written too. Raises OSError.
    """
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pages = all_pages(seed)
    if host_of is not None:
        pages = {name: on_hosts(each, host_of) for name, each in pages.items()}
    for pack in ORIGIN_PACKS:
        if pack is ILLEGAL_PACK and addresses_of is not None:
            pages[pack.name] = with_addresses(pages[pack.name], addresses_of)
        shutil.rmtree(folder / pack.name, ignore_errors=True)
        write_origin_pack(pack, pages[pack.name], folder / pack.name, seed, created)
    for name in (CHANGES, NEW_SITES_FILE):
        (folder / name).unlink(missing_ok=True)
    if changes_at is not None:
        (folder / CHANGES).write_text(events_text(pages[CHANGING], changes_at), encoding="utf-8")
        sites = new_sites_text(pages[NEW_SITES], changes_at, plain_host)
        (folder / NEW_SITES_FILE).write_text(sites, encoding="utf-8")
    (folder / AGREED_IMAGE).write_bytes(image_card(AGREED))
    names = names_to_block(pages[RESOLVER_PACK.name])
    (folder / NAMES_TO_BLOCK).write_text(names, encoding="utf-8")
    every = joined(pages.values())
    for name, table in supplier_lists(every).tables().items():
        (folder / name).write_text(table, encoding="utf-8")
    return every
