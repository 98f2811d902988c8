"""Looks at pages: what one is by itself, and how it compares with the control's.

The look only supports what the control comparison shows: words such as *blocked* or
*denied* stand on ordinary pages too, so a signal counts where it stands (title, opening
text, redirect host, frame), and what an origin says for itself (CAPTCHA, geo-block, parked)
is told apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from harness.model.observation import WebFacts
from harness.stages.judge import signatures

_NAMES = re.compile(r"(?:https?://\S+)|(?:[\w-]+\.)+[a-z][\w-]*(?:/\S*)?|\d+(?:[.:]\d+)*")
_SPACE = re.compile(r"\s+")


class Kind(StrEnum):
    """What a page is, as far as it can be told from the page alone."""

    ORDINARY = "ordinary"
    BLOCK = "block"
    REFUSAL = "refusal"
    PARKED = "parked"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A page alone: its kind, how strongly (0 to 1), and what it says of itself."""

    kind: Kind = Kind.ORDINARY
    strength: float = 0.0
    witnesses: tuple[str, ...] = ()


NOTHING = Look()
REFUSING = 400


def look_at(web: WebFacts) -> Look:
    """What a page looks like by itself."""
    if web.status is None:
        return NOTHING
    return _look(web.status, web.title, web.text, web.body_length or 0)


def likeness(one: WebFacts, other: WebFacts) -> float:
    """How alike two pages are, 0 to 1: digest, then title, text and length."""
    if one.body_sha256 and one.body_sha256 == other.body_sha256:
        return 1.0
    texts = (normal(one.text, one.url), normal(other.text, other.url))
    if any(texts):
        return max(alike(*texts), _title_likeness(one, other))
    lengths = sorted((one.body_length or 0, other.body_length or 0))
    ratio = lengths[0] / lengths[1] if lengths[1] else 0.0
    return max(ratio * ratio * 0.8, _title_likeness(one, other))


@lru_cache(maxsize=4096)
def normal(text: str, url: str = "") -> str:
    """Text without what changes from site to site: host names, addresses, numbers, case."""
    if not text:
        return ""
    host = host_of(url)
    folded = text.casefold()
    if host:
        folded = folded.replace(host, "*")
    return _SPACE.sub(" ", _NAMES.sub("*", folded)).strip()


def alike(one: str, other: str) -> float:
    """Likeness of two normalised texts, 0 to 1 (normalised Indel distance)."""
    if one == other:
        return 1.0 if one else 0.0
    if not one or not other:
        return 0.0
    from rapidfuzz import fuzz  # noqa: PLC0415 - only where texts differ

    return float(fuzz.ratio(one, other)) / 100


@lru_cache(maxsize=4096)
def host_of(url: str) -> str:
    """The host of a URL, lower case; empty for a relative one."""
    if "//" not in url:
        return ""
    authority = re.split(r"[/?#]", url.split("//", 1)[1], maxsplit=1)[0].rsplit("@", 1)[-1]
    if authority.startswith("["):
        return authority.partition("]")[0].lstrip("[").lower()
    return authority.partition(":")[0].lower().rstrip(".")


def hosts_of(web: WebFacts) -> frozenset[str]:
    """All hosts that an answer led through."""
    return frozenset(
        host
        for hop in (web.url, *(part for hop in web.hops for part in (hop.url, hop.location)))
        if (host := host_of(hop))
    )


def strayed_to(web: WebFacts, home: frozenset[str]) -> str:
    """The first host that a redirect led to outside ``home``; empty if there is none."""
    for address in (*(part for hop in web.hops for part in (hop.location, hop.url)), web.url):
        host = host_of(address)
        if host and not any(_is_sister(host, known) for known in home):
            return host
    return ""


def _is_sister(host: str, known: str) -> bool:
    one, other = host.removeprefix("www."), known.removeprefix("www.")
    return one == other or one.endswith("." + other)


def _title_likeness(one: WebFacts, other: WebFacts) -> float:
    titles = (normal(one.title, one.url), normal(other.title, other.url))
    return alike(*titles) if all(titles) else 0.0


@lru_cache(maxsize=2048)
def _look(status: int, title: str, text: str, length: int) -> Look:
    del length
    for kind, pattern, says in signatures.SAYINGS:
        place = title if says.startswith("title") else f"{title} {text}"
        found = pattern.search(place)
        if found:
            strength = 0.9 if status >= REFUSING or kind is not Kind.BLOCK else 0.7
            return Look(
                kind=Kind(kind), strength=strength, witnesses=(f"{says}: {found.group(0)!r}",)
            )
    return NOTHING
