"""The service ``redirect-chain`` of an origin: hosts whose pages lead step by step to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.range.origin_pages import Page, document

if TYPE_CHECKING:
    from probes.range.origin_services import ServiceRequest


def redirect_chain(asked: ServiceRequest) -> Page:
    """Redirect from ``/NAME/3`` to ``/NAME/2`` and so on; show a page at ``/NAME/0``.

    A redirect has no token: a client that got no further has not seen the page.
    """
    path = asked.request.path
    folder, _, step = path.rpartition("/")
    number = int(step) if step.isascii() and step.isdigit() and len(step) == 1 else 0
    if number == 0:
        return asked.pages.page(asked.host, path, asked.scheme, asked.nonce)
    location = f"{folder}/{number - 1}"
    return Page(
        status=302,
        body=document("Moved", f"The page is at {location}."),
        headers=(("Location", location), *asked.receipt),
    )
