"""What the service on each line showed of itself, so that another service is recognised.

Taken from the attempts at sentinels: the programs that named themselves in headers, the issuers of
certificates, and the hosts of block pages, each as far as the control line did not show the same.
Numbers are left out, so that a new version of a program is no other service.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from harness.model.content_identity import SHOWN
from harness.model.facts import WebFacts
from harness.model.observation import CONTROL, Observation

NAMING = frozenset({"server", "via", "x-blocked-by", "x-powered-by"})
"""Headers in which programs name themselves (RFC 9110 sections 7.6.3, 10.2.4)."""

ROLES = frozenset({"must_allow", "must_block"})
MOST, LONGEST = 12, 60
"""How many marks are kept of a line, and how many characters of each."""

_OTHER = re.compile(r"[^A-Za-z0-9/.#=()_@-]+")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)*")


def shown_by_lines(observations: Iterable[Observation]) -> dict[str, str]:
    """The marks of each line, by the name of the part; a line that showed none is left out."""
    marks: dict[str, set[str]] = {}
    for one in observations:
        if one.role in ROLES and isinstance(one.facts, WebFacts):
            marks.setdefault(one.key.line, set()).update(_marks(one.facts, one.item.host))
    control = marks.pop(CONTROL, set())
    return {
        f"{SHOWN}{line}": " ".join(own[:MOST])
        for line, found in sorted(marks.items())
        if (own := sorted(found - control))
    }


def _marks(facts: WebFacts, host: str) -> Iterator[str]:
    for name, value in facts.headers:
        if name in NAMING:
            yield _mark(name, value)
    if facts.certificate is not None and facts.certificate.issuer:
        yield _mark("issuer", facts.certificate.issuer)
    try:
        last = urlsplit(facts.url).hostname or ""
    except ValueError:
        return
    if last and last != host:
        yield _mark("page", last)


def _mark(name: str, text: str) -> str:
    """A mark without spaces and numbers; what else a service may write is replaced."""
    return _OTHER.sub("_", f"{name}={_NUMBER.sub('#', text)}")[:LONGEST]
