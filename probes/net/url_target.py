"""The parts of a URL as they are sent, and the ``www.`` and apex variants of an item's URL."""

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

# Fast path for nearly all URLs; yarl would give the same result at more cost.
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
    def url(self) -> URL:
        """The complete URL."""
        return URL(self.text, encoded=self.text.isascii())


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


def _parse_uncommon(url: str) -> UrlTarget:
    """Parse a URL with a user, an IPv6 address, a fragment, non-ASCII characters, or no path."""
    if has_blank(url):
        raise ValueError(f"a blank or control character in the URL {url!r}")
    parts = URL(url, encoded=url.isascii())
    host, port = parts.raw_host, parts.port
    if parts.scheme not in DEFAULT_PORTS or not host or not port:
        raise ValueError(f"no http URL: {url!r}")
    named = f"[{host}]" if ":" in host else host
    return UrlTarget(
        text=url,
        scheme=parts.scheme,
        endpoint=Address(host=host, port=port),
        authority=named if port == DEFAULT_PORTS[parts.scheme] else f"{named}:{port}",
        path=parts.raw_path_qs,
    )


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
