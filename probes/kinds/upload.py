"""The probe ``upload``: send something to a host of the origin that takes uploads.

What is sent follows from the case in the item's stratum. It arrived if the origin's answer says so,
in words that depend on the attempt and on the SHA-256 of what was sent. The anti-malware test file
is joined in memory, and nothing that was sent is recorded but its length and digest.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar
from urllib.parse import quote

from msgspec.structs import replace

from harness.errors import require_library
from harness.model.content_form import variant_of
from harness.model.corpus import Item
from harness.model.facts import FileSighting, WebFacts
from harness.model.probe import ProbeDeclaration
from harness.model.upload_case import (
    DOCUMENTS,
    LATE,
    LATE_TEST_FILE,
    MESSAGE,
    PHOTO,
    TEST_FILE,
    UploadCase,
    digest_of_upload,
    receipt_path,
    upload_case,
)
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Line, ProbeResult
from probes.kinds.web import OwnSchemeProbe, Visit
from probes.net.browser_profiles import Headers
from probes.net.cleaned_facts import body_holds_test_string, without_test_string
from probes.net.delivery import ExpectedMarks, PageMarks
from probes.net.dialled_exchange import FirstOverStream, by_websocket
from probes.net.file_contents import eicar, holds_test_string
from probes.net.html_text import PageReader
from probes.net.page_result import evidence_of, timings_of
from probes.net.redirects import RedirectChain
from probes.net.upload_documents import DOCUMENT_MAKERS, photo

WORDS = "The summer fair needs helpers for the tombola and for the cake table."
"""What is sent where a case names no content."""
BOUNDARY = "----formboundary7d4a6d158c9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is sent: method, headers and body; ``path`` is added to the address.

    ``arrives`` is the body without chunks, where it is sent in chunks.
    """

    method: str
    body: bytes = b""
    headers: Headers = ()
    path: str = ""
    arrives: bytes = b""


@PROBES.register("upload")
class Upload(OwnSchemeProbe):
    """Uploads to hosts of the origin by HTTP and HTTPS; other items are fetched as by ``web``."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(needs="fetch", facts="web")

    def fits(self, item: Item) -> bool:
        """Whether the item is an upload. Raises UsageError for one that needs an extra."""
        case = upload_case(variant_of(item.stratum))
        if case is not None and case.content.startswith(f"{DOCUMENTS['png']}: "):
            require_library("PIL", f"item {item.id!r}, a picture of a text,")
        return case is not None

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Upload over the line, once, in the way of the item's case."""
        case = upload_case(variant_of(attempt.item.stratum))
        if case is None:
            return await super().try_item(attempt, line)
        started = perf_counter()
        sending = sending_for(case)
        expected = ExpectedReceipt(attempt, line, sending, self.address(attempt.item))
        visit = UploadVisit(attempt, line, expected, self._pages, started + attempt.timeout)
        chain = await visit.send(self.address(attempt.item), sending, case)
        facts = visit.facts(chain)
        echoes = body_holds_test_string(chain.last)
        return ProbeResult(
            timings=timings_of(chain.exchanges, perf_counter() - started),
            facts=facts,
            failure=chain.failure and without_test_string(chain.failure),
            evidence=() if echoes or facts.file else evidence_of(attempt, chain.last, facts),
        )


class ExpectedReceipt(ExpectedMarks):
    """What shows that the upload of one attempt arrived: the origin's words about it."""

    def __init__(self, attempt: Attempt, line: Line, sending: Sending, url: str) -> None:
        super().__init__(attempt, line, attempt.item.host)
        path = "/" + url.partition("://")[2].partition("/")[2] + sending.path
        note = next((value for name, value in sending.headers if name == "X-Note"), "")
        self.digest = digest_of_upload(sending.method, path, note, sending.arrives or sending.body)
        self._nonce = attempt.marker.nonce if attempt.marker is not None else ""
        self._infected = holds_test_string(sending.arrives or sending.body)

    def sighting(self, body: bytes) -> FileSighting:
        """Return what the origin says that arrived; empty if it does not say it."""
        path = receipt_path(self._nonce, self.digest)
        words = self._origin.path_words(self._home, path) if self._origin is not None else ()
        if not words or not self._nonce or not all(word.encode() in body for word in words):
            return ""
        return "test string" if self._infected else "received"

    def marks_in(self, host: str, exchange: Exchange) -> PageMarks:
        """Return whether a response says that the upload arrived."""
        del host
        return PageMarks(token=bool(self.sighting(exchange.body)))


