"""A target is what a URL asks for: where, and by which words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from yarl import URL

from probes.net.address import Address

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The parts of a URL as they are sent (RFC 9112 section 3.2)."""

    url: URL
    scheme: str
    far: Address
    authority: str
    path: str


@lru_cache(maxsize=4096)
def read_target(url: str) -> Target:
    """Read an http or https URL; raises ValueError if it is none."""
    parts = URL(url, encoded=url.isascii())
    port = parts.port
    if parts.scheme not in DEFAULT_PORTS or not parts.raw_host or not port:
        raise ValueError(f"no http URL: {url!r}")
    far = Address(host=parts.raw_host, port=port)
    named = f"[{far.host}]" if ":" in far.host else far.host
    return Target(
        url=parts,
        scheme=parts.scheme,
        far=far,
        authority=named if port == DEFAULT_PORTS[parts.scheme] else str(far),
        path=parts.raw_path_qs,
    )
