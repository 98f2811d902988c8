"""Cases of downloads: a file in a container, and the way in which it is transferred.

A case is named in the stratum of an item: ``MALW.MAL/file:zip(zip) by HTTPS GET``. Containers and
transports are written as in the pack ``malware``, so that a row of that pack is a case. The core
cases, which requirements name, have short names of their own (``file:nested-zip``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

FILE = "file:"
"""What precedes the name of a case of downloads in a stratum."""

CaseGroup = Literal["named", "sized", "archive", "feature", "other", "restricted"]
"""*Named* cases are those that a requirement names; *sized* ones are as large as files of real use,
and count where a pack has them; *archives* are hard to scan; *features* are those of the AMTSO
feature checks. What came of *other* and of *restricted* cases is reported;
services may stop restricted ones whatever is in them."""
REPORTED_GROUPS = frozenset({"other", "restricted"})

CLEAN_GROUPS = frozenset({"named", "sized", "other"})
"""The groups whose harmless files must arrive unchanged."""

ARCHIVES = {
    "deep": "archives nested too deeply",
    "encrypted": "encrypted archives",
    "huge": "archives that expand to a huge size",
}
"""Archives that are hard to scan, by the name under which a service declares what it does."""

FEATURES = {
    "manual": "a manual download",
    "drive-by": "a drive-by download",
    "compressed": "a compressed file",
    "pua": "a potentially unwanted application",
    "phishing": "a phishing page",
    "cloud": "a file known by its digest",
}
"""The feature checks of AMTSO, for which the origin has equivalents."""

AGREED = "agreed file"
"""The container of the file that suppliers are given, and recognise by its digest."""
FIRST_FILE = "/opening-times.txt"
"""The path of the clean file that is fetched first, where a connection is kept."""
MARKED = "agreed marker"
"""The container of a page that shows the agreed marker of its category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How a file is transferred.

    ``ranges`` are the byte ranges that a client asks for, one after the other (RFC 9110 section
    14.2); ``coding`` is the content coding, ``chunk`` the size of the chunks in bytes. With
    ``page`` the file is not at the address itself: a page forwards to it, or a redirect leads to
    it. ``content_type`` of None is the usual one. ``connection``: the file is a message of a
    WebSocket, or the second answer on a connection, where both requests may be sent at once.
    """

    scheme: Literal["http", "https"] = "https"
    method: Literal["GET", "POST"] = "GET"
    with_head: bool = False
    ranges: tuple[str, ...] = ()
    coding: str = ""
    chunk: int = 0
    content_type: str | None = None
    status: int = 200
    page: Literal["", "refresh", "redirect"] = ""
    connection: Literal["", "websocket", "kept", "pipelined"] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCase:
    """A case of downloads.

    ``layers`` are the containers from the inside to the outside, empty if one of them cannot be
    made; ``transport`` is None if Accredit cannot transfer a file like this.
    """

    name: str
    layers: tuple[str, ...]
    transport: Transport | None
    words: str
    group: CaseGroup = "other"


CONTAINERS = frozenset(
    {
        "none", "renamed", "exe", "zip", "zip stored", "zip lzma", "zip bzip2", "tar", "gz", "bz2",
        "xz", "zst", "ar/deb", "cab", "iso9660", "rar5", "lha", "rpm", "zip AES-256",
        "jar", "apk", "docx", "xlsx", "pptx", "odt", "rtf",
        "mbox", "html base64 smuggling", "svg script smuggling", "data: URI", "uuencode",
        "base64 text", "quoted-printable", "rot13", "polyglot gif+zip", "trailing whitespace",
        "UTF-16 text of string", "lower-cased string", *ARCHIVES, AGREED, MARKED,
    }
)  # fmt: skip
"""Containers that the origin can make."""
ENCRYPTED = frozenset({"encrypted", "zip AES-256"})
"""Containers that open with a password."""
_BY_FIRST_WORDS = {"docm": "docx"} | {
    name: name
    for name in (
        "docx", "xlsx", "pptx", "odt", "rtf", "trailing whitespace", "rot13", "rar5", "zip AES-256",
    )
}  # fmt: skip
"""Containers whose names go on with what they are made for, by their first words."""
MOST_FILES = 2000
"""The most other files in an archive."""


def layers_of(container: str) -> tuple[str, ...]:
    """Return the layers of a container, the innermost first; empty if one cannot be made.

    ``zip(gz)`` is a gzip file in a zip archive, ``tar.xz`` an xz file of a tar archive.
    """
    if container in CONTAINERS:
        return (container,)
    found = re.fullmatch(r"(?P<outer>\w+)\((?P<inner>.+)\)", container)
    found = found or re.fullmatch(r"(?P<inner>\w+)\.(?P<outer>\w+)", container)
    if found:
        around, inside = layers_of(found["outer"]), layers_of(found["inner"])
        return (*inside, *around) if around and inside else ()
    if many := re.fullmatch(r"zip with ([\d,]{1,7}) other files", container):
        return (f"zip {min(int(many[1].replace(',', '') or 0), MOST_FILES)}",)
    if large := re.fullmatch(r"zip behind ([1-9]|1\d) MB", container):
        return (f"behind {large[1]}",)
    first = (name for start, name in _BY_FIRST_WORDS.items() if container.startswith(f"{start} "))
    return tuple(first)[:1]


_BY = re.compile(r"(?P<container>.+) by (?P<transport>.+?)")
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("get", r"(?P<scheme>HTTPS?) GET(?: with inspection)?"),
    ("chunk", r"chunked (?P<size>\d{1,6})-byte chunks"),
    ("coding", r"Content-Encoding (?P<coding>gzip|deflate|br|zstd)"),
    ("ranges", r"Range (?P<ranges>\d+-\d*(?: then \d+-\d*)*)"),
    ("whole", r"206 single range covering all"),
    ("type", r"(?:wrong )?Content-Type (?P<type>[\w.+-]+/[\w.+-]+)"),
    ("no-type", r"no Content-Type"),
    ("head", r"HEAD then GET"),
    ("post", r"POST response"),
    ("refresh", r"meta refresh to EICAR"),
    ("redirect", r"cloud-share link"),
    ("status", r"HTTP (?P<status>[2-5]\d\d) body"),
    ("websocket", r"(?:(?P<scheme>HTTPS?) )?WebSocket binary frame"),
    ("kept", r"keep-alive after clean file"),
    ("pipelined", r"HTTP pipelined second response"),
)


def transport_of(words: str) -> Transport | None:
    """Return the transport that a row of the pack ``malware`` names; None if it is not known.

    Rows that name no scheme are transferred over HTTPS.
    """
    for name, pattern in _PATTERNS:
        found = re.fullmatch(pattern, words)
        if found is not None:
            return _transport(name, found)
    return None


def _transport(name: str, found: re.Match[str]) -> Transport:
    makers: dict[str, Callable[[], Transport]] = {
        "get": lambda: Transport(scheme=_scheme(found)),
        "chunk": lambda: Transport(chunk=max(1, int(found["size"]))),
        "coding": lambda: Transport(coding=found["coding"]),
        "ranges": lambda: Transport(ranges=tuple(found["ranges"].split(" then "))),
        "whole": lambda: Transport(ranges=("0-",)),
        "type": lambda: Transport(content_type=found["type"]),
        "no-type": lambda: Transport(content_type=""),
        "head": lambda: Transport(with_head=True),
        "post": lambda: Transport(method="POST"),
        "refresh": lambda: Transport(page="refresh"),
        "redirect": lambda: Transport(page="redirect"),
        "status": lambda: Transport(status=int(found["status"])),
        "websocket": lambda: Transport(scheme=_scheme(found), connection="websocket"),
        "kept": lambda: Transport(connection="kept"),
        "pipelined": lambda: Transport(connection="pipelined"),
    }
    return makers[name]()


def _scheme(found: re.Match[str]) -> Literal["http", "https"]:
    return "http" if found["scheme"] == "HTTP" else "https"


_CORE: tuple[tuple[str, str, str, str, CaseGroup], ...] = (
    ("http", "none", "HTTP GET", "as it is, by HTTP", "named"),
    ("https", "none", "HTTPS GET", "as it is, by HTTPS", "named"),
    ("zip", "zip", "HTTP GET", "in a zip archive", "named"),
    ("nested-zip", "zip(zip)", "HTTP GET", "in a zip archive in a zip archive", "named"),
    ("renamed", "renamed", "HTTP GET", "under the name of a picture", "named"),
    ("chunked", "none", "chunked 1-byte chunks", "in chunks", "named"),
    ("ranged", "none", "Range 0-33 then 34-67", "in byte ranges", "named"),
    ("gzip", "none", "Content-Encoding gzip", "compressed with gzip", "named"),
    ("large", "zip behind 2 MB", "HTTP GET", "in a zip archive, behind 2 MB of film", "sized"),
    *((f"archive-{name}", name, "HTTP GET", words, "archive") for name, words in ARCHIVES.items()),
    ("feature-manual", "none", "HTTP GET", FEATURES["manual"], "feature"),
    ("feature-drive-by", "none", "meta refresh to EICAR", FEATURES["drive-by"], "feature"),
    ("feature-compressed", "zip", "HTTP GET", FEATURES["compressed"], "feature"),
    ("feature-pua", MARKED, "HTTP GET", FEATURES["pua"], "feature"),
    ("feature-phishing", MARKED, "HTTP GET", FEATURES["phishing"], "feature"),
    ("feature-cloud", AGREED, "HTTP GET", FEATURES["cloud"], "feature"),
)
_OVER_HTTP = frozenset({"chunked", "ranged", "gzip", "feature-drive-by"})
"""Core cases that are transferred over HTTP, so that a line without inspection of TLS has them."""


def _core() -> dict[str, FileCase]:
    cases = {}
    for short, container, by, words, group in _CORE:
        transport = transport_of(by)
        if transport is not None and short in _OVER_HTTP:
            transport = replace(transport, scheme="http")
        name = f"{FILE}{short}"
        cases[name] = FileCase(
            name=name,
            layers=layers_of(container),
            transport=transport,
            words=words,
            group=group,
        )
    return cases


FILE_CASES: dict[str, FileCase] = _core()
"""The core cases by name, in the order of reports."""

NAMED_CASES = {name: case.words for name, case in FILE_CASES.items() if case.group == "named"}
"""The eight ways of packing and transferring the test file that MAL-01 names, in words."""
SIZED_CASES = {name: case.words for name, case in FILE_CASES.items() if case.group == "sized"}
"""Further ways of MAL-01, which count where they are tried: files as large as those of real use."""


@lru_cache(maxsize=4096)
def file_case(name: str) -> FileCase | None:
    """Return the case that the part of a stratum after the category names; None for any other."""
    if not name.startswith(FILE):
        return None
    if name in FILE_CASES:
        return FILE_CASES[name]
    words = name.removeprefix(FILE)
    found = _BY.fullmatch(words)
    if found is None:
        return None
    layers, transport = layers_of(found["container"]), transport_of(found["transport"])
    by_websocket = transport is not None and transport.connection == "websocket"
    is_restricted = by_websocket or not ENCRYPTED.isdisjoint(layers)
    return FileCase(
        name=name,
        layers=layers,
        transport=transport,
        words=words,
        group="restricted" if is_restricted else "other",
    )
