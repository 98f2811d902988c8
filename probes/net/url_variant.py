"""The variants of a site's address: with ``www.`` before its domain, and without.

Only a registrable domain has them: of ``a.b.example.org`` nobody expects a ``www``.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from harness.model.corpus import Item

Variant = Literal["as_given", "www", "apex"]

WWW = "www."


def host_of(item: Item, variant: Variant) -> str:
    """The host of an item's variant; empty where it has none, or is that one itself."""
    if variant == "as_given":
        return item.host
    domain = item.registrable.lower()
    if variant == "www":
        return WWW + domain if domain and item.host == domain else ""
    return domain if domain and item.host == WWW + domain else ""


def url_of(item: Item, scheme: str, variant: Variant) -> str:
    """The URL of an item's variant; its own where it has none."""
    url, host = item.url(scheme), host_of(item, variant)
    if variant == "as_given" or not host:
        return url
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    _, colon, port = place.partition(":")
    return parts._replace(netloc=user + at + host + colon + port).geturl()
