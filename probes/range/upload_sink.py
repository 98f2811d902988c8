"""The service ``sink`` of an origin: takes uploads, and says what arrived.

The answer holds words that only this origin can make, from its key, the host, the attempt and the
SHA-256 of what arrived. So a client knows that the whole upload arrived, and no filter can say so
in the origin's place. What arrived is kept nowhere; the log has its size and digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.marker import path_words_for
from harness.model.upload_case import digest_of_upload, receipt_path
from probes.range.origin_pages import ORDINARY_TEXT, Page, document

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.origin_services import ServiceRequest

RECEIVED_HEADER = "X-Received"
"""The header of the answer that gives size and digest of an upload."""


def sink(asked: ServiceRequest) -> Page:
    """Take an upload; answer with the words that show what arrived."""
    request = asked.request
    if request.method == "PROPFIND":
        return Page(
            status=207,
            body=_PROPERTIES,
            headers=asked.receipt,
            content_type="application/xml; charset=utf-8",
        )
    digest = _digest(request)
    words = path_words_for(asked.pages.key, asked.host, receipt_path(asked.nonce, digest))
    size = len(request.body)
    arrived = f"{size} bytes arrived: {' '.join(words)}. {ORDINARY_TEXT}"
    page = document("Thank you", arrived)
    headers = (*asked.receipt, (RECEIVED_HEADER, f"{size} bytes, sha256 {digest}"))
    return Page(status=200, body=page, headers=headers)


def _digest(request: Request) -> str:
    note = request.headers.get("x-note", "")
    return digest_of_upload(request.method, request.path, note, request.body)


_PROPERTIES = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<multistatus xmlns="DAV:"><response><href>/inbox/'
    b"</href><propstat><prop><resourcetype><collection/></resourcetype></prop>"
    b"<status>HTTP/1.1 200 OK</status></propstat></response></multistatus>\n"
)
"""The properties of a WebDAV folder (RFC 4918 section 9.1)."""
