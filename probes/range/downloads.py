"""The service ``download`` of an origin: files in containers, by the transport of their case.

A harmful file is the anti-malware test string; a harmless one holds the words of its host, which
only this origin knows, so that a client recognises it. Files do not depend on the request, so
that they are the same on every line.
"""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable
from dataclasses import replace
from mimetypes import guess_type
from typing import TYPE_CHECKING

import brotli
import zstandard

from harness.model.file_case import FileCase, Transport, file_case
from harness.model.marker import words_for
from probes.net.file_contents import eicar
from probes.range.file_containers import in_container
from probes.range.origin_pages import ORDINARY_TEXT, Page, document

if TYPE_CHECKING:
    from probes.range.origin_services import ServiceRequest

HARMFUL = "harmful"
"""The label of the content of a host that serves the test string."""
CHANGED = "changed"
"""The label of the content of a host whose harmless file holds the test string in a changed form,
which nobody is to recognise: a negative control."""
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
    transport = case.transport
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
        return _coded(page, transport.coding, request.headers.get("accept-encoding", ""))
    return _partial(page, request.headers.get("range", "")) if page.status == 200 else page  # noqa: PLR2004


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


def _coded(page: Page, coding: str, accepts: str) -> Page:
    """Send a file in a content coding, if the client offers it (RFC 9110 section 12.5.3)."""
    if coding not in {part.partition(";")[0].strip().lower() for part in accepts.split(",")}:
        return page
    coders: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda body: zlib.compress(body, wbits=zlib.MAX_WBITS | 16),
        "deflate": zlib.compress,
        "br": lambda body: bytes(brotli.compress(body, quality=5)),
        "zstd": zstandard.compress,
    }
    headers = (*page.headers, ("Content-Encoding", coding))
    return replace(page, body=coders[coding](page.body), headers=headers)


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
