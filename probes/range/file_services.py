"""The services ``download`` and ``sink`` of an origin: files to fetch, and a sink for uploads.

Files are in containers, by the transport of their case. A harmful file is the anti-malware test
string; a harmless one holds the words of its host, which only this origin knows, so that a client
recognises it. Files do not depend on the request, so that they are the same on every line.

The sink answers with words that only this origin can make, from its key, the host, the attempt and
the SHA-256 of what arrived. So a client knows that the whole upload arrived, and no filter can say
so in the origin's place. What arrived is kept nowhere; the log has its size and digest.
"""

from __future__ import annotations

import html
from dataclasses import replace
from mimetypes import guess_type
from typing import TYPE_CHECKING

from harness.model.file_case import FIRST_FILE, FileCase, Transport, file_case
from harness.model.marker import path_words_for, words_for
from harness.model.upload_case import MESSAGE, UPLOAD, digest_of_upload, receipt_path
from probes.net.file_contents import eicar
from probes.range.file_containers import in_container
from probes.range.origin_pages import ORDINARY_TEXT, Page, document, websocket_page
from probes.range.page_forms import is_acceptable, shaped

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.origin_services import ServiceRequest

HARMFUL = "harmful"
"""The label of the content of a host that serves the test string."""
CHANGED = "changed"
"""The label of the content of a host whose harmless file holds the test string in a changed form,
which no filter should recognise: a negative control."""
FOLDER = "/files/"
"""The folder of the files; what is elsewhere leads to them."""
_USUAL = "application/octet-stream"


def harmless_file(key: bytes, host: str) -> bytes:
    """Return the harmless file of a host: the same for every request, with the host's words."""
    words = " ".join(words_for(key, host, "", "host"))
    return (
        f"The garden centre opens at nine. Today's seed mixtures: {words}. Seeds, pots and tools "
        "are in the first hall; the plants that like shade stand by the north wall.\r\n"
    ).encode()


def download(asked: ServiceRequest) -> Page:
    """Answer a request to a host of downloads: with its file, or with what leads to it."""
    case = file_case(asked.content.case)
    if case is None or case.transport is None or not case.layers:
        return Page(status=404, body=document("Not found", "There is no such file."))
    if case.transport.connection:
        return _on_connection(case, case.transport, asked)
    return _answered(case, case.transport, asked)


def _answered(case: FileCase, transport: Transport, asked: ServiceRequest) -> Page:
    """Answer one request on its own connection."""
    request, receipt = asked.request, asked.receipt
    path = request.path.partition("?")[0]
    if transport.page and not path.startswith(FOLDER):
        return _leading(transport, f"{FOLDER}{path.rpartition('/')[2]}", receipt)
    if transport.method == "POST" and request.method not in ("POST", "HEAD"):
        form = b'<form method="post"><button>Download</button></form></body>'
        body = document("Letter", ORDINARY_TEXT).replace(b"</body>", form)
        return Page(status=200, body=body, headers=receipt)
    page = _file_page(case, transport, asked)
    if transport.coding:
        accepts = request.headers.get("accept-encoding", "")
        is_offered = is_acceptable(transport.coding, accepts)  # RFC 9110 section 12.5.3
        return shaped(page, "", transport.coding) if is_offered else page
    return _partial(page, request.headers.get("range", "")) if page.status == 200 else page  # noqa: PLR2004


def _on_connection(case: FileCase, transport: Transport, asked: ServiceRequest) -> Page:
    """Answer with the file as a message of a WebSocket, or as the answer after a clean file."""
    if transport.connection == "websocket":
        return websocket_page(asked.request.websocket_key, asked.receipt, _file(case, asked))
    if asked.request.path != FIRST_FILE:
        return _file_page(case, transport, asked)
    clean = harmless_file(asked.pages.key, asked.pages.names.original_host(asked.host))
    kind = "text/plain"
    return Page(status=200, body=clean, headers=asked.receipt, content_type=kind, keeps=True)


def _file_page(case: FileCase, transport: Transport, asked: ServiceRequest) -> Page:
    kind = guess_type(asked.request.path.partition("?")[0])[0] or _USUAL
    return Page(
        status=transport.status,
        body=_file(case, asked),
        headers=(*asked.receipt, ("Accept-Ranges", "bytes")),
        content_type=kind if transport.content_type is None else transport.content_type,
        chunk=transport.chunk,
    )


def _file(case: FileCase, asked: ServiceRequest) -> bytes:
    label = asked.content.label
    if label == HARMFUL:
        return in_container(eicar(), case.layers)
    harmless = harmless_file(asked.pages.key, asked.pages.names.original_host(asked.host))
    if label == CHANGED:
        return in_container(eicar(), case.layers) + b"\r\n" + harmless
    return in_container(harmless, case.layers)


def _leading(transport: Transport, file: str, receipt: tuple[tuple[str, str], ...]) -> Page:
    if transport.page == "redirect":
        body = document("Shared file", "The file is ready.")
        return Page(status=302, body=body, headers=(("Location", file), *receipt))
    forward = f'<meta http-equiv="refresh" content="0; url={html.escape(file)}">'
    body = document("Your download", "Your download starts in a moment.")
    return Page(
        status=200, body=body.replace(b"</head>", forward.encode() + b"</head>"), headers=receipt
    )


def _partial(page: Page, asked: str) -> Page:
    """Send one byte range of a file, if one is asked for (RFC 9110 section 14)."""
    first, dash, last = asked.removeprefix("bytes=").partition("-")
    if not asked.startswith("bytes=") or not dash or not first.isdecimal():
        return page
    size = len(page.body)
    start, end = int(first), min(int(last) if last.isdecimal() else size, size - 1)
    if start > end:
        return replace(page, status=416, body=b"", headers=(("Content-Range", f"bytes */{size}"),))
    headers = (*page.headers, ("Content-Range", f"bytes {start}-{end}/{size}"))
    return replace(page, status=206, body=page.body[start : end + 1], headers=headers)


RECEIVED_HEADER = "X-Received"
"""The header of the answer that gives size and digest of an upload."""


def sink(asked: ServiceRequest) -> Page:
    """Take an upload; answer with the words that show what arrived.

    An upload by a WebSocket is its first message.
    """
    request = asked.request
    if request.method == "PROPFIND":
        return Page(
            status=207,
            body=_PROPERTIES,
            headers=asked.receipt,
            content_type="application/xml; charset=utf-8",
        )
    if request.websocket_key or asked.content.case.startswith(f"{UPLOAD}websocket"):
        return websocket_page(
            request.websocket_key,
            asked.receipt,
            reply=lambda sent: _arrived(asked, replace(request, method=MESSAGE, body=sent)),
        )
    return _arrived(asked, request)


def _arrived(asked: ServiceRequest, request: Request) -> Page:
    """Answer a request, or a message of a WebSocket, with what arrived in it."""
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
