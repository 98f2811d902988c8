"""A target is what a URL asks for: where, and by which words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from yarl import URL

from harness.model.corpus import Item
from harness.model.private_address import has_blank
from probes.net.route import HIGHEST_PORT, Address

DEFAULT_PORTS = {"http": 80, "https": 443}

# Nearly all of them are of this shape, for which yarl would say the same at more cost.
_PLAIN = re.compile(
    r"(https?)://(([a-z0-9.-]*[a-z0-9])(?::([1-9][0-9]{0,4}))?)(/[!-\"$-~]*)(?<!\?)"
)


class UrlTarget(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a URL as they are sent (RFC 9112 section 3.2)."""

    written: str
    scheme: str
    endpoint: Address
    authority: str
    path: str

    @property
    def url(self) -> URL:
        """The whole of it."""
        return URL(self.written, encoded=self.written.isascii())


@lru_cache(maxsize=4096)
def parse_url_target(url: str) -> UrlTarget:
    """Read an http or https URL; raises ValueError if it is none, or has a blank in it."""
    plain = _PLAIN.fullmatch(url)
    if plain is None:
        return _parse_uncommon(url)
    scheme, authority, host, written_port, path = plain.groups()
    default = DEFAULT_PORTS[scheme]
    port = int(written_port) if written_port else default
    if port > HIGHEST_PORT:
        raise ValueError(f"no http URL: {url!r}")
    return UrlTarget(
        written=url,
        scheme=scheme,
        endpoint=Address(host=host, port=port),
        authority=host if port == default else authority,
        path=path,
    )


def _parse_uncommon(url: str) -> UrlTarget:
    """Read a URL with a user, an IPv6 address, a fragment, other letters, or no path."""
    if has_blank(url):
        raise ValueError(f"a blank or control character in the URL {url!r}")
    parts = URL(url, encoded=url.isascii())
    host, port = parts.raw_host, parts.port
    if parts.scheme not in DEFAULT_PORTS or not host or not port:
        raise ValueError(f"no http URL: {url!r}")
    named = f"[{host}]" if ":" in host else host
    return UrlTarget(
        written=url,
        scheme=parts.scheme,
        endpoint=Address(host=host, port=port),
        authority=named if port == DEFAULT_PORTS[parts.scheme] else f"{named}:{port}",
        path=parts.raw_path_qs,
    )


UrlVariant = Literal["as_given", "www", "apex"]

WWW = "www."


def variant_host(item: Item, variant: UrlVariant) -> str:
    """The host of an item's variant; empty where it has none, or is that one itself."""
    if variant == "as_given":
        return item.host
    domain = item.registrable.lower()
    if variant == "www":
        return WWW + domain if domain and item.host == domain else ""
    return domain if domain and item.host == WWW + domain else ""


def variant_url(item: Item, scheme: str, variant: UrlVariant) -> str:
    """The URL of an item's variant; its own where it has none."""
    url, host = item.url(scheme), variant_host(item, variant)
    if variant == "as_given" or not host:
        return url
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    _, colon, port = place.partition(":")
    return parts._replace(netloc=user + at + host + colon + port).geturl()
