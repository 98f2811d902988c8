"""Write the pack of content pages, and the agreed image, into the folder of an origin or range."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from corpora.content_pages import ContentPages, content_pages, on_hosts, write_content_pages
from probes.range.image_card import AGREED, image_card

CONTENT_PAGES, AGREED_IMAGE = "content-pages", "agreed-image.png"


def write_content_pack(
    folder: Path, seed: str, host_of: Callable[[str], str] | None = None
) -> ContentPages:
    """Write the pack and the image in place of earlier ones; return the pages.

    ``host_of`` gives the host of the origin for a host of the range. Raises OSError.
    """
    pages = content_pages(seed)
    if host_of is not None:
        pages = on_hosts(pages, host_of)
    shutil.rmtree(folder / CONTENT_PAGES, ignore_errors=True)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    write_content_pages(pages, folder / CONTENT_PAGES, seed, created)
    (folder / AGREED_IMAGE).write_bytes(image_card(AGREED))
    return pages
