"""Tries an item as a pupil's browser would: no mark, and the site's icon after the page."""

from __future__ import annotations

from urllib.parse import urljoin

from harness.model.observation import WebFacts
from harness.ports.network import Attempt, Line, Probe, Request, Sighting
from probes.net.browser import can_browse
from probes.net.browser_profiles import Headers, profile_for

ICON = "/favicon.ico"
IMAGES = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"

IMAGE_HEADERS = {
    "accept": IMAGES,
    "sec-fetch-dest": "image",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-site": "same-origin",
}
"""How a browser's request for an image differs from that for the page (Fetch Metadata)."""

PAGE_ONLY_HEADERS = frozenset({"sec-fetch-user", "upgrade-insecure-requests", "priority"})
"""What a browser sends for a page alone."""


class Pupil:
    """Visits items over the lines that ``line_for`` gives."""

    def line_for(self, line: Line, source: str) -> Line | None:
        """The line as a pupil's browser uses it, or None where it cannot be used so."""
        as_pupil = getattr(line, "as_pupil", None)
        if as_pupil is None or not can_browse():
            return None
        found: Line = as_pupil(source)
        return found

    async def visit(self, attempt: Attempt, probe: Probe, line: Line) -> Sighting:
        """What the probe sees; the icon is fetched when a page has come, and not looked at."""
        sighting = await probe.try_item(attempt, line)
        page = sighting.facts
        if isinstance(page, WebFacts) and page.status is not None and sighting.failure is None:
            await line.fetch(icon_request(page.url, attempt))
        return sighting


def icon_request(page: str, attempt: Attempt) -> Request:
    """The request for the icon of the site whose page has come."""
    sent = profile_for(attempt.browser).headers(page.partition(":")[0])
    return Request(
        url=urljoin(page, ICON),
        headers=_image_headers(sent.direct, page),
        proxied_headers=_image_headers(sent.proxied, page),
        tunnel_headers=sent.tunnel,
        timeout=attempt.timeout,
        body_bytes=attempt.limits.body_bytes,
    )


def _image_headers(headers: Headers, page: str) -> Headers:
    kept = [(name, value) for name, value in headers if name.lower() not in PAGE_ONLY_HEADERS]
    changed = [(name, IMAGE_HEADERS.get(name.lower(), value)) for name, value in kept]
    return (*changed, ("Referer", page))
