"""All packs that an origin writes, in the order in which their hosts are chosen."""

from __future__ import annotations

from corpora.changing_pages import NAME as CHANGING
from corpora.changing_pages import changing_pages
from corpora.content_pages import CONTENT_PACK
from corpora.downloads import DOWNLOAD_PACK
from corpora.illegal_pages import ILLEGAL_PACK
from corpora.new_sites import NAME as NEW_SITES
from corpora.new_sites import new_sites
from corpora.origin_pack import OriginPack, OriginPages, joined
from corpora.protocol_hosts import PROTOCOL_PACK
from corpora.resolver_names import RESOLVER_PACK
from corpora.search_names import NAMES_PACK
from corpora.search_pages import SEARCH_PACK
from corpora.uploads import UPLOAD_PACK
from corpora.url_pages import URL_PACK

ORIGIN_PACKS: tuple[OriginPack, ...] = (
    CONTENT_PACK,
    SEARCH_PACK,
    NAMES_PACK,
    ILLEGAL_PACK,
    URL_PACK,
    DOWNLOAD_PACK,
    UPLOAD_PACK,
    PROTOCOL_PACK,
    RESOLVER_PACK,
)


def all_pages(seed: str) -> dict[str, OriginPages]:
    """Return the pages of each pack by its name; no two packs share a host.

    The last are the pages whose content changes, and the new sites, which are no packs. Pages that
    later versions added to a pack have hosts that no other page had.
    """
    pages: dict[str, OriginPages] = {}
    taken: set[str] = set()
    for pack in ORIGIN_PACKS:
        own_seed = seed if pack is CONTENT_PACK else f"{seed}/{pack.name}"
        pages[pack.name] = pack.make(own_seed, frozenset(taken))
        taken.update(pages[pack.name].texts)
    pages[CHANGING] = changing_pages(f"{seed}/{CHANGING}", taken)
    taken.update(pages[CHANGING].texts)
    pages[NEW_SITES] = new_sites(f"{seed}/{NEW_SITES}", taken)
    taken.update(pages[NEW_SITES].texts)
    for pack in ORIGIN_PACKS:
        if pack.add is not None:
            added = pack.add(f"{seed}/{pack.name}/added", frozenset(taken))
            taken.update(added.texts)
            pages[pack.name] = joined((pages[pack.name], added))
    return pages
