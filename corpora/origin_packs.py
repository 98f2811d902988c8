"""All packs that an origin writes, in the order in which their hosts are chosen."""

from __future__ import annotations

from collections.abc import Iterable

from corpora.content_pages import CONTENT_PACK
from corpora.downloads import DOWNLOAD_PACK
from corpora.origin_pack import OriginPack, OriginPages
from corpora.uploads import UPLOAD_PACK

ORIGIN_PACKS: tuple[OriginPack, ...] = (CONTENT_PACK, DOWNLOAD_PACK, UPLOAD_PACK)


def all_pages(seed: str) -> dict[str, OriginPages]:
    """Return the pages of each pack by its name; no two packs share a host."""
    pages: dict[str, OriginPages] = {}
    taken: set[str] = set()
    for pack in ORIGIN_PACKS:
        own_seed = seed if pack is CONTENT_PACK else f"{seed}/{pack.name}"
        pages[pack.name] = pack.make(own_seed, frozenset(taken))
        taken.update(pages[pack.name].texts)
    return pages


def joined(several: Iterable[OriginPages]) -> OriginPages:
    """Return the pages of several packs together."""
    each = tuple(several)
    return OriginPages(
        contents={host: content for one in each for host, content in one.contents.items()},
        texts={host: text for one in each for host, text in one.texts.items()},
        rows=tuple(row for one in each for row in one.rows),
    )
