"""The plain-twin client: fetches items as a pupil's browser would, without any mark of ours.

After a page it also requests the site's icon, as browsers do.
"""

from __future__ import annotations

from urllib.parse import urljoin

from harness.model.facts import WebFacts
from harness.ports.network import Attempt, Line, Probe, ProbeResult, Request
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
"""Headers of a browser's image request that differ from its page request (Fetch Metadata)."""

PAGE_ONLY_HEADERS = frozenset({"sec-fetch-user", "upgrade-insecure-requests", "priority"})
"""Headers that a browser sends for a page only."""


class Pupil:
    """Visits items over lines from ``line_for``."""

    def line_for(self, line: Line, source: str) -> Line | None:
        """Return the line as a pupil's browser uses it, or None if that is not possible."""
        as_pupil = getattr(line, "as_pupil", None)
        if as_pupil is None or not can_browse():
            return None
        pupil_line: Line = as_pupil(source)
        return pupil_line

    async def visit(self, attempt: Attempt, probe: Probe, line: Line) -> ProbeResult:
        """Run the probe; after a page fetch the icon and ignore its response."""
        sighting = await probe.try_item(attempt, line)
        page = sighting.facts
        if isinstance(page, WebFacts) and page.status is not None and sighting.failure is None:
            await line.fetch(icon_request(page.url, attempt))
        return sighting


def icon_request(page: str, attempt: Attempt) -> Request:
    """Return the request for the icon of a page's site."""
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
    image_headers = [
        (name, value) for name, value in headers if name.lower() not in PAGE_ONLY_HEADERS
    ]
    changed = [(name, IMAGE_HEADERS.get(name.lower(), value)) for name, value in image_headers]
    return (*changed, ("Referer", page))
