"""Uploads: hosts of an origin to which things can be sent, and what is sent to them.

What is sent is invented: personal data of the pack ``upload``, a picture with a position, harmless
words, and the anti-malware test file, which is in no pack. Each host takes one upload.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from corpora.origin_pack import OriginPack, OriginPages
from corpora.pack_reader import open_pack
from corpora.synthetic_sites import unlisted_hosts
from harness.model.content_form import PageContent
from harness.model.corpus import TWIN
from harness.model.upload_case import (
    DOCUMENTS,
    INFECTED_UPLOADS,
    NAMED_UPLOADS,
    PHOTO,
    SIZED_UPLOADS,
    UPLOAD,
    upload_case,
)

CONTROL, MALWARE = "CTRL", "MALW.MAL"
UPLOADS_OF_CASE = 2
"""Uploads of each case that a requirement names, by HTTP and HTTPS in turn."""

_ROW = re.compile(r"\S+ \S+ by (?P<channel>.+) as (?P<encoding>.+)")
_WAYS = (
    ("WebDAV PUT", "webdav"), ("chunked POST", "chunked"), ("gzip body", "gzip"),
    ("query string", "query"), ("header value", "header"), ("webmail attachment", "multipart"),
    ("multipart with odd boundary", "multipart"), (" PUT", "put"), ("PATCH", "patch"),
    ("chat message", "form"), ("POST form", "form"), ("POST photo", "multipart"),
    ("POST document", "multipart"), ("POST file", "multipart"), ("POST JSON", "json"),
    ("GraphQL", "json"), ("generative AI prompt", "json"), ("WebSocket text frame", "websocket"),
)  # fmt: skip
"""The way of uploading, by words of a row's channel; the first that fits."""
_DOCUMENTS = {"docx": "docx", "zip(xlsx)": "xlsx", "multipart/png": "png", "text/csv": "csv"}
"""The documents of ``harness.model.upload_case`` by a row's encoding."""
_UNMADE = ("heic", "mp4", "ogg")
"""Parts of encodings that Accredit cannot make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """An upload before it has a host."""

    name: str
    category: str
    variant: str
    scheme: str


def uploads(
    seed: str, *, of_case: int = UPLOADS_OF_CASE, rows: bool = True, taken: Collection[str] = ()
) -> OriginPages:
    """Make hosts that take uploads from ``seed``.

    There are ``of_case`` uploads of each case that a requirement names and, if ``rows``, one of
    each row of the pack ``upload`` that can be driven. No host is one of ``taken``.
    """
    planned = [*_named(of_case), *(_of_rows() if rows else ())]
    hosts = list(unlisted_hosts(f"{seed}/uploads", len(planned), taken))
    placed = list(zip(planned, hosts, strict=True))
    return OriginPages(
        contents={host: PageContent(service="sink", case=one.variant) for one, host in placed},
        texts=dict.fromkeys(hosts, "The garden centre opens at nine."),
        rows=tuple(_row(one, host) for one, host in placed),
    )


def _named(of_case: int) -> Iterator[_Planned]:
    cases = [(CONTROL, variant) for variant in NAMED_UPLOADS]
    cases += [(MALWARE, variant) for variant in (*INFECTED_UPLOADS, *SIZED_UPLOADS)]
    for category, variant in cases:
        for number in range(1, of_case + 1):
            short = re.sub(r"[^a-z]+", "-", variant.removeprefix(UPLOAD))
            scheme = "http" if number % 2 else "https"
            name = f"{short}-{number}"
            yield _Planned(name=name, category=category, variant=variant, scheme=scheme)


def _of_rows() -> Iterator[_Planned]:
    for entry in open_pack("upload").entries():
        found = _ROW.fullmatch(entry.item.value)
        if found is None or entry.item.stratum.startswith(TWIN):
            continue
        way = next((way for words, way in _WAYS if words in found["channel"]), "")
        encoding = found["encoding"]
        if not way or any(part in encoding for part in _UNMADE):
            continue
        text = PHOTO if "jpeg" in encoding else entry.note.partition("; ")[0]
        if encoding in _DOCUMENTS:
            text = f"{DOCUMENTS[_DOCUMENTS[encoding]]}: {text}"
        if upload_case(variant := f"{UPLOAD}{way}: {text}") is not None:
            yield _Planned(
                name=entry.item.id,
                category=CONTROL,
                variant=variant,
                scheme="http" if found["channel"].startswith("HTTP ") else "https",
            )


def _row(upload: _Planned, host: str) -> dict[str, str]:
    return {
        "id": f"upload-{upload.name}",
        "value": f"{upload.scheme}://{host}/inbox/",
        "kind": "url",
        "registrable": host,
        "labels": upload.category,
        "applies_to": "content",
        "stratum": f"{upload.category}/{upload.variant}",
        "sensitivity": "S0",
    }


UPLOAD_PACK = OriginPack(
    name="uploads",
    title="Hosts that take uploads, and what is sent to them",
    kind="content",
    make=lambda seed, taken: uploads(seed, taken=taken),
)