class UploadVisit(Visit):
    """Makes the upload of one attempt and derives its facts."""

    def __init__(
        self,
        attempt: Attempt,
        line: Line,
        expected: ExpectedReceipt,
        pages: PageReader,
        deadline: float,
    ) -> None:
        super().__init__(attempt, line, expected, pages, deadline)
        self._receipt = expected

    async def send(self, url: str, sending: Sending, case: UploadCase) -> RedirectChain:
        """Send an upload; by WebDAV after asking for the folder (RFC 4918 section 9.1).

        Whatever is answered to that question, the upload decides: a client need not ask.
        """
        home = self._attempt.item.host
        if case.way == "webdav":
            await self.follow(url, home, "PROPFIND", b"", (("Depth", "0"),))
        address = url + sending.path
        if case.way == "websocket":
            over = FirstOverStream(self._line, by_websocket(sending.body))
            return await self.follow(address, home, over=over)
        return await self.follow(address, home, sending.method, sending.body, sending.headers)

    def facts(self, chain: RedirectChain) -> WebFacts:
        """Return a chain's facts; digest and text are those of what was sent, if it arrived.

        A page that repeats what was sent is recorded without it.
        """
        facts = super().facts(chain)
        found = self._receipt.sighting(chain.last.body)
        if found:
            digest = self._receipt.digest
            facts = replace(facts, file=found, body_sha256=digest, title="", text="", sketch=())
        cleaned = without_test_string(facts)
        return cleaned if cleaned.text == facts.text else replace(cleaned, sketch=())


Maker = Callable[[bytes], Sending]


def sending_for(case: UploadCase) -> Sending:
    """Return what is sent for a case."""
    if case.content == LATE_TEST_FILE:
        return _multipart(bytes(LATE), eicar())
    content = _content(case.content)
    return _MAKERS[case.way](content)


def _content(words: str) -> bytes:
    if words == TEST_FILE:
        return eicar()
    name, _, text = words.partition(": ")
    if name in DOCUMENT_MAKERS and text:
        return DOCUMENT_MAKERS[name](text)
    return photo() if words == PHOTO else (words or WORDS).encode()


def _form(content: bytes) -> Sending:
    body = b"message=" + quote(content).encode()
    return Sending(
        method="POST", body=body, headers=(("Content-Type", "application/x-www-form-urlencoded"),)
    )


def _multipart(*files: bytes) -> Sending:
    """A form with files (RFC 7578)."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="letter.dat"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = b"".join(head.encode() + file + b"\r\n" for file in files)
    body += f"--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return Sending(method="POST", body=body, headers=(("Content-Type", kind),))


def _raw(method: str, path: str = "", more: Headers = ()) -> Maker:
    kind = ("Content-Type", "application/octet-stream")
    return lambda content: Sending(method=method, body=content, headers=(kind, *more), path=path)


def _json(name: str) -> Maker:
    kind = (("Content-Type", "application/json"),)

    def made(content: bytes) -> Sending:
        is_text = name == "message"
        value = content.decode("latin-1") if is_text else base64.b64encode(content).decode()
        return Sending(method="POST", body=json.dumps({name: value}).encode(), headers=kind)

    return made


def _chunked(content: bytes) -> Sending:
    pieces = (content[start : start + 7] for start in range(0, len(content), 7))
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    headers = (
        ("Content-Type", "application/octet-stream"),
        ("Transfer-Encoding", "chunked"),
    )
    return Sending(method="POST", body=body, headers=headers, arrives=content)


def _gzip(content: bytes) -> Sending:
    kind = (("Content-Type", "application/octet-stream"), ("Content-Encoding", "gzip"))
    return Sending(method="POST", body=gzip.compress(content, mtime=0), headers=kind)


_MAKERS: dict[str, Maker] = {
    "form": _form,
    "multipart": _multipart,
    "put": _raw("PUT", "letter.dat"),
    "webdav": _raw("PUT", "letter.dat", (("Overwrite", "T"),)),
    "chat": _json("attachment"),
    "json": _json("message"),
    "post": _raw("POST"),
    "patch": _raw("PATCH", "letter.dat"),
    "chunked": _chunked,
    "gzip": _gzip,
    "websocket": lambda content: Sending(method=MESSAGE, body=content),
    "query": lambda content: Sending(method="GET", path=f"?message={quote(content)}"),
    "header": lambda content: Sending(method="GET", headers=(("X-Note", quote(content)),)),
}
"""How something is sent, by the way of a case."""
