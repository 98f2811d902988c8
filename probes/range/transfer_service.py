"""Transfers of an origin: random content of the size that an address asks for, and uploads.

Only addresses that were made with the origin's key are answered so (``harness.model.transfer``);
all others show the page of their host.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.transfer import content_of, receipt_of, size_in
from probes.range.connection import Request
from probes.range.faults import Fault, FaultKind
from probes.range.origin_pages import Page, document

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".m4s": "video/mp4",
    ".zip": "application/zip",
}


def transfer_page(request: Request, key: bytes) -> Page | None:
    """Return the answer to a request of a transfer; None for all other requests."""
    path = request.path.partition("?")[0]
    size = size_in(key, path)
    if size is None:
        return None
    if request.method == "POST":
        whole = request.body == content_of(key, path, size)
        words = receipt_of(key, path, request.body) if whole else "this was not received whole"
        return Page(status=200 if whole else 400, body=document("Homework", words))
    ending = path[path.rfind(".") :] if "." in path else ""
    kind = _TYPES.get(ending, "application/octet-stream")
    return Page(status=200, body=content_of(key, path, size), content_type=kind)


def seconds_to_wait(page: Page, request: Request, faults: Iterable[Fault]) -> float:
    """Return how long a slow origin waits before it answers, for all bytes of request and answer.

    A slow origin is declared by faults of the service ``origin``: SLOW by its ``delay``,
    SPEED_DOWN and SPEED_UP by their ``rate``.
    """
    wait = 0.0
    for fault in faults:
        if fault.service != "origin":
            continue
        if fault.kind is FaultKind.SLOW:
            wait += fault.delay
        elif fault.kind is FaultKind.SPEED_DOWN:
            wait += len(page.body) / fault.rate
        elif fault.kind is FaultKind.SPEED_UP:
            wait += len(request.body) / fault.rate
    return wait
