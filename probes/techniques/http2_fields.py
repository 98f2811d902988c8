r"""The fields of an HTTP/2 request in a statement: ``:authority={host} :path=/ host={allowed}``.

Each word is a field, ``name=value``; both are templates (``probes.techniques.placeholders``), in
which a blank is ``\x20``. They are sent in the given order. Of ``:method``, ``:scheme`` and
``:path`` those that are not named come first, with their usual values; the fields of a browser
follow at the end, with the nonce.
"""

from __future__ import annotations

from dataclasses import dataclass

from probes.net.raw_http2 import MOST_CONTINUATIONS, Fields
from probes.techniques.placeholders import Piece, pieces_of
from probes.techniques.run import TechniqueRun

SECURE_PORTS = frozenset({443, 8443})
"""Ports of URLs at which TLS is used."""

OPTIONS = ("first", "continuation")

LONGEST_FRAGMENT = 16384 // (MOST_CONTINUATIONS + 1)

CONNECTION_HEADERS = frozenset({"connection", "proxy-connection", "keep-alive"})
"""Headers of browsers that HTTP/2 does not have (RFC 9113 section 8.2.2)."""


@dataclass(frozen=True, slots=True)
class RequestFields:
    """The fields of a request, and how it is sent.

    ``first`` is the host of a request before it on the same connection (empty: there is none).
    ``fragment`` is the size of the pieces of its header block; 0: it is not cut.
    """

    fields: tuple[tuple[tuple[Piece, ...], tuple[Piece, ...]], ...]
    first: tuple[Piece, ...] = ()
    fragment: int = 0

    def request(self, run: TechniqueRun) -> Fields:
        """Return the fields as they are sent. Raises NotCarriedError as ``TechniqueRun.text``."""
        named = [(run.text(name), run.text(value)) for name, value in self.fields]
        usual = _usual(run, {name for name, _ in named})
        return _encoded([*usual, *named, *browser_fields(run, has_nonce=True)])

    def first_request(self, run: TechniqueRun) -> Fields:
        """Return the fields of the request before it."""
        named = [(":authority", run.text(self.first))]
        return _encoded([*_usual(run, set()), *named, *browser_fields(run, has_nonce=False)])

    def http1_head(self, run: TechniqueRun) -> list[tuple[str, str]]:
        """Return the headers of the same request by HTTP/1.1, but for Host."""
        named = [(run.text(name), run.text(value)) for name, value in self.fields]
        kept = [each for each in named if not each[0].startswith(":") and each[0] != "host"]
        return [*kept, *browser_headers(run, has_nonce=not self.first)]

    def value(self, run: TechniqueRun, *names: str) -> str:
        """Return the value of the first field that has one of the names; empty without one."""
        found = (value for name, value in self.fields if run.text(name) in names)
        return run.text(next(found, ()))


def read_fields(text: str) -> RequestFields:
    """Read the words of a step. Raises ValueError with the reason."""
    words = [word.partition("=") for word in text.split(" ") if word]
    for name, parted, _ in words:
        if not (name and parted):
            msg = f"{name!r} is no field; write name=value, and \\x20 for a blank"
            raise ValueError(msg)
    options = {name: value for name, _, value in words if name in OPTIONS}
    fields = [
        (pieces_of(name), pieces_of(value)) for name, _, value in words if name not in OPTIONS
    ]
    if not fields:
        fields = [(pieces_of(":authority"), pieces_of("{host}"))]
    fragment = options.get("continuation", "0")
    if not (fragment.isascii() and fragment.isdigit() and int(fragment) <= LONGEST_FRAGMENT):
        msg = f"{fragment!r} is no size of fragments from 1 to {LONGEST_FRAGMENT} bytes"
        raise ValueError(msg)
    return RequestFields(tuple(fields), pieces_of(options.get("first", "")), int(fragment))


def browser_headers(run: TechniqueRun, *, has_nonce: bool) -> list[tuple[str, str]]:
    """Return a browser's headers for a page, but for Host, with the nonce or without it."""
    lines = (line.partition(": ") for line in run.values["headers"].split("\r\n"))
    return [
        (name, value)
        for name, parted, value in lines
        if parted and name.lower() not in CONNECTION_HEADERS
        if has_nonce or not run.origin.nonce_in([value])
    ]


def browser_fields(run: TechniqueRun, *, has_nonce: bool) -> list[tuple[str, str]]:
    """Return ``browser_headers`` as fields: their names in lower case."""
    return [(name.lower(), value) for name, value in browser_headers(run, has_nonce=has_nonce)]


def _usual(run: TechniqueRun, named: set[str]) -> list[tuple[str, str]]:
    scheme = "https" if run.port in SECURE_PORTS else "http"
    usual = ((":method", "GET"), (":scheme", scheme), (":path", "/"))
    return [each for each in usual if each[0] not in named]


def _encoded(fields: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [
        (name.encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        for name, value in fields
    ]
