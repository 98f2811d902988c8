"""The parts of a URL as they are sent, and the ``www.`` and apex variants of an item's URL."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import ip_address
from string import ascii_letters, digits
from typing import Literal
from urllib.parse import urlsplit

import idna
import msgspec

from harness.model.corpus import Item
from harness.model.private_address import has_blank
from probes.net.route import HIGHEST_PORT, Address

DEFAULT_PORTS = {"http": 80, "https": 443}

# Fast path for nearly all URLs; the other way gives the same result at more cost.
_PLAIN = re.compile(
    r"(https?)://(([a-z0-9.-]*[a-z0-9])(?::([1-9][0-9]{0,4}))?)(/[!-\"$-~]*)(?<!\?)"
)


class UrlTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a URL as they are sent (RFC 9112 section 3.2)."""

    text: str
    scheme: str
    endpoint: Address
    authority: str
    path: str

    @property
    def sent(self) -> str:
        """The URL as a request tells it: without a user, a fragment and the usual port."""
        return f"{self.scheme}://{self.authority}{self.path}"


@lru_cache(maxsize=4096)
def parse_url_target(url: str) -> UrlTarget:
    """Parse an http or https URL. Raises ValueError, also for a blank in it."""
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return _parse_uncommon(url)
    scheme, authority, host, port_text, path = plain.groups()
    default = DEFAULT_PORTS[scheme]
    port = int(port_text) if port_text else default
    if port > HIGHEST_PORT:
        raise ValueError(f"no http URL: {url!r}")
    return UrlTarget(
        text=url,
        scheme=scheme,
        endpoint=Address(host=host, port=port),
        authority=host if port == default else authority,
        path=path,
    )


_URL = re.compile(r"(https?)://([^/?#]+)([^?#]*)\??([^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL)
"""Scheme, authority, path and query (RFC 3986 appendix B)."""

_AUTHORITY = re.compile(
    r"(?:[^\[\]\\]*@)?(?:\[((?!v)[^\[\]]*:[^\[\]]*|v[0-9a-fA-F]+\.[^\[\]]+)\]|([^:@\[\]\\]+))(?::([0-9]*))?",
    re.DOTALL,
)
"""A user, which is not sent, then the host with or without brackets, and the port."""


def _parse_uncommon(url: str) -> UrlTarget:
    """Parse a URL with a user, an IPv6 address, a fragment, non-ASCII characters, or no path."""
    if has_blank(url):
        raise ValueError(f"a blank or control character in the URL {url!r}")
    parts = _URL.fullmatch(url)
    named = _AUTHORITY.fullmatch(parts[2]) if parts else None
    if parts is None or named is None:
        raise ValueError(f"no http URL: {url!r}")
    scheme, path, query = parts[1].lower(), parts[3], parts[4]
    host, default = named[1] or named[2], DEFAULT_PORTS[scheme]
    if not url.isascii():
        host, path, query = _in_ascii(host, path, query)
    port = int(named[3]) if named[3] else default
    if not 0 < port <= HIGHEST_PORT:
        raise ValueError(f"no http URL: {url!r}")
    authority = f"[{host}]" if ":" in host else host
    return UrlTarget(
        text=url,
        scheme=scheme,
        endpoint=Address(host=host, port=port),
        authority=authority if port == default else f"{authority}:{port}",
        path=f"{path or '/'}?{query}" if query else path or "/",
    )


def _in_ascii(host: str, path: str, query: str) -> tuple[str, str, str]:
    """Host, path and query of a URL with other characters, as they are sent (RFC 3987)."""
    path = _escaped(path, _OF_PATH, "/+")
    if "." in path:
        path = _without_dots(path)
    return _host_in_ascii(host), path, _escaped(query, _OF_QUERY, "=+&;")


_PLAIN_IN_URLS = ascii_letters + digits + "-._~!$'()*,"
_OF_PATH = frozenset((_PLAIN_IN_URLS + "+&=;@:/").encode())
_OF_QUERY = frozenset((_PLAIN_IN_URLS + "?/:@=+&;").encode())
_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})|([^%]|%)", re.DOTALL)


def _escaped(text: str, plain: frozenset[int], kept: str) -> str:
    """Escape all but plain bytes; undo escapes of plain ones, but for those of ``kept``."""

    def escape(found: re.Match[bytes]) -> bytes:
        byte = int(found[1], 16) if found[1] else found[2][0]
        is_shown = byte in plain and not (found[1] and chr(byte) in kept)
        return bytes([byte]) if is_shown else b"%%%02X" % byte

    return _ESCAPE.sub(escape, text.encode("utf-8", "ignore")).decode("ascii")


def _without_dots(path: str) -> str:
    """A path without its segments ``.`` and ``..`` (RFC 3986 section 5.2.4)."""
    segments, left = path.removeprefix("/").split("/"), list[str]()
    for segment in segments:
        if segment == "..":
            left = left[:-1]
        elif segment != ".":
            left.append(segment)
    if segments[-1] in (".", ".."):
        left.append("")
    return "/" + "/".join(left)


_IGNORED = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u1806\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that are not seen, and that UTS 46 drops: with one, a name is not what it looks."""


def _host_in_ascii(host: str) -> str:
    """Return an IP address in its short form, or a name as DNS has it. Raises ValueError."""
    address, sign, zone = host.partition("%25" if "%25" in host else "%")
    try:
        return f"{ip_address(address).compressed}{sign}{zone}"
    except ValueError:
        pass
    if host.isascii():
        return host.lower()
    shown = unicodedata.normalize("NFKC", host)
    if _IGNORED.search(host) or (shown != host and not {*"/?#@:%"}.isdisjoint(shown)):
        raise ValueError(f"the host {host!r} is not a name")
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        return host.encode("idna").decode("ascii")


UrlVariant = Literal["as_given", "www", "apex"]

WWW = "www."


def variant_host(item: Item, variant: UrlVariant) -> str:
    """Return the host of an item's variant; empty if there is none or it equals the item's host."""
    if variant == "as_given":
        return item.host
    domain = item.registrable.lower()
    if variant == "www":
        return WWW + domain if domain and item.host == domain else ""
    return domain if domain and item.host == WWW + domain else ""


def variant_url(item: Item, scheme: str, variant: UrlVariant) -> str:
    """Return the URL of an item's variant; the item's own URL if there is none."""
    url, host = item.url(scheme), variant_host(item, variant)
    if variant == "as_given" or not host:
        return url
    parts = urlsplit(url)
    user, at, host_port = parts.netloc.rpartition("@")
    _, colon, port = host_port.partition(":")
    return parts._replace(netloc=user + at + host + colon + port).geturl()
