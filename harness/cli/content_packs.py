"""Write an origin's own packs, and the agreed image, into the folder of an origin or range."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path

from corpora.illegal_pages import ILLEGAL_PACK, with_addresses
from corpora.origin_pack import OriginPages, on_hosts, write_origin_pack
from corpora.origin_packs import ORIGIN_PACKS, all_pages, joined
from probes.range.image_card import AGREED, image_card

PACK_NAMES = tuple(pack.name for pack in ORIGIN_PACKS)
AGREED_IMAGE = "agreed-image.png"


def write_content_packs(
    folder: Path,
    seed: str,
    host_of: Callable[[str], str] | None = None,
    addresses_of: Callable[[str], Collection[str]] | None = None,
) -> OriginPages:
    """Write the packs and the image in place of earlier ones; return the pages of all.

    ``host_of`` gives the host of the origin for a host of the range, ``addresses_of`` the IP
    addresses of a host of the origin. Raises OSError.
    """
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pages = all_pages(seed)
    for pack in ORIGIN_PACKS:
        if host_of is not None:
            pages[pack.name] = on_hosts(pages[pack.name], host_of)
        if pack is ILLEGAL_PACK and addresses_of is not None:
            pages[pack.name] = with_addresses(pages[pack.name], addresses_of)
        shutil.rmtree(folder / pack.name, ignore_errors=True)
        write_origin_pack(pack, pages[pack.name], folder / pack.name, seed, created)
    (folder / AGREED_IMAGE).write_bytes(image_card(AGREED))
    return joined(pages.values())
