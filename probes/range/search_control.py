"""The search part of the reference filter: it locks engines, and blocks agreed terms in queries.

It knows only engines and terms on the lists for suppliers (``FilterPolicy.engines``, ``terms``).
A term is found in other letter case, in look-alike and full-width letters, with separators between
its letters, and misspelt by one letter.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlsplit

from harness.model.search_case import FILM_CODES, SearchLock, is_near
from probes.range.search_service import cookies_of, query_of, query_pairs
from probes.range.zone import original_host

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.filter import FilterPolicy

_LATIN = str.maketrans("\u0430\u0435\u043e\u0456\u0440\u0441\u0445\u0443", "aeoipcxy")
"""Cyrillic letters that look like Latin ones (Unicode TS 39)."""
_NOT_LETTERS = re.compile(r"[\W_]+")
SHORTEST_NEAR = 6
"""Letters from which a term is also recognised misspelt; shorter ones are near too many words."""


def code_of_query(request: Request, policy: FilterPolicy) -> str:
    """Return the category of the agreed term in a query to a known engine, or an empty string."""
    if original_host(request.host) not in policy.engines:
        return ""
    text = unicodedata.normalize("NFKC", query_of(request)).casefold()
    return next((code for term, code in policy.terms.items() if _holds(text, term)), "")


def _holds(text: str, term: str) -> bool:
    for written in (text, text.translate(_LATIN)):
        words = _NOT_LETTERS.split(written)
        if term in words:
            return True
        if len(term) >= SHORTEST_NEAR and (
            term in _NOT_LETTERS.sub("", written) or any(is_near(word, term) for word in words)
        ):
            return True
    return False


def locked_request(request: Request, policy: FilterPolicy, profile: str) -> Request:
    """Return a request as the filter forwards it: locked, if its host is a known engine."""
    lock = SearchLock.parse(policy.engines.get(original_host(request.host), ""))
    match lock.kind:
        case "parameter":
            return _with_parameters(request, lock)
        case "cookie":
            names = {name for name, _ in lock.pairs}
            others = [pair for pair in cookies_of(request) if pair[0] not in names]
            return _with_header(request, "Cookie", _joined([*others, *lock.pairs], "; "))
        case "header":
            name, values = lock.header
            return _with_header(request, name, _mode_of(values, policy, profile))
    return request


def locking_name(host: str, policy: FilterPolicy, profile: str) -> str:
    """Return the name that a resolver gives for a host to lock it for a profile, or nothing."""
    lock = SearchLock.parse(policy.engines.get(original_host(host), ""))
    return _mode_of(lock.targets, policy, profile) if lock.kind == "dns" else ""


def _mode_of(values: tuple[str, ...], policy: FilterPolicy, profile: str) -> str:
    """Return the strictest of the values of a lock, or the weakest where that suffices."""
    is_strict = len(values) == 1 or policy.blocks(FILM_CODES["strict"], profile)
    return values[0] if is_strict else values[-1]


def _joined(pairs: list[tuple[str, str]], by: str) -> str:
    return by.join(f"{name}={value}" for name, value in pairs)


def _with_parameters(request: Request, lock: SearchLock) -> Request:
    """Replace whatever the client sent for the parameters of a lock."""
    names = {name for name, _ in lock.pairs}
    kept = [pair for pair in query_pairs(request) if pair[0] not in names]
    query = _joined(
        [(quote_plus(name), quote_plus(value)) for name, value in [*kept, *lock.pairs]], "&"
    )
    before = urlsplit(request.target)._replace(query=query, fragment="")
    return replace(request, target=before.geturl())


def _with_header(request: Request, name: str, value: str) -> Request:
    lines = tuple(
        line
        for line in request.lines
        if line.partition(b":")[0].strip().lower() != name.lower().encode()
    )
    return replace(
        request,
        headers={**request.headers, name.lower(): value},
        lines=(*lines, f"{name}: {value}".encode("latin-1")),
    )
