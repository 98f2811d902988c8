"""Cases of uploads: a way of sending something to a site, and what is sent.

A case is named in the stratum of an item: ``CTRL/upload:multipart``, or with its content
``CTRL/upload:form: my number is ...``. Without a content, harmless words are sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

UPLOAD = "upload:"
"""What precedes the name of a case of uploads in a stratum."""

TEST_FILE = "test file"
"""The content that is the anti-malware test file."""
LATE_TEST_FILE = "test file after a large picture"
"""The content that is the test file as the second file of a form, behind one of LATE bytes."""
LATE = 80_000
PHOTO = "photo with a position"
"""The content that is a picture with a position and an owner in it (EXIF)."""

DOCUMENTS = {
    "docx": "Word document",
    "xlsx": "spreadsheet in a zip archive",
    "csv": "table as text",
    "png": "picture",
}
"""Documents that a content may be, in words; what they say follows after a colon."""

WAYS = {
    "form": "a form",
    "multipart": "a file in a form",
    "put": "PUT",
    "webdav": "WebDAV",
    "chat": "an attachment of a chat message",
    "post": "a plain POST",
    "chunked": "a POST in chunks",
    "json": "a JSON document",
    "patch": "PATCH",
    "gzip": "a compressed POST",
    "query": "the query of an address",
    "header": "a header",
    "websocket": "a message of a WebSocket",
}
"""Ways of uploading, in words."""

NAMED_WAYS = ("form", "multipart", "put", "webdav", "chat")
"""The ways that UPL-01 names."""
INFECTED_WAYS = ("multipart", "put", "webdav", "chat", "post")
"""The ways in which an infected file is uploaded."""

NAMED_UPLOADS = {f"{UPLOAD}{way}": WAYS[way] for way in NAMED_WAYS}
INFECTED_UPLOADS = {f"{UPLOAD}{way}: {TEST_FILE}": WAYS[way] for way in INFECTED_WAYS}
SIZED_UPLOADS = {f"{UPLOAD}multipart: {LATE_TEST_FILE}": "the second file in a form, after 80 kB"}
"""Further infected uploads, which count where they are tried: as large as those of real use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadCase:
    """A case of uploads: its way, and its content in words, empty for harmless ones."""

    name: str
    way: str
    content: str

    @property
    def words(self) -> str:
        """The case in words, for reports."""
        return f"{WAYS[self.way]}: {self.content}" if self.content else WAYS[self.way]


@lru_cache(maxsize=4096)
def upload_case(name: str) -> UploadCase | None:
    """Return the case that the part of a stratum after the category names; None for any other."""
    if not name.startswith(UPLOAD):
        return None
    way, _, content = name.removeprefix(UPLOAD).partition(": ")
    return UploadCase(name=name, way=way, content=content) if way in WAYS else None


MESSAGE = "MESSAGE"
"""Recorded as the method of an upload by a WebSocket, which has none."""
SENT_IN_HEAD = frozenset({"GET", "HEAD"})
"""Methods of uploads without a body."""


def receipt_path(nonce: str, digest: str) -> str:
    """Return the path whose words show that an upload with this digest arrived."""
    return f"/received/{nonce}/{digest}"


def digest_of_upload(method: str, path: str, note: str, body: bytes) -> str:
    """Return the SHA-256 of what was uploaded: the body, or what was sent in the head instead."""
    sent = f"{path}\n{note}".encode() if method in SENT_IN_HEAD else body
    return hashlib.sha256(sent).hexdigest()
