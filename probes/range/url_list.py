"""The reference filter's list of URLs, with defects to simulate.

A list entry is compared with a request by host and path, without scheme, as in most products. Both
are brought into one form (RFC 3986 section 6.2.2): hexadecimal digits are capitals, and characters
that need no encoding are not encoded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from probes.range.zone import normalise, original_host

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.filter import FilterPolicy

Defect = Literal["long", "space", "colon", "query", "percent", "whole_site"]
"""A defect of a filter: entries over 255 characters, or with such characters, do not match; or an
entry blocks all pages of its host."""

LONGEST = 255
_SIGNS: dict[Defect, str] = {"space": "%20", "colon": ":", "query": "?", "percent": "%"}
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def normal_path(path: str) -> str:
    """Return a path and query in normal form; no escape is decoded twice."""

    def decoded(escape: re.Match[str]) -> str:
        character = chr(int(escape[1], 16))
        return character if _UNRESERVED.fullmatch(character) else escape[0].upper()

    return _ENCODED.sub(decoded, path)


class UrlList:
    """A list of URLs with their categories. ``defects`` may be changed at any time."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self.defects: set[Defect] = set()
        self._codes: dict[str, str] = {}
        self._sites: dict[str, str] = {}
        for url, code in urls.items():
            host, slash, path = url.partition("://")[2].partition("/")
            self._sites[normalise(host)] = code
            self._codes[normalise(host) + normal_path(slash + path)] = code

    def code_of(self, host: str, path: str) -> str:
        """Return the category of a request; empty if it is not on the list."""
        name = original_host(host)
        if "whole_site" in self.defects:
            return self._sites.get(name, "")
        return "" if self._is_lost(path) else self._codes.get(name + normal_path(path), "")

    def _is_lost(self, path: str) -> bool:
        """Whether a defect keeps an entry with this path from matching."""
        if "long" in self.defects and len(path) > LONGEST:
            return True
        return any(sign in path for defect, sign in _SIGNS.items() if defect in self.defects)


def listed_code(request: Request, policy: FilterPolicy) -> str:
    """Return the category of a request that is on the filter's list of URLs."""
    return policy.urls.code_of(request.host, request.path)
